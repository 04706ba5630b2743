/**
 * Records: pieces of equal size.
 */
import { constants } from '../base/constants.js'
import type { MappedIterable } from './iterable.js'
import type { MappingState } from '../state/mapping-state.js'
import { type Bytes, outOfRange, parseBoolean, parseBytes, parseOptions } from '../base/validate.js'
import { buffers, parseWalk, WALK_OPTIONS, type IterateOptions } from './windows.js'

/** How to go through records. */
export interface RecordOptions extends IterateOptions {
  /** Yield what is left at the end, and is no whole record, too, instead of refusing it. @default false */
  readonly partial?: boolean | undefined
}

const RECORD_OPTIONS = ['partial', ...WALK_OPTIONS]

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
  const lay = parseWalk(given)

  // Validate interpreted options
  const route = lay(state)
  const length = route.end - route.start
  if (!partial && length % size !== 0)
    throw outOfRange('the bytes of the range', `a multiple of ${size}, or options.partial true`, length)

  return buffers(route, size)
}
