// The specs that `test-windows.mjs --quick` runs.

/** On the newest Node all fast specs except these, whose result does not depend on the system. */
const sameEverywhere = [
  'cli/cli',
  'iterate/event-loop-budget',
  'iterate/iterable',
  'iterate/read-ahead-policy',
  'iterate/records',
  'iterate/windows',
  'lines/split',
  'open-options',
  'search/regexp/translate',
]

/** Slow specs that it runs all the same: how the system hands out files, faults, and takes back pages. */
const slowOnWindows = [
  'base/errors.slow',
  'locks/lock-end.slow',
  'open-kind.slow',
  'state/close.slow',
  'state/faults-readonly.slow',
]

/** On an older Node the specs that depend on Node: how views are made and detached, and the errors and descriptors of fs. */
const aboutNode = [
  'base/errors',
  'base/errors.slow',
  'map-buffer',
  'mapping',
  'open-kind.slow',
  'state/close.slow',
  'views/views',
]

/** Reports whether `--quick` runs a spec, on the newest Node or on an older one. */
export function isQuick(spec, isNewest) {
  if (!isNewest) return aboutNode.includes(spec)
  return slowOnWindows.includes(spec) || !(spec.endsWith('.slow') || sameEverywhere.includes(spec))
}
