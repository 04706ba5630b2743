// The specs that may come out differently on another processor, C library or page size: pages, signals, threads, atomics,
// alignment, the kernel's and the loader's interface. The others are JavaScript, which is the same everywhere.

export const platformNames = [
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

export const platformSpecs = platformNames.map((name) => `__test__/${name}.spec.ts`)

/**
 * Of those what CI runs where a processor is emulated: on the newest Node what depends on the processor and the kernel, on the
 * oldest what this library does in another way there (it detaches by a call of Node-API).
 */
export const emulatedNames = {
  newest: ['fault', 'mapping', 'open', 'views', 'window', 'copies', 'fault-readonly', 'flush', 'iterate'],
  oldest: ['mapping', 'views', 'fault-readonly'],
}
