// What `test-windows.mjs --quick` runs of the specs.

/** On the newest Node all but these, which are JavaScript that comes to the same wherever it runs. */
const sameEverywhere = [
  'cli/cli',
  'iterate/iterable',
  'open-options',
  'property',
  'iterate/records',
  'search/regexp/translate',
  'lines/split',
  'iterate/read-ahead-policy',
  'iterate/event-loop-budget',
  'iterate/windows',
]

/** On an older one those about what depends on Node: how views are made and detached, and the errors and descriptors of fs. */
const aboutNode = [
  'state/close.slow',
  'views/copy',
  'map-buffer',
  'base/errors',
  'state/faults-readonly.slow',
  'durability/flush',
  'open-kind.slow',
  'mapping',
  'open',
  'views/views',
]

export function isQuick(spec, isNewest) {
  return isNewest ? !sameEverywhere.includes(spec) : aboutNode.includes(spec)
}
