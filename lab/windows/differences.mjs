// The tests with another result on Windows, and those that differ only under wine, by spec and title. In a title, * stands for any
// text. docs/platforms.md describes the differences for users.

const cut = 'Windows truncates no mapped file'
const promised = 'Windows commits all memory when it is mapped: noReserve does not exist for memory without a file'
const advice = 'the advice does not exist on Windows'
const proc = 'it reads /proc'
const modes = 'files have no permissions for owner, group and others'
const signals = 'there are no signals'
const far = 'ranges of locks begin below 2^62 bytes'
const noSuchCode = 'fs has another error code on Windows'
const inUse = 'an open or mapped file cannot be removed, and no other file can take its name'
const badBuffer = 'WriteFile of wine returns an error for a bad buffer that libuv does not know'
const links = 'symbolic links made by wine do not resolve'

export const windows = {
  /** Specs that are not run. */
  leftOut: {
    'base/load-error': 'the errors of the loader depend on the package, not on the system',
    'base/load-error.slow': 'the errors of the loader depend on the package, not on the system',
    'cli/cli-terminal.slow': 'it uses a terminal of Unix',
    docs: 'the examples do not depend on the system',
    'state/faults.slow': cut,
    'state/faults-disk.slow': 'the failing disks exist only on Linux',
    'durability/flush-disk.slow': 'the failing disks exist only on Linux',
    'state/leak.slow': 'it reads /proc',
    'open-limit.slow': 'the limits exist only on Unix',
    'model.slow': 'it truncates mapped files',
    'durability/power-cut.slow': 'the failing disks exist only on Linux',
    'torture/torture.slow': 'it reads /proc',
    'torture/arguments.slow': 'it runs for long',
    'torture/cost.slow': 'it reads /proc',
    'torture/count.slow': 'it reads /proc',
    'durability/flush-torture.slow': 'the failing disks exist only on Linux',
    'torture/large.slow': 'the sparse files are made as on Unix',
    'torture/objects.slow': 'it runs for long',
  },
  /** Tests that are not run. */
  notRun: {
    'open-kind.slow': { 'a running program can be mapped for reading only': 'it runs /bin/sleep' },
    // Where they fail they leave files open, which ends Node 26.
    'lines/follow': {
      'a truncated file is read from its start, and its last incomplete line is not lost': cut,
      'offsets count in the file that is followed': cut,
      'an unreadable object that temporarily has the name of the file is waited out': inUse,
      'a loop can end while a pipe has the name of the file': inUse,
    },
    'lines/follow-end.slow': {
      'an unreadable file is read once its permissions allow it': modes,
    },
    'cli/cli': {
      'the package installs the built program': 'it is run from the sources',
    },
    'cli/cli.slow': {
      'npm start counts in the binary of Node, or in a given file': 'it is run from the sources',
    },
  },
  /** Tests that fail. */
  differences: {
    'residency/advice': {
      "advice 'random' is accepted on every platform, also by mmap()": advice,
      "advice 'sequential' is accepted on every platform, also by mmap()": advice,
    },
    'iterate/read-ahead': {
      'anonymous memory is neither waited for nor touched': promised,
    },
    'iterate/read-ahead.slow': {
      'a missing page is an error only when the loop reaches it': cut,
    },
    'views/views-refused': { 'advice, prefetching, protection, resizing and health checks work': advice },
    'cli/cli': { 'resident draws the resident parts of a file': 'paths start with a drive' },
    'state/close.slow': { 'addresses are returned to the system: *': proc },
    'views/copy': {
      'write() into a truncated file does not make it longer': cut,
      'write() of much data from a mapping of a truncated file throws': cut,
      'a file truncated within its last page is a fault for *': cut,
      '* ignores bytes stored after the end of such a file': cut,
    },
    'map-buffer': { 'mapBuffer() accepts every option': advice },
    'state/faults': {
      'after the file shrank, every use of the mapping throws until it is closed': cut,
      'a copy that faults throws the same error as every later use': cut,
      'a later listener of SIGBUS does not displace the fault handler': cut,
    },
    'state/faults-readonly.slow': {
      'a store into a read-only page beyond the end of a truncated file is a fault': cut,
    },
    'state/faults-report.slow': {
      'copies by the library throw when a page is missing': cut,
      'a fault is reported by one warning, a diagnostics message and errors': cut,
      'bytes before the fault stay right: *': cut,
      "onFault 'abort' ends the process by SIGBUS *": cut,
    },
    'state/faults-threads.slow': {
      '* threads access the same missing pages at the same time': cut,
      'four threads share one mapping of a truncated file': cut,
      'a thread with an exhausted stack survives a fault': cut,
      'a file that shrinks and grows repeatedly never causes an I/O error': cut,
    },
    'locks/file-lock': {
      'create: true makes an empty file with mode 600': modes,
      'a path that is too long is refused': noSuchCode,
      'an unlinked file can be locked': inUse,
    },
    'durability/flush': { "a flush of a file on tmpfs reports 'volatile'": 'Windows has no file system in memory' },
    'lines/follow-end.slow': {
      'a waiting loop does not poll, and a program that stops following ends by itself':
        'Windows tells too late of what is written: it is asked each second',
    },
    'views/gather': {
      'ranges beyond 4 GiB are copied': promised,
      'prefetch() brings missing pages into memory': advice,
      'an abort or a close ends prefetch()': promised,
      'missing pages make gather() and prefetch() fail, and do not end the process': cut,
    },
    'growth/resize-danger.slow': {
      'an impossible size leaves the file unchanged': 'the disk is reported as too small before the file system',
    },
    'open-kind.slow': {
      'a path through a file throws ENOTDIR': noSuchCode,
      'a name that is too long throws ENAMETOOLONG': noSuchCode,
      'a path that fs cannot open is refused with the error of fs': noSuchCode,
    },
    'iterate/iterable': {
      'lines as Buffers are not returned after a page was lost': cut,
    },
    'iterate/iterable.slow': {
      'items made from a page that was lost meanwhile are not returned': cut,
    },
    'lines/line-index': {
      'lines may be longer than 4 GiB': promised,
      'an abort or a close ends lineIndex()': promised,
    },
    'lines/lines': {
      'a line longer than any Buffer causes an error as a Buffer, but has an offset and a DataView': promised,
    },
    'lines/lines.slow': {
      'a missing page causes an error, not a line of zeros': cut,
      'the rest of the last page of a truncated file causes an error, not zeros': cut,
    },
    'locks/mapping-lock': {
      'a length of 0 reaches to infinity': far,
      'a missing length reaches to infinity': far,
      'offsets of 64 bits are exact': far,
      'the last byte can be locked': far,
      'bigints reach to the last byte': far,
      'a range that ends beyond 2^63 with the offset of the mapping is refused': far,
    },
    'locks/lock-danger.slow': {
      'abandoned waits leave no thread and no descriptor': proc,
      'random operations of four processes on ranges of 2^57 bytes agree with a plain array': far,
    },
    open: {
      'escaped characters of a URL are decoded': 'file names cannot contain a question mark',
      'a path through a file throws ENOTDIR': noSuchCode,
      'anonymous memory may be larger than memory': promised,
      'populate, noReserve and advice do not change the bytes': advice,
    },
    'open-options': { 'a URL with a NUL is refused': noSuchCode },
    'iterate/windows.slow': {
      'windows() cover ranges far beyond 4 GiB exactly': promised,
    },
    'replace-file': {
      'keeps the permissions': modes,
      'sets the requested permissions of new and existing files': modes,
      'a temporary file never has wider permissions': modes,
      'a mapping and a hard link of the old file keep its bytes': inUse,
    },
    'replace-file.slow': {
      'a process killed during the write leaves the old file': signals,
    },
    'replace-file-fails': {
      'a function whose file is truncated leaves the old file': cut,
      'replaceFileSync() refuses a function that leaves a pin': inUse,
    },
    'residency/residency': {
      'a partly resident bucket is neither 0 nor 100 per cent': advice,
      'buckets may have any size from one byte and begin anywhere': advice,
    },
    'residency/residency.slow': {
      'verify() of a truncated file records no fault': cut,
      'only a mapping in mode r+ can be verified for writing': 'the system does not report blocks in advance',
    },
    'growth/resize.slow': {
      'resizes, writes and reads in any order agree with a plain Buffer': cut,
    },
    'growth/refresh': {
      '* follows a file that another process resizes': cut,
      '* never exceeds the requested length': cut,
    },
    'growth/refresh.slow': {
      '* repairs a mapping after a truncation': cut,
    },
    'search/search-end': {
      'a file truncated within its last page is a fault for every search, loop and stream': cut,
    },
    'search/search-end.slow': {
      'a file truncated during a search makes the search fail, not the process': cut,
      'an abandoned loop over matches causes no unhandled rejection': promised,
    },
    'state/signal.slow': {
      'a crash outside the library still ends the process, *: kill *': signals,
      'an access out of bounds in WebAssembly throws a RuntimeError: *': cut,
      "process.on('*') and faults work together: *": cut,
    },
    'streams/stream-danger.slow': {
      'a truncation of the file is an error, *': cut,
      'after a truncation under the current chunk the stream fails instead of ending': cut,
    },
    'views/views': {
      'a buffer of * is refused': promised,
      'an array of 2^31 elements is refused': promised,
      'read() of 2^31 bytes is refused': promised,
    },
  },
}

