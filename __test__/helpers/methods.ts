import { Mapping } from '../../index.js'

/** Returns the names of all methods of a mapping, sorted. Methods whose name is a symbol are left out. */
export function methodNames(): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(Mapping.prototype))
    .filter(([name, { value }]) => typeof value === 'function' && name !== 'constructor')
    .map(([name]) => name)
    .toSorted()
}
