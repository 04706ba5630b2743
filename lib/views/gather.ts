/**
 * Copies many small ranges of equal size with one native call.
 */
import { type Bytes, invalidArgType, outOfRange, parseBytes } from '../base/validate.js'
import type { MappingState } from '../state/mapping-state.js'
import { parseMemory, type Target } from './copy.js'

/** Offsets of many ranges, in bytes from the start of the mapping. */
export type Offsets = Float64Array | readonly Bytes[]

/** Copies `size` bytes from each offset into `into`, one after the other. Returns the number of bytes copied. */
export function gather(state: MappingState, givenOffsets: Offsets, givenSize: unknown, into: Target): number {
  // Validate arguments
  if (!isOffsets(givenOffsets)) throw invalidArgType('offsets', ['Array', 'Float64Array'], givenOffsets)
  const offsets = parseOffsets(givenOffsets)
  const size = parseBytes(givenSize, 'size', 1)
  const target = parseMemory(into, 'into', ['ArrayBuffer', 'Buffer', 'TypedArray', 'DataView'])
  const total = offsets.length * size
  if (target.length < total) {
    throw outOfRange(
      'the length of into',
      `>= ${total}, to hold ${offsets.length} ranges of ${size} bytes`,
      target.length,
    )
  }

  state.check()
  state.run((native) => native.gather(offsets, size, target.subarray(0, total)))
  return total
}

/** Reports whether a value has the type `Offsets`. Does not check the offsets themselves. */
export function isOffsets(value: unknown): value is Offsets {
  return Array.isArray(value) || value instanceof Float64Array
}

/** Checks that all offsets are numbers of bytes. The native half checks later that they lie within the mapping. */
export function parseOffsets(given: Offsets): Float64Array {
  if (given instanceof Float64Array) return given
  const offsets = new Float64Array(given.length)
  for (const [index, offset] of given.entries()) offsets[index] = parseBytes(offset, `offsets[${index}]`)
  return offsets
}
