/**
 * Lines: items that end with a line feed, or with a carriage return and a line feed.
 */
import { invalidArgValue, parseBoolean, parseOptions } from '../base/validate.js'
import { parseIterateOptions } from '../iterate/range-options.js'
import type { MappingState } from '../state/mapping-state.js'
import {
  delimited,
  DELIMITED_OPTIONS,
  type DelimitedIterable,
  type DelimitedOptions,
  type ItemOptions,
  parseItemOptions,
} from './delimited.js'
import { follow } from './follow.js'

/** Options of `lines()`. */
export interface LineOptions extends DelimitedOptions {
  /** At the end, wait for lines that are appended to the file, as `tail -F` does. Only with `for await`. @default false */
  readonly follow?: boolean | undefined
}

const LINE_OPTIONS = ['follow', ...DELIMITED_OPTIONS]
const LINE_FEED = Uint8Array.of(10)

export function lines(state: MappingState, options: (LineOptions & ItemOptions) | undefined): DelimitedIterable {
  // Validate arguments
  const given = parseOptions(options, 'options', LINE_OPTIONS)

  // Interpret options
  const { encoding, keepEnd, offsets } = parseItemOptions(given as LineOptions & ItemOptions)
  const isFollowing = parseBoolean(given.follow, 'options.follow') ?? false
  const rules = { delimiter: LINE_FEED, dropReturn: true, keepEnd, keepEmptyLast: false }
  const resolve = parseIterateOptions(given)

  // Validate interpreted options
  if (isFollowing && given.length !== undefined) {
    const reason = 'cannot be used with options.follow, which has no end'
    throw invalidArgValue('options.length', given.length, reason)
  }
  if (isFollowing && given.dropBehind === true) {
    const reason = 'cannot be used with options.follow, which reads the file and does not map it'
    throw invalidArgValue('options.dropBehind', true, reason)
  }
  const range = resolve(state)

  return isFollowing ? follow(range, rules, encoding, offsets) : delimited(range, rules, encoding, offsets)
}
