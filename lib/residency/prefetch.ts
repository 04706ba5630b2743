/**
 * Prefetch: bringing a range, or many small ranges, into memory before they are accessed.
 */
import { isOffsets, type Offsets, parseOffsets } from '../views/gather.js'
import type { MappingState } from '../state/mapping-state.js'
import {
  type Bytes,
  invalidArgType,
  parseBytes,
  parseOptions,
  parseRange,
  parseSignal,
  type Range,
  resolveRange,
} from '../base/validate.js'

/** Options of `prefetch()`. */
export interface PrefetchOptions {
  /** The number of bytes to bring in at each offset; only with a list of offsets. @default 1 */
  readonly size?: Bytes | undefined
  /** A signal that ends the wait; the promise rejects with its reason. @default none */
  readonly signal?: AbortSignal | undefined
}

export async function prefetch(state: MappingState, what?: Range | Offsets, options?: PrefetchOptions): Promise<void> {
  // Validate arguments
  const { size: givenSize, signal: givenSignal } = parseOptions(options, 'options', ['size', 'signal'])
  const signal = parseSignal(givenSignal, 'options.signal')
  const size = givenSize === undefined ? undefined : parseBytes(givenSize, 'options.size', 1)

  // Interpret options
  if (isOffsets(what)) {
    const offsets = parseOffsets(what)
    return state.runCancellable((native, job) => native.prefetchOffsets(offsets, size ?? 1, job), signal)
  }
  if (size !== undefined || ArrayBuffer.isView(what)) throw invalidArgType('range', ['Array', 'Float64Array'], what)
  const range = parseRange(what)

  // Validate interpreted options
  state.check()
  const { offset, length } = resolveRange(range, state.length)
  return state.runCancellable((native, job) => native.prefetch(offset, length, job), signal)
}
