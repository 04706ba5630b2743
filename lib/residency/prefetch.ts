/**
 * Memory in advance, and many small places at once: what random access to a large file needs to be quick.
 */
import { parseMemory, type Target } from '../views/copy.js'
import type { MappingState } from '../state/mapping-state.js'
import {
  type Bytes,
  invalidArgType,
  outOfRange,
  parseBytes,
  parseOptions,
  parseRange,
  parseSignal,
  type Range,
  resolveRange,
} from '../base/validate.js'

/** Where many things begin, in bytes from the start of the mapping. */
export type Offsets = Float64Array | readonly Bytes[]

/** How to bring pages into memory. */
export interface PrefetchOptions {
  /** How many bytes are wanted at each place; only where places are given. @default 1 */
  readonly size?: Bytes | undefined
  /** Ends the wait, which then rejects with the signal's reason. @default none */
  readonly signal?: AbortSignal | undefined
}

export async function prefetch(state: MappingState, what?: Range | Offsets, options?: PrefetchOptions): Promise<void> {
  // Validate arguments
  const { size: givenSize, signal: givenSignal } = parseOptions(options, 'options', ['size', 'signal'])
  const signal = parseSignal(givenSignal, 'options.signal')
  const size = givenSize === undefined ? undefined : parseBytes(givenSize, 'options.size', 1)

  // Interpret options
  if (isPlaces(what)) {
    const offsets = parsePlaces(what)
    return state.runCancellable((native, job) => native.prefetchPlaces(offsets, size ?? 1, job), signal)
  }
  if (size !== undefined || ArrayBuffer.isView(what)) throw invalidArgType('range', ['Array', 'Float64Array'], what)
  const range = parseRange(what)

  // Validate interpreted options
  state.check()
  const { offset, length } = resolveRange(range, state.length)
  return state.runCancellable((native, job) => native.prefetch(offset, length, job), signal)
}

export function gather(state: MappingState, places: Offsets, givenSize: unknown, into: Target): number {
  // Validate arguments
  if (!isPlaces(places)) throw invalidArgType('offsets', ['Array', 'Float64Array'], places)
  const offsets = parsePlaces(places)
  const size = parseBytes(givenSize, 'size', 1)
  const target = parseMemory(into, 'into', ['ArrayBuffer', 'Buffer', 'TypedArray', 'DataView'])
  const total = offsets.length * size
  if (target.length < total) {
    throw outOfRange('the length of into', `>= ${total}, for ${offsets.length} times ${size} bytes`, target.length)
  }

  state.check()
  state.run((native) => native.gather(offsets, size, target.subarray(0, total)))
  return total
}

function isPlaces(value: unknown): value is Offsets {
  return Array.isArray(value) || value instanceof Float64Array
}

// Whether they lie within the mapping the native half sees, which goes through them anyway.
function parsePlaces(places: Offsets): Float64Array {
  if (places instanceof Float64Array) return places
  const offsets = new Float64Array(places.length)
  for (const [index, place] of places.entries()) offsets[index] = parseBytes(place, `offsets[${index}]`)
  return offsets
}
