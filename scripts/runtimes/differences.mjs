// What the specs find different on Bun and Deno, by spec and title. docs/platforms.md tells it to users.

/** Specs that are not run there, and why. `__test__/smoke.mjs` has the dangers for each runtime. */
export const aboutNode = {
  binary: 'how the loader fails is about the package, whatever runs it',
  cli: 'the command is started by Node',
  'cli-terminal': 'the command is started by Node',
  close: 'when a closed mapping’s addresses are given back is up to the runtime’s collector',
  'close-in-flight': 'how jobs of zlib, crypto and fs end is up to the runtime',
  docs: 'the examples are run by Node',
  exit: 'how a process ends is up to the runtime',
  'fault-disk': 'the disks that fail are rigged for Node',
  'fault-threads': 'what a worker’s end does is up to the runtime',
  leak: 'when something is collected is up to the runtime',
  limit: 'how much memory a runtime needs for itself is its own',
  model: 'it runs on its own: see scripts/model.mjs',
  'power-cut': 'the disks that fail are rigged for Node',
  signal: 'who handles signals before us is up to the runtime',
  'stream-danger': 'how streams of a process end is up to the runtime',
  torture: 'long, and about Node’s limits',
  'torture-arguments': 'long',
  'torture-cost': 'what the collector counts is Node’s',
  'torture-count': 'long',
  'torture-flush': 'the disks that fail are rigged for Node',
  'torture-large': 'long',
  'torture-objects': 'long',
  worker: 'what a worker’s end does is up to the runtime',
}

/** Further specs that one of them does not run. */
export const leftOut = {
  bun: {},
  deno: {
    errors: 'its fixtures start `process.execPath -e`, of which Deno makes other arguments',
    fault: 'its fixtures start `process.execPath -e`, of which Deno makes other arguments',
    'fault-readonly': 'its fixtures start `process.execPath -e`, of which Deno makes other arguments',
    'fault-report': 'its fixtures start `process.execPath -e`, of which Deno makes other arguments',
  },
}

const opens = 'its fs.watch() opens what has changed, and waits for whoever is to write to a pipe'

/** Tests that are not run there: they may fail, or pass. */
export const notRun = {
  bun: {
    'lock-danger': {
      'waits that are given up leave no thread and no descriptor': 'its collector starts threads meanwhile, which stay',
    },
  },
  deno: {
    follow: {
      'what has the name for a while and can not be read is waited out': opens,
      'a pipe that has taken the name keeps nobody waiting who has enough': opens,
    },
  },
}

export const differences = {
  bun: {
    errors: {
      'the stack of a thrown error leads to the user': 'a stack starts in the library',
      'a missing binary says what to do, and why': 'an uncaught error is printed in another form',
      'listeners of SIGBUS that come later do not displace the guard': 'a listener is in front again a turn later',
    },
    fault: {
      'Atomics.load sees zeros behind a cut and the right bytes before it':
        'Atomics.load stores, which a strict mapping reports',
      'a hot loop survives a cut: Atomics.load': 'Atomics.load stores, which a strict mapping reports',
    },
    'file-lock': {
      'with MEMMAP_TRACE=1 the ledger knows where':
        'a function that ends in `return call()` is left before the call, so the stack does not have it',
    },
    follow: {
      'what is written just before a file is replaced is not lost':
        'a function of fs can not be put in the place of another: syncBuiltinESMExports() changes nothing',
    },
    'follow-end': {
      'while it waits it asks for nothing again and again, and a program that stops following ends by itself':
        'process.getActiveResourcesInfo() does not name what it waits for',
      'a step that waits keeps the process alive, an iterator that is left alone does not':
        'console.log prints objects in another form',
    },
    kind: {
      'what fs can not open is refused with the error that fs throws': 'its fs throws another error for some of them',
    },
    lines: {
      'a line longer than any string is an error that says where, and fine as a Buffer or as a place':
        'its strings may be longer',
    },
    'lock-refused': {
      'without procfs a file is opened again by its path, and only if it still is the same':
        'without /proc it ends on an error of its own',
    },
    regexp: {
      'letters are the same without case as in JavaScript, which has other rules without the flag u':
        'its own regular expressions find other letters alike without case',
    },
    resize: {
      'a worker and others grow one file, and all see it':
        'its worker does not find a module that is imported by a file URL from an evaluated one',
    },
    strategy: {
      'NODE_DEBUG=memmap says what was chosen, and why': 'it has no NODE_DEBUG',
    },
  },
  deno: {
    follow: {
      'what is written just before a file is replaced is not lost':
        'a function of fs can not be put in the place of another: syncBuiltinESMExports() changes nothing',
    },
    'follow-end': {
      'a step that waits keeps the process alive, an iterator that is left alone does not':
        'fs.watch() keeps the process alive with persistent: false, too',
      'while it waits it asks for nothing again and again, and a program that stops following ends by itself':
        'process.getActiveResourcesInfo() does not name what it waits for',
    },
    kind: {
      'what fs can not open is refused with the error that fs throws': 'its fs throws another error for some of them',
    },
    'lock-refused': {
      'without procfs a file is opened again by its path, and only if it still is the same':
        'without /proc it ends on an error of its own',
    },
    resize: {
      'a limit of file size is an ordinary error': 'it does not ignore SIGXFSZ, which ends it',
      'a worker and others grow one file, and all see it': 'the port of its workers has no close()',
    },
    residency: {
      'asking whether a file still has its pages leaves no fault':
        'it starts `process.execPath -e`, of which Deno makes other arguments',
    },
    'stream-interop': {
      'as the body of a Response, which takes copies': 'its Response takes the memory itself, and every view is empty',
    },
  },
}
