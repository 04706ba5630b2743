// What the specs find different on Windows, and under wine beside that, by spec and title; a * stands for anything.
// docs/platforms.md tells it to users.

const cut = 'Windows cuts no file that is mapped'
const promised = 'Windows promises all memory that it hands out: there is no noReserve for memory without a file'
const advice = 'the advice does not exist on Windows'
const proc = 'it looks into /proc'
const modes = 'files have no permissions for owner, group and others'
const signals = 'there are no signals'
const far = 'ranges of locks begin below 2^62 bytes'
const noSuchCode = 'fs has another error there'
const inUse = 'the name of a file that is open or mapped is not given to another file, nor removed'
const badBuffer = 'its WriteFile has an error for a bad buffer that libuv does not know'
const links = 'symbolic links that wine makes lead nowhere'

export const windows = {
  /** Specs that are not run. */
  leftOut: {
    'base/load-error': 'how the loader fails is about the package, whatever runs it',
    'base/load-error.slow': 'how the loader fails is about the package, whatever runs it',
    'cli/cli-terminal.slow': 'the terminal is one of Unix',
    docs: 'the examples are run where the docs are checked',
    'state/faults.slow': cut,
    'state/faults-disk.slow': 'the disks that fail are rigged for Linux',
    'durability/flush-disk.slow': 'the disks that fail are rigged for Linux',
    'state/leak.slow': 'it counts what /proc shows',
    'open-limit.slow': 'the limits are those of Unix',
    'model.slow': 'it cuts files that are mapped',
    'durability/power-cut.slow': 'the disks that fail are rigged for Linux',
    'torture/torture.slow': 'it counts what /proc shows',
    'torture/arguments.slow': 'long',
    'torture/cost.slow': 'it counts what /proc shows',
    'torture/count.slow': 'it counts what /proc shows',
    'durability/flush-torture.slow': 'the disks that fail are rigged for Linux',
    'torture/large.slow': 'the files are made with holes, as Unix makes them',
    'torture/objects.slow': 'long',
  },
  /** Tests that are not run. */
  notRun: {
    'open-kind.slow': { 'a running program': 'it runs /bin/sleep' },
    // Where they fail they leave files open, which ends Node 26.
    'lines/follow': {
      'a file that is cut begins again, and what it had is not lost': cut,
      'places are those in the file that is followed': cut,
      'what has the name for a while and can not be read is waited out': inUse,
      'a pipe that has taken the name keeps nobody waiting who has enough': inUse,
    },
    'lines/follow-end.slow': {
      'a file that may not be read yet is read once it may': modes,
    },
    'cli/cli': {
      'what is installed is the built program': 'it is run from the sources',
    },
    'cli/cli.slow': {
      'npm start counts in a large file that is surely here, or in yours': 'it is run from the sources',
    },
  },
  /** Tests that fail. */
  differences: {
    'residency/advice': {
      "advice 'random' is taken on every platform, at opening too": advice,
      "advice 'sequential' is taken on every platform, at opening too": advice,
    },
    'iterate/read-ahead': {
      'memory without a file is not waited for, and not touched': promised,
    },
    'iterate/read-ahead.slow': {
      'a page that is gone is an error for who comes to it, and not before': cut,
    },
    'views/views-refused': { 'advice, protection, resizing and what is asked about a mapping': advice },
    'cli/cli': { 'resident draws which parts of a file are in memory': 'paths are longer by a drive' },
    'state/close.slow': { 'addresses are given back: *': proc },
    'views/copy': {
      'write() into a file that was cut does not make it longer': cut,
      'write() of much from a mapping that was cut says so': cut,
      'a file that is cut within its last page is a fault for *': cut,
      '* is not deceived by what was stored behind the end of such a file': cut,
    },
    'map-buffer': { 'mapBuffer() with every option': advice },
    'state/faults': {
      'after the file shrank every use says so, until it is closed': cut,
      'a copy that meets a fault throws what every later use throws': cut,
      'listeners of SIGBUS that come later do not displace the guard': cut,
    },
    'state/faults-readonly.slow': { 'a store into a read-only page of which the file was cut is a fault': cut },
    'state/faults-report.slow': {
      'copies by the library throw where a page is not there': cut,
      'a fault is told by one warning, a message and an error': cut,
      'the bytes are right: *': cut,
      "onFault 'abort' ends the process by SIGBUS *": cut,
    },
    'state/faults-threads.slow': {
      '* threads meet the same dead pages at once': cut,
      'four threads share one mapping that is cut': cut,
      'a thread with no stack left survives a fault': cut,
      'a file that is cut and grows again all the time is never an I/O error': cut,
    },
    'locks/file-lock': {
      'a file is made, empty and for its owner alone, only if that is asked for': modes,
      'a path that is too long is refused': noSuchCode,
      'a file without a name can be locked': inUse,
    },
    'durability/flush': { 'a file in memory says that nothing makes it durable': 'there is no file system in memory' },
    'lines/follow-end.slow': {
      'while it waits it asks for nothing again and again, and a program that stops following ends by itself':
        'Windows tells too late of what is written: it is asked each second',
    },
    'views/gather': {
      'places beyond 4 GiB are copied': promised,
      'prefetch() brings pages into memory that are not there': advice,
      'an abort or a close ends prefetch()': promised,
      'pages that are gone are an error for gather() and prefetch(), not the end of the process': cut,
    },
    'growth/resize-danger.slow': {
      'a size that can not be leaves the file as it was': 'the disk is found too small before the file system is',
    },
    'open-kind.slow': {
      'a path through a file': noSuchCode,
      'a name too long': noSuchCode,
      'what fs can not open is refused with the error that fs throws': noSuchCode,
    },
    'iterate/iterable': {
      'lines as Buffers are handed out no more when a page is known to be gone': cut,
    },
    'iterate/iterable.slow': {
      'items that were made of a page that was lost meanwhile are not handed out': cut,
    },
    'lines/line-index': {
      'lines may be longer than 4 GiB': promised,
      'an abort and a close end the making of an index': promised,
    },
    'lines/lines': {
      'a line longer than any Buffer is an error as one, and fine as a place, and so as a DataView': promised,
    },
    'lines/lines.slow': {
      'a page that is lost becomes an error, not a line of zeros': cut,
      'where a file ends in the middle of a page now, the rest of the page becomes an error, not zeros': cut,
    },
    'locks/mapping-lock': {
      'a length of 0 reaches to infinity': far,
      'no length reaches to infinity': far,
      'numbers of 64 bits are kept': far,
      'the last byte can be locked': far,
      'bigints reach to the last byte': far,
      'an end of the range beyond 2^63 because of the mapping’s offset is refused': far,
    },
    'locks/lock-danger.slow': {
      'waits that are given up leave no thread and no descriptor': proc,
      'random operations of four processes on ranges of 2^57 bytes are those of a plain array': far,
    },
    open: {
      'a URL with escaped characters names the file that they stand for': 'names have no question mark',
      'a path through a file is ENOTDIR': noSuchCode,
      'anonymous memory may be larger than memory': promised,
      'populate, noReserve and advice change nothing that is read': advice,
    },
    'open-options': { 'a URL with a NUL': noSuchCode },
    'iterate/windows.slow': {
      'windows() cover ranges far beyond 4 GiB exactly': promised,
    },
    'replace-file': {
      'keeps the permissions': modes,
      'gives the permissions that are asked for, to a new file and an old one': modes,
      'a file with permissions is at no time open to others': modes,
      'whoever has the old file mapped, open or linked goes on seeing it': inUse,
    },
    'replace-file.slow': {
      'a process that is killed while it writes leaves the old file': signals,
    },
    'replace-file-fails': {
      'a function whose file is cut by others': cut,
      'the synchronous one refuses to leave a pinned mapping, and replaces nothing': inUse,
    },
    'residency/residency': {
      'a bucket that is partly there is neither 0 nor 100 per cent': advice,
      'buckets may be of any size, down to a byte, and begin anywhere': advice,
    },
    'residency/residency.slow': {
      'asking whether a file still has its pages leaves no fault': cut,
      'only a mapping that writes to a file can be verified for that': 'nothing is known of blocks ahead',
    },
    'growth/resize.slow': {
      'any order of resizing, writing and looking agrees with a plain Buffer': cut,
    },
    'growth/refresh': {
      '* follows a file that others make longer and shorter': cut,
      '* keeps to the length that was asked for': cut,
      '* mends what a cut has broken': cut,
    },
    'search/search-end': {
      'a file that is cut within its last page is a fault for every search, loop and stream': cut,
    },
    'search/search-end.slow': {
      'a file that is cut during a search makes it fail, not the process': cut,
      'nothing goes unhandled when a walk is left in any way': promised,
    },
    'state/signal.slow': {
      'a foreign crash stays one, *: kill *': signals,
      'WebAssembly out of bounds is a RuntimeError: *': cut,
      "process.on('*') and faults: *": cut,
    },
    'streams/stream-danger.slow': {
      'a cut of the file is an error, *': cut,
      'after a cut under a chunk in hand there is no end, but an error': cut,
    },
    'views/views': {
      'a buffer of * is too long': promised,
      '2^31 elements are too many': promised,
      'read() of 2^31 bytes is too long': promised,
    },
  },
}

