// The specs that may come out differently on another processor, C library or page size: pages, signals, threads, atomics,
// alignment, the kernel's and the loader's interface. The others are JavaScript, which is the same everywhere.

export const platformNames = [
  'state/close-in-flight.slow',
  'state/close.slow',
  'views/copy',
  'map-buffer',
  'base/errors',
  'base/errors.slow',
  'state/faults',
  'state/faults-readonly.slow',
  'state/faults-report.slow',
  'state/faults-threads.slow',
  'state/faults.slow',
  'durability/flush',
  'mapping-inspect',
  'iterate/iterable',
  'iterate/iterable.slow',
  'open-kind.slow',
  'mapping',
  'open',
  'iterate/records',
  'search/search',
  'search/search.slow',
  'state/signal.slow',
  'views/views',
  'iterate/windows',
  'iterate/windows.slow',
  'state/worker.slow',
]

export const platformSpecs = platformNames.map((name) => `__test__/${name}.spec.ts`)

/**
 * Of those what CI runs where a processor is emulated: on the newest Node what depends on the processor and the kernel, on the
 * oldest what this library does in another way there (it detaches by a call of Node-API).
 */
export const emulatedNames = {
  newest: [
    'state/faults.slow',
    'mapping',
    'open',
    'views/views',
    'iterate/windows',
    'iterate/windows.slow',
    'views/copy',
    'state/faults-readonly.slow',
    'durability/flush',
    'iterate/iterable',
    'iterate/iterable.slow',
  ],
  oldest: ['mapping', 'views/views', 'state/faults-readonly.slow'],
}
