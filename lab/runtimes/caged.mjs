// What the specs find different where memory that is not the runtime's own is refused, by spec and title.

/** Specs that are not run there: they are about views, or their programs make some; or they have nothing to do with it. */
export const aboutViews = {
  'base/load-error': 'how the loader fails has nothing to do with memory',
  'base/load-error.slow': 'how the loader fails has nothing to do with memory',
  'state/close.slow': 'how the addresses of views are given back',
  'state/close-in-flight.slow': 'what a close does to views in the hands of others',
  docs: 'the examples show views',
  'map-buffer': 'it is about views for good',
  'map-buffer.slow': 'it is about views for good',
  'state/exit.slow': 'its programs end with views',
  'state/faults.slow': 'how loads and stores through views fault',
  'state/faults-disk.slow': 'how loads and stores through views fault',
  'state/faults-readonly.slow': 'how stores through views fault',
  'state/faults-report.slow': 'how loads and stores through views fault',
  'state/faults-threads.slow': 'how loads and stores through views fault',
  'state/leak.slow': 'what views leave behind',
  'model.slow': 'the model makes views',
  'durability/power-cut.slow': 'what a disk keeps is asked of the disk',
  'state/signal.slow': 'its programs fault through views',
  'torture/torture.slow': 'long, and about views',
  'torture/arguments.slow': 'long, and about views',
  'torture/cost.slow': 'what views cost',
  'torture/count.slow': 'long, and about views',
  'durability/flush-torture.slow': 'long, and about views',
  'torture/large.slow': 'long, and about views',
  'torture/objects.slow': 'long, and about views',
  'views/views': 'it is about views',
  'views/views.slow': 'it is about views',
  'state/worker.slow': 'its programs end with views',
}

const copies = 'as copies, windows of gigabytes take hours and more memory than there is'

/** Tests that are not run. */
export const notRun = {
  'cli/cli': {
    'what is installed is the built program': 'it is about this folder, not the compiled one',
  },
  'cli/cli.slow': {
    'npm start counts in a large file that is surely here, or in yours':
      'it is about this folder, not the compiled one',
  },
  'iterate/windows.slow': { 'windows() cover ranges far beyond 4 GiB exactly': copies },
  'iterate/windows': { 'windows cross every boundary of a file that is longer than any ArrayBuffer': copies },
}

const looks = 'the test looks through a view, or stores through one'
const subject = 'it is about views'
const isCopied = 'there are copies instead of views'

