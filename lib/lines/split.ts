/**
 * Splits a range at a separator, as `String.split` splits a string.
 */
import { isUint8Array } from 'node:util/types'
import { parseMemory } from '../views/copy.js'
import type { LineEncoding } from './decode.js'
import {
  PIECE_OPTIONS,
  type Pieced,
  type DelimitedOptions,
  pieces,
  parsePieces,
  type YieldOptions,
} from './delimited.js'
import type { MappingState } from '../state/mapping-state.js'
import { invalidArgType, invalidArgValue, parseOptions } from '../base/validate.js'
import { parseIterateOptions } from '../iterate/range-options.js'

export function split(
  state: MappingState,
  givenSeparator: unknown,
  options: (DelimitedOptions & YieldOptions) | undefined,
): Pieced {
  // Validate arguments
  const given = parseOptions(options, 'options', PIECE_OPTIONS)

  // Interpret options
  const { encoding, keepEnd, offsets } = parsePieces(given as DelimitedOptions & YieldOptions)
  const separator = parseSeparator(givenSeparator, encoding)
  const resolve = parseIterateOptions(given)

  return pieces(resolve(state), { separator, dropReturn: false, keepEnd, keepLast: true }, encoding, offsets)
}

// A copy: the user may change his before the loop is through.
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
