/**
 * Checks of arguments, with the codes, the classes and the messages of Node. Each check reads its value once and returns what it
 * read, so a getter or a `valueOf` cannot return another value later.
 */
import { inspect } from 'node:util'
import { withCode } from './errors.js'

/** A number of bytes: a safe integer of 0 or more, as a number or a bigint. */
export type Bytes = number | bigint

/** A range of a mapping, in bytes. */
export interface Range {
  /** The first byte. @default 0 */
  readonly offset?: Bytes | undefined
  /** The number of bytes. @default all bytes from `offset` on */
  readonly length?: Bytes | undefined
}

/** A range whose bounds are checked to be numbers of bytes, but not yet to lie within the mapping. */
export interface ParsedRange {
  readonly offset: number
  readonly length: number | undefined
}

/** Checks a number of bytes from `min` to `max`, both included. */
export function parseBytes(value: unknown, name: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw invalidArgType(name, ['number', 'bigint'], value)
  if (typeof value === 'number' && !Number.isInteger(value)) throw outOfRange(name, 'an integer', value)
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value)
  return Number(value) || 0 // -0 is 0
}

/** Checks a number of bytes that may be left out. */
export function parseOptionalBytes(value: unknown, name: string, min = 0, max?: number): number | undefined {
  return value === undefined ? undefined : parseBytes(value, name, min, max)
}

/** Checks a boolean that may be left out. */
export function parseBoolean(value: unknown, name: string): boolean | undefined {
  if (value !== undefined && typeof value !== 'boolean') throw invalidArgType(name, ['boolean'], value)
  return value
}

/** Checks a string that may be left out. */
export function parseOptionalString(value: unknown, name: string): string | undefined {
  if (value !== undefined && typeof value !== 'string') throw invalidArgType(name, ['string'], value)
  return value
}

/** Checks an AbortSignal that may be left out. Any object with `aborted` and the two methods for listeners is accepted. */
export function parseSignal(value: unknown, name: string): AbortSignal | undefined {
  if (value === undefined) return undefined
  const isSignal =
    typeof value === 'object' &&
    value !== null &&
    'aborted' in value &&
    ['addEventListener', 'removeEventListener'].every((method) => typeof Reflect.get(value, method) === 'function')
  if (!isSignal) throw invalidArgType(name, ['AbortSignal'], value)
  return value as AbortSignal
}

/** Checks that a value is one of some words. */
export function parseWord<const T extends string>(value: unknown, name: string, words: readonly T[]): T {
  if (typeof value !== 'string') throw invalidArgType(name, ['string'], value)
  const found = words.find((word) => word === value)
  if (found === undefined) {
    throw invalidArgValue(name, value, `must be one of: ${words.map((word) => `'${word}'`).join(', ')}`)
  }
  return found
}

/**
 * Checks that a value is an object whose own properties all have known names, so that a misspelt option is an error. A property
 * with an unknown name is refused even if its value is undefined.
 */
export function parseOptions<T extends object>(
  value: T | undefined,
  name: string,
  known: readonly string[],
): Partial<T> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidArgType(name, ['Object'], value)
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue
    const near = nearest(key, known)
    const advice = near === undefined ? `the known ones are ${known.join(', ')}` : `did you mean '${near}'?`
    throw withCode(new TypeError(`The property '${name}.${key}' is unknown: ${advice}`), 'ERR_INVALID_ARG_VALUE')
  }
  return value
}

const RANGE = ['offset', 'length']

/** Parses a range. `resolveRange` checks later, when no code of the caller can run any more, that it lies within the mapping. */
export function parseRange(value: Range | undefined, name = 'range'): ParsedRange {
  const { offset, length } = parseOptions<Range>(value, name, RANGE)
  return parsePosition(offset, length, `${name}.`)
}

/** Parses a range that is given as two arguments or among other options. */
export function parsePosition(offset: unknown, length: unknown, prefix = ''): ParsedRange {
  return {
    offset: parseOptionalBytes(offset, `${prefix}offset`) ?? 0,
    length: parseOptionalBytes(length, `${prefix}length`),
  }
}

