// What `test-windows.mjs --quick` runs of the specs.

/** On the newest Node all but these, which are JavaScript that comes to the same wherever it runs. */
const sameEverywhere = [
  'cli/cli',
  'cli/cli.slow',
  'iterate/iterable',
  'iterate/iterable.slow',
  'open-options',
  'open-options.slow',
  'base/validate.slow',
  'iterate/records',
  'search/regexp/translate',
  'search/regexp/translate.slow',
  'lines/split',
  'lines/split.slow',
  'iterate/read-ahead-policy',
  'iterate/event-loop-budget',
  'iterate/windows',
  'iterate/windows.slow',
]

/** On an older one those about what depends on Node: how views are made and detached, and the errors and descriptors of fs. */
const aboutNode = [
  'state/close.slow',
  'views/copy',
  'views/copy.slow',
  'map-buffer',
  'map-buffer.slow',
  'base/errors',
  'base/errors.slow',
  'state/faults',
  'state/faults-readonly.slow',
  'durability/flush',
  'open-kind.slow',
  'mapping',
  'open',
  'views/views',
  'views/views.slow',
]

export function isQuick(spec, isNewest) {
  return isNewest ? !sameEverywhere.includes(spec) : aboutNode.includes(spec)
}
