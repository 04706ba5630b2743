import { Mapping } from '../../index.js'

/** The names of all methods of a mapping, wherever they are inherited from. */
export function methodNames(): string[] {
  const names = new Set<string>()
  for (let at = Mapping.prototype as object; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === 'function' && name !== 'constructor') names.add(name)
    }
  }
  return [...names].toSorted()
}
