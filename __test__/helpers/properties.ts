/** Properties of fast-check over a mapping and a plain Buffer with the same bytes. A failure is printed with its seed. */
import type { ExecutionContext } from 'ava'
import fc from 'fast-check'
import { type Mapping, mmapAnonymous, type Range } from '../../index.js'

export const LENGTH = 3 * 4096 + 100

/** Generates a part of `total` bytes, as numbers or bigints. */
export const rangeOf = (total: number) =>
  fc
    .tuple(fc.nat(total), fc.nat(total), fc.boolean())
    .map(([a, b, big]): { start: number; end: number; range: Range } => {
      const [start, end] = [Math.min(a, b), Math.max(a, b)]
      const offset = big ? BigInt(start) : start
      return { start, end, range: { offset, length: big ? BigInt(end - start) : end - start } }
    })

/** Returns the same bytes twice: mapped until the test ends, and in a plain Buffer. */
export function twins(t: ExecutionContext, length = LENGTH): { mapping: Mapping; plain: Buffer } {
  const plain = Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 255))
  const mapping = mmapAnonymous(length)
  mapping.write(plain)
  t.teardown(() => mapping.close())
  return { mapping, plain }
}

/** Checks a property in `numRuns` random cases. */
export function holds(t: ExecutionContext, property: fc.IRawProperty<unknown>, numRuns = 300): void {
  t.notThrows(() => fc.assert(property as fc.IProperty<unknown>, { numRuns }))
}
