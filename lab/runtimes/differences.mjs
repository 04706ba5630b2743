// The tests with another result on Bun and Deno, by spec and title. docs/platforms.md describes the differences for users.

/** Specs that are not run on either, with the reason. `__test__/smoke.mjs` checks the hazards on each runtime. */
export const aboutNode = {
  'base/load-error': 'the errors of the loader depend on the package, not on the runtime',
  'base/load-error.slow': 'the errors of the loader depend on the package, not on the runtime',
  'cli/cli': 'Node starts the command',
  'cli/cli.slow': 'Node starts the command',
  'cli/cli-terminal.slow': 'Node starts the command',
  'state/close.slow': 'the garbage collector of the runtime decides when addresses are released',
  'state/close-in-flight.slow': 'the runtime decides how jobs of zlib, crypto and fs end',
  docs: 'Node runs the examples',
  'state/exit.slow': 'the runtime decides how a process ends',
  'state/faults-disk.slow': 'the failing disks are set up for Node',
  'state/faults-threads.slow': 'the runtime decides what happens at the end of a worker',
  'state/leak.slow': 'the runtime decides when an object is collected',
  'open-limit.slow': 'each runtime needs another amount of memory',
  'model.slow': 'it has a program of its own, lab/model.mjs',
  'durability/power-cut.slow': 'the failing disks are set up for Node',
  'state/signal.slow': 'the runtime decides which handlers of signals exist',
  'streams/stream-danger.slow': 'the runtime decides how streams of a process end',
  'torture/torture.slow': 'it runs for long, and is about the limits of Node',
  'torture/arguments.slow': 'it runs for long',
  'torture/cost.slow': 'it is about the garbage collector of Node',
  'torture/count.slow': 'it runs for long',
  'durability/flush-torture.slow': 'the failing disks are set up for Node',
  'torture/large.slow': 'it runs for long',
  'torture/objects.slow': 'it runs for long',
  'state/worker.slow': 'the runtime decides what happens at the end of a worker',
}

/** Specs that are not run on Bun, or not on Deno, in addition to those above. */
export const leftOut = {
  bun: {},
  deno: {
    'base/errors': 'its fixtures start `process.execPath -e`, whose arguments mean something else on Deno',
    'base/errors.slow': 'its fixtures start `process.execPath -e`, whose arguments mean something else on Deno',
    'state/faults': 'its fixtures start `process.execPath -e`, whose arguments mean something else on Deno',
    'state/faults.slow': 'its fixtures start `process.execPath -e`, whose arguments mean something else on Deno',
    'state/faults-readonly.slow':
      'its fixtures start `process.execPath -e`, whose arguments mean something else on Deno',
    'state/faults-report.slow': 'its fixtures start `process.execPath -e`, whose arguments mean something else on Deno',
  },
}

const opens = 'its fs.watch() opens the changed object, and waits for a writer if that is a pipe'

/** Tests that are not run: their result varies. */
export const notRun = {
  bun: {
    'locks/lock-danger.slow': {
      'abandoned waits leave no thread and no descriptor': 'its garbage collector starts threads, which stay',
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
