// The tests with another result on Bun and Deno, by spec and title. docs/platforms.md describes the differences for users.

/** Specs that are not run there, and why. `__test__/smoke.mjs` has the dangers for each runtime. */
export const aboutNode = {
  'base/load-error': 'how the loader fails is about the package, whatever runs it',
  'base/load-error.slow': 'how the loader fails is about the package, whatever runs it',
  'cli/cli': 'the command is started by Node',
  'cli/cli.slow': 'the command is started by Node',
  'cli/cli-terminal.slow': 'the command is started by Node',
  'state/close.slow': 'when a closed mapping’s addresses are given back is up to the runtime’s collector',
  'state/close-in-flight.slow': 'how jobs of zlib, crypto and fs end is up to the runtime',
  docs: 'the examples are run by Node',
  'state/exit.slow': 'how a process ends is up to the runtime',
  'state/faults-disk.slow': 'the disks that fail are rigged for Node',
  'state/faults-threads.slow': 'what a worker’s end does is up to the runtime',
  'state/leak.slow': 'when something is collected is up to the runtime',
  'open-limit.slow': 'how much memory a runtime needs for itself is its own',
  'model.slow': 'it runs on its own: see lab/model.mjs',
  'durability/power-cut.slow': 'the disks that fail are rigged for Node',
  'state/signal.slow': 'who handles signals before us is up to the runtime',
  'streams/stream-danger.slow': 'how streams of a process end is up to the runtime',
  'torture/torture.slow': 'long, and about Node’s limits',
  'torture/arguments.slow': 'long',
  'torture/cost.slow': 'what the collector counts is Node’s',
  'torture/count.slow': 'long',
  'durability/flush-torture.slow': 'the disks that fail are rigged for Node',
  'torture/large.slow': 'long',
  'torture/objects.slow': 'long',
  'state/worker.slow': 'what a worker’s end does is up to the runtime',
}

/** Further specs that one of them does not run. */
export const leftOut = {
  bun: {},
  deno: {
    'base/errors': 'its fixtures start `process.execPath -e`, of which Deno makes other arguments',
    'base/errors.slow': 'its fixtures start `process.execPath -e`, of which Deno makes other arguments',
    'state/faults': 'its fixtures start `process.execPath -e`, of which Deno makes other arguments',
    'state/faults.slow': 'its fixtures start `process.execPath -e`, of which Deno makes other arguments',
    'state/faults-readonly.slow': 'its fixtures start `process.execPath -e`, of which Deno makes other arguments',
    'state/faults-report.slow': 'its fixtures start `process.execPath -e`, of which Deno makes other arguments',
  },
}

const opens = 'its fs.watch() opens what has changed, and waits for whoever is to write to a pipe'

/** Tests that are not run there: they may fail, or pass. */
export const notRun = {
  bun: {
    'locks/lock-danger.slow': {
      'abandoned waits leave no thread and no descriptor': 'its collector starts threads meanwhile, which stay',
    },
  },
  deno: {
    'lines/follow': {
      'an unreadable object that temporarily has the name of the file is waited out': opens,
      'a loop can end while a pipe has the name of the file': opens,
    },
  },
}

export const differences = {
  bun: {
    'base/errors': {
      'the stack of a thrown error contains the caller': 'a stack starts in the library',
      'the error for a missing binary says what to do, and has a cause': 'an uncaught error is printed in another form',
    },
    'state/faults': {
      'a later listener of SIGBUS does not displace the fault handler': 'a listener is in front again a turn later',
    },
    'state/faults.slow': {
      'Atomics.load reads zeros after the end of a truncated file and the right bytes before it':
        'Atomics.load stores, which a strict mapping reports',
      'an optimised loop survives the truncation of the file: Atomics.load':
        'Atomics.load stores, which a strict mapping reports',
    },
    'locks/file-lock.slow': {
      'with MEMMAP_TRACE=1 locks() has the stacks of the callers':
        'a function that ends in `return call()` is left before the call, so the stack does not have it',
    },
    'lines/follow': {
      'lines written just before a file is replaced are not lost':
        'a function of fs can not be put in the place of another: syncBuiltinESMExports() changes nothing',
    },
    'lines/follow-end.slow': {
      'a waiting loop does not poll, and a program that stops following ends by itself':
        'process.getActiveResourcesInfo() does not name what it waits for',
      'a waiting step keeps the process alive, an idle iterator does not': 'console.log prints objects in another form',
    },
    'open-kind.slow': {
      'a path that fs cannot open is refused with the error of fs': 'its fs throws another error for some of them',
    },
    'lines/lines.slow': {
      'a line longer than any string causes an error with its offset, but has a Buffer and an offset':
        'its strings may be longer',
    },
    'locks/lock-refused.slow': {
      'without procfs a file is reopened by its path, if it is still the same file':
        'without /proc it ends on an error of its own',
    },
    'search/regexp/translate.slow': {
      'the flag i equates the same letters as in JavaScript, with and without the flag u':
        'its own regular expressions find other letters alike without case',
    },
    'growth/resize.slow': {
      'a worker and another process grow one file, and all see the new bytes':
        'its worker does not find a module that is imported by a file URL from an evaluated one',
    },
    'iterate/read-ahead-policy': {
      'NODE_DEBUG=memmap prints the chosen policy and the reason': 'it has no NODE_DEBUG',
    },
  },
  deno: {
    'lines/follow': {
      'lines written just before a file is replaced are not lost':
        'a function of fs can not be put in the place of another: syncBuiltinESMExports() changes nothing',
    },
    'lines/follow-end.slow': {
      'a waiting step keeps the process alive, an idle iterator does not':
        'fs.watch() keeps the process alive with persistent: false, too',
      'a waiting loop does not poll, and a program that stops following ends by itself':
        'process.getActiveResourcesInfo() does not name what it waits for',
    },
    'open-kind.slow': {
      'a path that fs cannot open is refused with the error of fs': 'its fs throws another error for some of them',
    },
    'locks/lock-refused.slow': {
      'without procfs a file is reopened by its path, if it is still the same file':
        'without /proc it ends on an error of its own',
    },
    'growth/resize.slow': {
      'the limit of the file size causes an ordinary error': 'it does not ignore SIGXFSZ, which ends it',
      'a worker and another process grow one file, and all see the new bytes': 'the port of its workers has no close()',
    },
    'residency/residency.slow': {
      'verify() of a truncated file records no fault':
        'it starts `process.execPath -e`, of which Deno makes other arguments',
    },
    'streams/stream-interop': {
      'a read stream is the body of a Response, which gets copies':
        'its Response takes the memory itself, and every view is empty',
    },
  },
}
