// The tests with another result where the runtime refuses views, by spec and title. In a title, * stands for any text.

/** Specs that are not run: they are about views, their programs make views, or they have nothing to do with memory. */
export const aboutViews = {
  'base/load-error': 'the errors of the loader do not depend on memory',
  'base/load-error.slow': 'the errors of the loader do not depend on memory',
  'state/close.slow': 'it checks that the addresses of views are released',
  'state/close-in-flight.slow': 'it checks views that other code uses during a close',
  docs: 'the examples show views',
  'map-buffer': 'it is about views that are never detached',
  'map-buffer.slow': 'it is about views that are never detached',
  'state/exit.slow': 'its programs end with views',
  'state/faults.slow': 'it is about faults of loads and stores through views',
  'state/faults-disk.slow': 'it is about faults of loads and stores through views',
  'state/faults-readonly.slow': 'it is about faults of stores through views',
  'state/faults-report.slow': 'it is about faults of loads and stores through views',
  'state/faults-threads.slow': 'it is about faults of loads and stores through views',
  'state/leak.slow': 'it is about what views leave behind',
  'model.slow': 'the model makes views',
  'durability/power-cut.slow': 'it is about the disk, not about memory',
  'state/signal.slow': 'its programs fault through views',
  'torture/torture.slow': 'long, and about views',
  'torture/arguments.slow': 'long, and about views',
  'torture/cost.slow': 'it is about the cost of views',
  'torture/count.slow': 'long, and about views',
  'durability/flush-torture.slow': 'long, and about views',
  'torture/large.slow': 'long, and about views',
  'torture/objects.slow': 'long, and about views',
  'views/views': 'it is about views',
  'views/views.slow': 'it is about views',
  'state/worker.slow': 'its programs end with views',
}

const copies = 'copies of windows of gigabytes take hours and more memory than the machine has'

/** Tests that are not run: they cannot run without views, or take hours. */
export const notRun = {
  'cli/cli': {
    'the package installs the built program': 'it is about this folder, not the compiled one',
  },
  'cli/cli.slow': {
    'npm start counts in the binary of Node, or in a given file': 'it is about this folder, not the compiled one',
  },
  'iterate/windows.slow': { 'windows() cover ranges far beyond 4 GiB exactly': copies },
  'iterate/windows': { 'windows cross every boundary of a file that is longer than any ArrayBuffer': copies },
}

const looks = 'the test reads or writes through a view'
const subject = 'it is about views'
const isCopied = 'the library makes copies instead of views'

