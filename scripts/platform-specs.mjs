// The specs that may come out differently on another processor, C library or page size: pages, signals, threads, atomics,
// alignment, the kernel's and the loader's interface. The others are JavaScript, which is the same everywhere.

const names = [
  'close-in-flight',
  'close',
  'copies',
  'drop-in',
  'errors',
  'fault-readonly',
  'fault-report',
  'fault-threads',
  'fault',
  'flush',
  'inspect',
  'iterate',
  'kind',
  'mapping',
  'open',
  'records',
  'search',
  'signal',
  'views',
  'window',
  'worker',
]

export const platformSpecs = names.map((name) => `__test__/${name}.spec.ts`)