export const differences = {
  'residency/advice': {
    "discard('free') is for anonymous memory": looks,
    'a store into a protected page is caught and told': looks,
  },
  'iterate/read-ahead': {
    'a loop without await touches nothing by itself': isCopied,
    'dropBehind never takes away what was stored privately for good': isCopied,
  },
  'views/copy': {
    'readInto() a view of the same mapping moves bytes within it': subject,
    'write() of a view of the same mapping may overlap where it goes': subject,
    'fill() with a pattern that lies in what is filled takes it as it was': subject,
    'write() of much into a file* whose pages are not in memory goes where it belongs': looks,
    'write() of much from a mapping that was cut says so': subject,
    '* is not deceived by what was stored behind the end of such a file': looks,
  },
  'state/faults': {
    'after the file shrank every use says so, until it is closed': looks,
    'a strictly read-only mapping reports a store, and neither dies nor writes': subject,
    'listeners of SIGBUS that come later do not displace the guard': looks,
  },
  'durability/flush-disk.slow': {
    'on a full * a flush tells of what had no room, and a file is not replaced': looks,
  },
  'views/gather': {
    'gather() may copy within the mapping, and take its places from there': subject,
  },
  'growth/resize-danger.slow': {
    'a file that is made has a block under each byte (*)': looks,
    'a file that is made longer keeps its bytes, and has a block under each new one (*)': looks,
    'a file with holes has them filled when a size is asked for (*)': looks,
    'a file that the disk has no room for is as it was, or not there as it was not (*)': looks,
  },
  'iterate/iterable.slow': {
    'items that were made of a page that was lost meanwhile are not handed out': looks,
  },
  'open-kind.slow': {
    'a file opened *': looks,
    'an append-only file': looks,
    'an append-only file opened for appending': looks,
    'an immutable file': looks,
    'a file of a read-only file system': looks,
    'a running program': looks,
    'a deleted file': looks,
    'a memory file': looks,
    'a memory file that may not *': looks,
    'secret memory, which can only be shared': looks,
    'a file that is read past the page cache by FUSE': looks,
  },
  'state/registry': {
    'every live mapping is listed with what is known of it': subject,
    'drop-ins are listed as the collector’s own': subject,
    'a view keeps its mapping from being collected': subject,
    'opening and closing are told on diagnostics channels': looks,
  },
  'state/registry.slow': {
    'a mapping that the collector takes is warned of once, with its path and where it was opened': looks,
    'what is open at the exit is no leak': looks,
  },
  'open-limit.slow': {
    'there is a clear error at the limit of descriptors, of which 11,000 mappings of one file need two': looks,
    'there is a clear error at the limit of what the system promises, unless it need not promise': looks,
  },
  'lines/lines': {
    'lines as Buffers are views, not copies': isCopied,
    'a line longer than any Buffer is an error as one, and fine as a place, and so as a DataView': looks,
  },
  'locks/lock-danger.slow': {
    'random operations of four processes on ranges of * bytes are those of a plain array': looks,
    'random operations of four processes on ranges of bytes are those of a plain array': looks,
  },
  mapping: {
    'close() empties every view at once': subject,
    'closeSync() empties every view at once': subject,
    'Symbol.dispose closes': looks,
    'Symbol.asyncDispose closes': looks,
    'array() with a constructor that closes gives an error, not memory': subject,
    'close() waits for every pin, and lets nothing new begin': looks,
    'closeSync() with a pin throws and leaves the mapping open': looks,
    'a buffer that was moved away by the user survives closing': subject,
  },
  open: {
    'opens a *': looks,
    'maps from byte * to the end': looks,
    'maps a range in the middle': looks,
    'maps one byte': looks,
    'takes bigints': looks,
    'maps a range of a file that is longer than memory': looks,
    "mode 'r+' *": looks,
    "mode 'w+' empties the file first": looks,
    "mode 'c' never changes the file": looks,
    "mode 'r' keeps stores through a view away from the file": subject,
    'anonymous memory is zeros that can be written': looks,
    'anonymous memory may be larger than memory': looks,
    'populate, noReserve and advice change nothing that is read': looks,
  },
  'base/validate.slow': {
    'buffer(*) lets no bad number through': subject,
    'array(*) lets no bad number through': subject,
    'dataView(*) lets no bad number through': subject,
    'array() answers whatever it is given, by an error of its own or by doing it': subject,
  },
  'streams/read-stream': {
    'chunks are of 1 MiB, and views: no byte is copied': isCopied,
  },
  'streams/read-stream.slow': {
    'dropBehind changes no byte': looks,
  },
  'streams/read-stream-end': {
    'close() of the mapping within a listener ends the stream there': isCopied,
  },
  'iterate/records': {
    'records are views, not copies': isCopied,
  },
  'replace-file': {
    'whoever has the old file mapped, open or linked goes on seeing it': looks,
  },
  'replace-file-fails': {
    'a function whose file is cut by others': looks,
  },
  'residency/residency.slow': {
    'pages are said to be where another program finds them, and none is lost (*)': looks,
    'locking brings in what it locks, copies nothing, and lasts until it is undone or closed': looks,
    'a lock follows its bytes when the mapping grows, and ends with them when it shrinks': looks,
    'a hole on a full * is found without a fault': looks,
  },
  'growth/resize': {
    'protection holds for the views of before and after a mapping went elsewhere': looks,
    'growing in the room that was reserved keeps views and bytes, and adds zeros on blocks': subject,
    'growing without room keeps views and bytes, and adds zeros on blocks': subject,
    'steps of growth each get a view, across which longer views lie': subject,
    'shrinking is refused while a view reaches behind the new end, and the file stays': subject,
    'force empties the views that are in the way': subject,
    'anonymous memory grows in its room, and keeps what it has': looks,
    'protected pages stay so when the mapping goes elsewhere': looks,
    'the registry has the new length, and every view': subject,
  },
  'growth/resize.slow': {
    'a view that the collector has found is in the way no more': subject,
    'any order of resizing, writing and looking agrees with a plain Buffer': looks,
    'on a full disk the file is as it was (*)': looks,
    'a worker and others grow one file, and all see it': looks,
    'views used after the file was cut under them live': subject,
  },
  'growth/refresh': {
    'protection stays where pages were lost and mapped anew behind the end': looks,
    '* follows a file that others make longer and shorter': looks,
    '* mends what a cut has broken': looks,
    'private contents stay where they are when the file is followed': looks,
  },
  'search/search': {
    'a needle may be a view of the mapping itself': subject,
  },
  'streams/stream-danger.slow': {
    'after a cut under a chunk in hand there is no end, but an error': isCopied,
  },
  'streams/stream-interop': {
    'as the body of a Response, which takes copies': looks,
    'through compose(), the iterator helpers and toWeb()': looks,
  },
  'streams/web-stream': {
    'a default reader gets copies of up to 1 MiB': looks,
    'a BYOB reader *': looks,
    'nothing is read before it is asked for': looks,
  },
  'iterate/windows': {
    'windows and chunks are views, not copies': isCopied,
    'closing in the middle of a walk empties what was given, and the next step throws': isCopied,
  },
  'streams/write-stream': {
    'write() says when to wait, and drain when to go on': looks,
  },
  'streams/write-stream-end': {
    'destroy() in the middle of a long chunk stops there': looks,
  },
}