/** What is different under wine in addition. */
export const wine = {
  leftOut: {},
  notRun: {
    'base/errors.slow': {
      'too many mappings cause an error that names the count and the limit, not a crash':
        'it takes wine minutes, and addresses of its own',
    },
    // Now and then it is too late to meet the error.
    'state/close-in-flight.slow': {
      'closing during fs.write neither crashes nor corrupts data': badBuffer,
      'closing during fs.promises.writeFile neither crashes nor corrupts data': badBuffer,
    },
    'iterate/read-ahead': { 'close() and closeSync() end a wait': 'all pages are resident at once' },
    'lines/follow': {
      'a file may be missing for a while': inUse,
      'a symbolic link is followed to its current target': links,
      'a symbolic link to a directory in the path is followed to its current target': links,
    },
    'streams/read-stream': {
      'small chunks: the same chunks as from fs': 'small chunks sometimes arrive in pairs',
      'chunks of one byte: the same chunks as from fs': 'small chunks sometimes arrive in pairs',
      'chunks that fill the file exactly: the same chunks as from fs': 'small chunks sometimes arrive in pairs',
    },
  },
  differences: {
    'residency/advice': {
      "discard('dontneed') keeps private stores in surrounding pages":
        'it does not tell which pages of a private view were stored into',
    },
    'locks/file-lock': {
      'a waiter gets the lock of the file that has the path now': inUse,
      'a file removed while its lock is waited for is an error with create: false':
        'a removed file keeps its name while it is open',
      'a symbolic link is followed': links,
    },
    'durability/flush': {
      "level 'all' finds the directory of a file that was moved or removed": inUse,
    },
    'growth/resize-danger.slow': { 'a file is created at the target of a link': links },
    'open-kind.slow': { 'a loop of links throws ELOOP': links },
    open: { 'opens a symbolic link': links },
    'replace-file': {
      'a symbolic link stays, and its target is replaced': links,
    },
    'replace-file.slow': {
      'of many concurrent replacements each is whole, and one is last': inUse,
    },
    'replace-file-fails': {
      'a link to itself is not replaced': links,
    },
    'streams/stream-danger.slow': {
      'closing during a pipe neither crashes nor corrupts data: http': 'sockets of wine end an idle server',
    },
  },
}