export const differences = {
  'residency/advice': {
    "discard('free') is accepted for anonymous memory": looks,
    'a store into a protected page is caught and reported': looks,
  },
  'iterate/read-ahead': {
    'a loop without await reads nothing by itself': isCopied,
    'dropBehind keeps private stores': isCopied,
  },
  'views/copy': {
    'readInto() copies into a view of the same mapping': subject,
    'write() copies from an overlapping view of the same mapping': subject,
    'fill() uses the original bytes of a pattern that lies in the filled range': subject,
    'write() of much data into a file* whose pages are not in memory reaches the right bytes': looks,
    'write() of much data from a mapping of a truncated file throws': subject,
    '* ignores bytes stored after the end of such a file': looks,
  },
  'state/faults': {
    'after the file shrank, every use of the mapping throws until it is closed': looks,
    'a store into a strict mapping is reported, does not end the process and does not reach the file': subject,
    'a later listener of SIGBUS does not displace the fault handler': looks,
  },
  'durability/flush-disk.slow': {
    'on a full * a flush reports the pages without room, and replaceFile() fails': looks,
  },
  'views/gather': {
    'gather() may copy within the mapping and read its offsets from the mapping': subject,
  },
  'growth/resize-danger.slow': {
    'a new file has a block for each byte (*)': looks,
    'a file made longer keeps its bytes and has a block for each new byte (*)': looks,
    'the holes of a file are filled when a size is given (*)': looks,
    'a file without room on the disk is unchanged, or is not created (*)': looks,
  },
  'iterate/iterable.slow': {
    'items made from a page that was lost meanwhile are not returned': looks,
  },
  'open-kind.slow': {
    'a file opened *': looks,
    'an append-only file can be mapped for reading only': looks,
    'an append-only file opened for appending can be mapped in modes r and c': looks,
    'an immutable file can be mapped for reading only': looks,
    'a file of a read-only file system can be mapped for reading only': looks,
    'a running program can be mapped for reading only': looks,
    'a deleted file can be mapped in every mode': looks,
    'a memory file can be mapped in every mode': looks,
    'a memory file sealed against *': looks,
    'secret memory can only be mapped shared': looks,
    'a FUSE file with direct I/O can only be mapped privately': looks,
  },
  'state/registry': {
    'mappings() lists every live mapping with all its properties': subject,
    'mappings made by mapBuffer() are listed with gcOwned': subject,
    'a view keeps its mapping from being collected': subject,
    'opening and closing are published on diagnostics channels': looks,
  },
  'state/registry.slow': {
    'a collected mapping causes one warning with its path and the stack of its opening': looks,
    'mappings open at exit cause no leak warning': looks,
  },
  'open-limit.slow': {
    'a clear error names the limit of descriptors, of which 11,000 mappings of one file need two': looks,
    'a clear error names the limit of committed memory, unless noReserve is set': looks,
  },
  'lines/lines': {
    'lines as Buffers are views, not copies': isCopied,
    'a line longer than any Buffer causes an error as a Buffer, but has an offset and a DataView': looks,
  },
  'locks/lock-danger.slow': {
    'random operations of four processes on ranges of * bytes agree with a plain array': looks,
    'random operations of four processes on ranges of bytes agree with a plain array': looks,
  },
  mapping: {
    'close() detaches every view at once': subject,
    'closeSync() detaches every view at once': subject,
    'Symbol.dispose closes the mapping': looks,
    'Symbol.asyncDispose closes the mapping': looks,
    'array() refuses a constructor that closes the mapping': subject,
    'close() waits for every pin and refuses new operations': looks,
    'closeSync() throws while pinned and leaves the mapping open': looks,
    'a transferred buffer survives the close': subject,
  },
  open: {
    'opens a *': looks,
    'maps from byte * to the end': looks,
    'maps a range in the middle': looks,
    'maps one byte': looks,
    'accepts bigints': looks,
    'maps the end of a file that is longer than memory': looks,
    "mode 'r+' *": looks,
    "mode 'w+' empties the file first": looks,
    "mode 'c' never changes the file": looks,
    "mode 'r' keeps stores through a view from the file": subject,
    'anonymous memory has zeros and can be written': looks,
    'anonymous memory may be larger than memory': looks,
    'populate, noReserve and advice do not change the bytes': looks,
  },
  'base/validate.slow': {
    'buffer(*) accepts no invalid number': subject,
    'array(*) accepts no invalid number': subject,
    'dataView(*) accepts no invalid number': subject,
    'array() accepts any argument or throws a documented error': subject,
  },
  'streams/read-stream': {
    'chunks are views of 1 MiB, without a copy': isCopied,
  },
  'streams/read-stream.slow': {
    'dropBehind does not change the bytes': looks,
  },
  'streams/read-stream-end': {
    'close() of the mapping within a loop ends the stream there': isCopied,
  },
  'iterate/records': {
    'records are views, not copies': isCopied,
  },
  'replace-file': {
    'a mapping and a hard link of the old file keep its bytes': looks,
  },
  'replace-file-fails': {
    'a function whose file is truncated leaves the old file': looks,
  },
  'residency/residency.slow': {
    'reported residency agrees with another program, and no page is lost (*)': looks,
    'lockMemory() reads pages in without private copies and lasts until unlockMemory() or close()': looks,
    'locked bytes stay locked when the mapping grows, and are unlocked when it shrinks': looks,
    'verify() finds a hole on a full * without a fault': looks,
  },
  'growth/resize': {
    'protection applies to views made before and after a mapping moved': looks,
    'growing in the reserved room keeps views and bytes, and adds zeros with blocks': subject,
    'growing without reserved room keeps views and bytes, and adds zeros with blocks': subject,
    'views made after each growth and views across them share their bytes': subject,
    'shrinking is refused while a view reaches beyond the new end, and leaves the file unchanged': subject,
    'force detaches the views that reach beyond the new end': subject,
    'anonymous memory grows in its reserved room and keeps its bytes': looks,
    'protected pages stay protected when the mapping moves': looks,
    'mappings() lists the new length and the number of views': subject,
  },
  'growth/resize.slow': {
    'a collected view does not prevent shrinking': subject,
    'resizes, writes and reads in any order agree with a plain Buffer': looks,
    'on a full disk the file is unchanged (*)': looks,
    'a worker and another process grow one file, and all see the new bytes': looks,
    'using views after a truncation of the file does not crash': subject,
  },
  'growth/refresh': {
    'protection is kept on pages that were lost and mapped again after the end': looks,
    '* follows a file that another process resizes': looks,
    'private stores keep their offsets after refresh()': looks,
  },
  'growth/refresh.slow': {
    '* repairs a mapping after a truncation': looks,
  },
  'search/search': {
    'a needle may be a view of the mapping itself': subject,
  },
  'streams/stream-danger.slow': {
    'after a truncation under the current chunk the stream fails instead of ending': isCopied,
  },
  'streams/stream-interop': {
    'a read stream is the body of a Response, which gets copies': looks,
    'a read stream works with compose(), iterator helpers and toWeb()': looks,
  },
  'streams/web-stream': {
    'a default reader gets copies of up to 1 MiB': looks,
    'a BYOB reader *': looks,
    'nothing is read before it is requested': looks,
  },
  'iterate/windows': {
    'windows and chunks are views, not copies': isCopied,
    'closing in the middle of a loop detaches its views, and the next step throws': isCopied,
  },
  'streams/write-stream': {
    'write() returns false when the buffer is full, and drain follows': looks,
  },
  'streams/write-stream-end': {
    'destroy() in the middle of a long chunk stops there': looks,
  },
}
