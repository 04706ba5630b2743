/**
 * Lines: pieces that end in a line feed, or in a carriage return and a line feed.
 */
import { follow } from './follow.js'
import {
  PIECE_OPTIONS,
  type Pieced,
  type DelimitedOptions,
  pieces,
  parsePieces,
  type YieldOptions,
} from './delimited.js'
import type { MappingState } from '../state/mapping-state.js'
import { invalidArgValue, parseBoolean, parseOptions } from '../base/validate.js'
import { parseIterateOptions } from '../iterate/range-options.js'

/** Options of lines. */
export interface LineOptions extends DelimitedOptions {
  /** Wait at the end for what is appended to the file, as `tail -F` does. Only with `for await`. @default false */
  readonly follow?: boolean | undefined
}

const LINE_OPTIONS = ['follow', ...PIECE_OPTIONS]
const SEPARATOR = Uint8Array.of(10)

export function lines(state: MappingState, options: (LineOptions & YieldOptions) | undefined): Pieced {
  // Validate arguments
  const given = parseOptions(options, 'options', LINE_OPTIONS)

  // Interpret options
  const { encoding, keepEnd, offsets } = parsePieces(given as LineOptions & YieldOptions)
  const isFollowing = parseBoolean(given.follow, 'options.follow') ?? false
  const cut = { separator: SEPARATOR, dropReturn: true, keepEnd, keepLast: false }
  const resolve = parseIterateOptions(given)

  // Validate interpreted options
  if (isFollowing && given.length !== undefined) {
    throw invalidArgValue(
      'options.length',
      given.length,
      "can't be given with options.follow, which goes on at the end",
    )
  }
  if (isFollowing && given.dropBehind === true) {
    throw invalidArgValue(
      'options.dropBehind',
      true,
      "can't be given with options.follow, which reads and does not map",
    )
  }
  const range = resolve(state)

  return isFollowing ? follow(range, cut, encoding, offsets) : pieces(range, cut, encoding, offsets)
}
