/**
 * Splits a range at a separator, as `String.prototype.split` splits a string.
 */
import { isUint8Array } from 'node:util/types'
import { invalidArgType, invalidArgValue, parseOptions } from '../base/validate.js'
import { parseIterateOptions } from '../iterate/range-options.js'
import type { MappingState } from '../state/mapping-state.js'
import { parseMemory } from '../views/copy.js'
import type { LineEncoding } from './decode.js'
import {
  delimited,
  DELIMITED_OPTIONS,
  type DelimitedIterable,
  type DelimitedOptions,
  type ItemOptions,
  parseItemOptions,
} from './delimited.js'

export function split(
  state: MappingState,
  givenSeparator: unknown,
  options: (DelimitedOptions & ItemOptions) | undefined,
): DelimitedIterable {
  // Validate arguments
  const given = parseOptions(options, 'options', DELIMITED_OPTIONS)

  // Interpret options
  const { encoding, keepEnd, offsets } = parseItemOptions(given as DelimitedOptions & ItemOptions)
  const delimiter = parseSeparator(givenSeparator, encoding)
  const resolve = parseIterateOptions(given)

  return delimited(resolve(state), { delimiter, dropReturn: false, keepEnd, keepEmptyLast: true }, encoding, offsets)
}

// Returns a copy: the caller may change the bytes before the loop ends.
function parseSeparator(value: unknown, encoding: LineEncoding): Uint8Array {
  if (typeof value !== 'string' && !isUint8Array(value)) {
    throw invalidArgType('separator', ['string', 'Buffer', 'Uint8Array'], value)
  }
  const bytes =
    typeof value === 'string'
      ? Buffer.from(value, encoding === 'buffer' ? 'utf8' : encoding)
      : parseMemory(value, 'separator', []).slice()
  if (bytes.length === 0) throw invalidArgValue('separator', value, 'must not be empty')
  return bytes
}
