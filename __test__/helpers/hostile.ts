/** Values that a caller might pass as an argument, valid or not, and a check of how a call answers them. */
import fc from 'fast-check'
import { MemmapError } from '../../index.js'
import { LENGTH } from './properties.js'

const objection = new Error('this object refuses to be read')
const objecting = new Proxy(
  {},
  {
    get: () => {
      throw objection
    },
  },
)

/** Objects that throw, lie or are of an unexpected kind. */
export const hostile = fc.constantFrom<unknown>(
  new Proxy({}, {}),
  objecting,
  Object.create(null),
  Object.defineProperty({}, 'constructor', { value: { name: 5 } }),
  { valueOf: () => 1, toString: () => '1', [Symbol.toPrimitive]: () => 1 },
  Symbol('offset'),
  function offset() {},
  Uint8Array,
  new Date(Number.NaN),
  new Uint8Array(1),
)

const numbers = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt(),
  fc.constantFrom<number | bigint>(
    -0,
    -1,
    1.5,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    2 ** 63,
    2n ** 53n,
    2n ** 64n,
    -1n,
    LENGTH,
    LENGTH + 1,
  ),
)

/** Values of every kind: numbers, plain objects, hostile objects. */
export const anything = fc.oneof(
  { weight: 3, arbitrary: numbers },
  {
    weight: 2,
    arbitrary: fc.anything({ withBigInt: true, withNullPrototype: true, withTypedArray: true, withDate: true }),
  },
  { weight: 1, arbitrary: hostile },
)

/** The codes of errors about arguments. */
export const ARGUMENT_CODES = ['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE', 'ERR_OUT_OF_RANGE']

/** Runs an action. Returns false if it threw one of the expected errors, and rethrows any other. */
export function succeeds(action: () => unknown, codes: readonly string[]): boolean {
  try {
    action()
    return true
  } catch (error) {
    if (error === objection) return false
    const code = (error as { code?: string }).code ?? ''
    const ours = error instanceof TypeError || error instanceof RangeError || error instanceof MemmapError
    if (ours && codes.includes(code)) return false
    throw error
  }
}

/** Reports whether a value is a number of bytes up to `max`, or undefined. */
export function isBytes(value: unknown, max: number): boolean {
  if (value === undefined) return true
  if (typeof value === 'bigint') return value >= 0n && value <= BigInt(max)
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max
}