/** Resolves a range within `total` bytes. Never clamps: a range outside is an error that names the bound and the value. */
export function resolveRange(range: ParsedRange, total: number): { offset: number; length: number } {
  const { offset, length = total - offset } = range
  if (offset > total) throw outOfRange('offset', `>= 0 && <= ${total}, the length of the mapping`, offset)
  if (length > total - offset) {
    const rest = `>= 0 && <= ${total - offset}, the number of bytes after offset ${offset} of ${total}`
    throw outOfRange('length', rest, length)
  }
  return { offset, length }
}

/**
 * Makes a `TypeError [ERR_INVALID_ARG_TYPE]` with Node's message. A word of `expected` with a capital letter is the name of a
 * class; one with a space is a description.
 */
export function invalidArgType(name: string, expected: readonly string[], actual: unknown): TypeError {
  const wanted = expected.filter((word) => word.includes(' '))
  const words = expected.filter((word) => !word.includes(' '))
  const types = words.filter((word) => word === word.toLowerCase())
  const classes = words.filter((word) => word !== word.toLowerCase())
  if (types.length > 0) wanted.push(`${types.length > 1 ? 'one of type' : 'of type'} ${list(types)}`)
  if (classes.length > 0) wanted.push(`an instance of ${list(classes)}`)
  const text = `The ${subject(name, '"')} must be ${wanted.join(' or ')}. Received ${describe(actual)}`
  return withCode(new TypeError(text), 'ERR_INVALID_ARG_TYPE')
}

/** Makes a `TypeError [ERR_INVALID_ARG_VALUE]` with Node's message. */
export function invalidArgValue(name: string, value: unknown, reason: string): TypeError {
  const shown = shorten(inspect(value), 128)
  const text = `The ${subject(name, "'", true)} ${reason}. Received ${shown}`
  return withCode(new TypeError(text), 'ERR_INVALID_ARG_VALUE')
}

/** Makes a `RangeError [ERR_OUT_OF_RANGE]` with Node's message. */
export function outOfRange(name: string, range: string, value: number | bigint): RangeError {
  const digits = typeof value === 'bigint' ? `${separate(String(value))}n` : String(value)
  const shown = typeof value === 'number' && Number.isInteger(value) ? separate(digits) : digits
  const text = `The value of "${name}" is out of range. It must be ${range}. Received ${shown}`
  return withCode(new RangeError(text), 'ERR_OUT_OF_RANGE')
}

function subject(name: string, quote: string, kindFirst = false): string {
  const kind = name.includes('.') ? 'property' : 'argument'
  return kindFirst ? `${kind} ${quote}${name}${quote}` : `${quote}${name}${quote} ${kind}`
}

function list(words: readonly string[]): string {
  if (words.length < 3) return words.join(' or ')
  return `${words.slice(0, -1).join(', ')}, or ${words.at(-1)}`
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'function') return `function ${value.name}`
  if (typeof value === 'object') {
    const name: unknown = value.constructor?.name
    return typeof name === 'string' && name !== '' ? `an instance of ${name}` : inspect(value, { depth: -1 })
  }
  return `type ${typeof value} (${shorten(inspect(value, { colors: false }), 25, 28)})`
}

function shorten(text: string, length: number, allowed = length): string {
  return text.length > allowed ? `${text.slice(0, length)}...` : text
}

// Node writes numbers above 2^32 with separators: 9_007_199_254_740_992.
function separate(digits: string): string {
  const long = /^-?\d{10,}$/.test(digits) && Math.abs(Number(digits)) > 2 ** 32
  return long ? digits.replace(/\B(?=(?:\d{3})+$)/g, '_') : digits
}

// Returns the known name with the smallest edit distance, if that is small enough for a typing error.
function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known.map((word) => ({ word, steps: editDistance(name.toLowerCase(), word.toLowerCase()) }))
  const best = ranked.toSorted((a, b) => a.steps - b.steps)[0]
  return best !== undefined && best.steps <= Math.max(2, best.word.length / 3) ? best.word : undefined
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      const swap = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(swap, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
