/**
 * Records: consecutive ranges of equal length, as Buffers.
 */
import { constants } from '../base/constants.js'
import { type Bytes, outOfRange, parseBoolean, parseBytes, parseOptions } from '../base/validate.js'
import type { MappingState } from '../state/mapping-state.js'
import type { MappedIterable } from './iterable.js'
import { ITERATE_OPTIONS, type IterateOptions, parseIterateOptions } from './range-options.js'
import { buffers } from './windows.js'

/** Options of `records()`. */
export interface RecordOptions extends IterateOptions {
  /** Yield a shorter record at the end where the range is not a multiple of the size, instead of throwing. @default false */
  readonly partial?: boolean | undefined
}

const RECORD_OPTIONS = ['partial', ...ITERATE_OPTIONS]

export function records(
  state: MappingState,
  givenSize: Bytes,
  options: RecordOptions | undefined,
): MappedIterable<Buffer> {
  // Validate arguments
  const size = parseBytes(givenSize, 'size', 1, constants.MAX_VIEW_LENGTH)
  const given = parseOptions(options, 'options', RECORD_OPTIONS)

  // Interpret options
  const partial = parseBoolean(given.partial, 'options.partial') ?? false
  const resolve = parseIterateOptions(given)

  // Validate interpreted options
  const range = resolve(state)
  const length = range.end - range.start
  if (!partial && length % size !== 0) {
    throw outOfRange('the bytes of the range', `a multiple of ${size}, or options.partial true`, length)
  }

  return buffers(range, size)
}
