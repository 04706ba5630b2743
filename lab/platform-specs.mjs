// Lists of specs whose result may depend on the platform: processor, C library, page size, system, version of Node. The other
// specs are JavaScript that calls the same binary, with the same result everywhere.

/** Pages, signals, threads, atomics, alignment, the interfaces of the kernel and of the loader. */
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

/** The part of them that CI runs on musl. */
export const quickPlatformNames = [
  'views/copy',
  'map-buffer',
  'base/errors',
  'base/errors.slow',
  'state/faults',
  'state/faults-readonly.slow',
  'state/faults.slow',
  'durability/flush',
  'mapping-inspect',
  'mapping',
  'open',
  'search/search',
  'state/signal.slow',
  'views/views',
  'state/worker.slow',
]

/** The file of each of these. */
export const platformSpecs = platformNames.map(toFile)
export const quickPlatformSpecs = quickPlatformNames.map(toFile)

/**
 * Specs that depend on the version of Node: how its engine makes, detaches and collects views, compiles loops and expressions,
 * and how its streams, errors, workers, signals and file watchers behave.
 */
export const nodeNames = [
  'base/errors',
  'base/errors.slow',
  'base/load-error.slow',
  'iterate/windows',
  'lines/follow',
  'lines/follow-end.slow',
  'lines/lines',
  'map-buffer',
  'mapping',
  'open-kind.slow',
  'search/regexp/translate',
  'state/close.slow',
  'state/close-in-flight.slow',
  'state/exit.slow',
  'state/faults',
  'state/faults-readonly.slow',
  'state/leak.slow',
  'state/registry',
  'state/registry.slow',
  'state/signal.slow',
  'state/worker.slow',
  'streams/read-stream',
  'streams/read-stream-end',
  'streams/stream-danger.slow',
  'streams/stream-interop',
  'streams/web-stream',
  'streams/write-stream',
  'streams/write-stream-end',
  'torture/cost.slow',
  'views/copy',
  'views/views',
  'views/views-refused',
]

/** The file of each of these. */
export const nodeSpecs = nodeNames.map(toFile)

/**
 * The specs that CI runs on an emulated processor: on the newest Node those that depend on the processor and the kernel, on the
 * oldest those about the one thing that differs there (views are detached by a call of Node-API).
 */
export const emulatedNames = {
  newest: [
    'state/faults',
    'state/faults.slow',
    'mapping',
    'open',
    'views/views',
    'iterate/windows',
    'views/copy',
    'state/faults-readonly.slow',
    'durability/flush',
    'iterate/iterable',
  ],
  oldest: ['mapping', 'views/views', 'state/faults-readonly.slow'],
}

function toFile(name) {
  return `__test__/${name}.spec.ts`
}