/** What is different under wine in addition. */
export const wine = {
  leftOut: {},
  notRun: {
    'base/errors.slow': {
      'too many mappings are an error with numbers, not a crash': 'it takes wine minutes, and addresses of its own',
    },
    // Now and then it is too late to meet the error.
    'state/close-in-flight.slow': {
      'closing during fs.write neither crashes nor corrupts': badBuffer,
      'closing during fs.promises.writeFile neither crashes nor corrupts': badBuffer,
    },
    'iterate/read-ahead': { 'a wait ends when the mapping is closed, in either way': 'all pages are there at once' },
    'lines/follow': {
      'a file may be missing for a while': inUse,
      'a symbolic link is followed, to where it points at the time': links,
      'a symbolic link on the way is followed too, as when all files of a directory are replaced at once': links,
    },
    'streams/read-stream': {
      'small chunks: the chunks of fs': 'small chunks come two at a time, now and then',
      'chunks of one byte: the chunks of fs': 'small chunks come two at a time, now and then',
      'chunks that come out even: the chunks of fs': 'small chunks come two at a time, now and then',
    },
  },
  differences: {
    'residency/advice': {
      "discard('dontneed') keeps what was stored into pages around":
        'it does not tell which pages of a private view were stored into',
    },
    'locks/file-lock': {
      'one who waits ends up with the file that has the name, not the one that had it': inUse,
      'a file that is removed while its lock is waited for is an error with create: false':
        'a removed file keeps its name while it is open',
      'a symbolic link is followed': links,
    },
    'durability/flush': {
      "level 'all' finds the directory of a file that was moved or removed since it was made": inUse,
    },
    'growth/resize-danger.slow': { 'a file is made where a link points': links },
    'open-kind.slow': { 'a loop of links': links },
    open: { 'opens a symbolic link': links },
    'replace-file': {
      'a symbolic link stays one, and what it leads to is replaced': links,
    },
    'replace-file.slow': {
      'of many at once each is whole, and one is last': inUse,
    },
    'replace-file-fails': {
      'a link to itself is not replaced': links,
    },
    'streams/stream-danger.slow': {
      'closing in the middle neither crashes nor corrupts: http': 'its sockets end a server that is idle',
    },
  },
}
