// What `test-windows.mjs --quick` runs of the specs.

/** On the newest Node all but these, which are JavaScript that comes to the same wherever it runs. */
const sameEverywhere = [
  'cli',
  'iterate',
  'options',
  'property',
  'records',
  'regexp',
  'split',
  'strategy',
  'turn',
  'window',
]

/** On an older one those about what depends on Node: how views are made and detached, and the errors and descriptors of fs. */
const aboutNode = [
  'close',
  'copies',
  'drop-in',
  'errors',
  'fault-readonly',
  'flush',
  'kind',
  'mapping',
  'open',
  'views',
]

export function isQuick(spec, isNewest) {
  return isNewest ? !sameEverywhere.includes(spec) : aboutNode.includes(spec)
}
