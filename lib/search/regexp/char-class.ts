/**
 * The parts of a regular expression that stand for one character: escapes, and what is between brackets.
 */
import { native } from '../../base/native.js'
import type { Reader } from './scanner.js'
import {
  ANY,
  type CharRange,
  complement,
  DIGITS,
  ignoringCase,
  isSurrogate,
  LAST,
  NEVER,
  SPACE,
  WORD,
  WORD_IGNORING_CASE,
  writeRanges,
  writeSet,
} from './char-set.js'

/** A set of characters: ranges, and sets that only the crate knows. */
interface CharSet {
  readonly ranges: readonly CharRange[]
  readonly texts: readonly string[]
  /** Its one character, if it was written as one, so that it can begin or end a range. */
  readonly char?: number
}

const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 }

/** Writes the class whose `[` was taken. */
export function readClass(reader: Reader, ignoreCase: boolean): string {
  if (reader.hasSets) return withCase(readNested(reader, ignoreCase), ignoreCase)
  const isNegated = reader.take('^')
  return finish(reader, readUnion(reader, ignoreCase), ignoreCase, isNegated)
}

/** Writes the set of characters that an escape such as `\d` stands for; its backslash was taken. */
export function readShorthand(reader: Reader, ignoreCase: boolean): string | undefined {
  const set = shorthand(reader, ignoreCase)
  return set && finish(reader, set, ignoreCase, false)
}

/** Writes one character. */
export function writeLiteral(reader: Reader, char: number, ignoreCase: boolean): string {
  if (isSurrogate(char)) refuseSurrogate(reader, char)
  return finish(reader, single(char), ignoreCase, false)
}

/** Reads a character that is written as an escape; its backslash was taken. */
export function readEscape(reader: Reader, isInClass = false): number {
  const octal = reader.isUnicode ? undefined : reader.takeMatch(/[0-3][0-7]{0,2}|[4-7][0-7]?/y)
  if (octal !== undefined) return Number.parseInt(octal[0], 8)
  const pair = reader.takeMatch(/u(d[89ab][\da-f]{2})\\u(d[c-f][\da-f]{2})/iy)
  if (pair !== undefined) return joined(pair.slice(1).map((half) => Number.parseInt(half, 16)))
  const hex = reader.takeMatch(/x([\da-f]{2})|u([\da-f]{4})/iy)
  if (hex !== undefined) return Number.parseInt(hex[1] ?? hex[2] ?? '', 16)
  const point = reader.isUnicode ? reader.takeMatch(/u\{([\da-f]+)\}/iy)?.[1] : undefined
  if (point !== undefined) return Number.parseInt(point, 16)
  const control = reader.takeMatch(isInClass ? /c(\w)/y : /c([a-z])/iy)?.[1]
  if (control !== undefined) return control.charCodeAt(0) % 32
  // Where no control character follows, the backslash is one, and the letter is the next.
  if (reader.looksAt('c')) return 0x5c
  const char = reader.takeChar()
  return char === 0x30 ? 0 : (CONTROLS[String.fromCodePoint(char)] ?? char)
}

function joined([high = 0, low = 0]: readonly number[]): number {
  return 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
}

function single(char: number): CharSet {
  return { ranges: [[char, char]], texts: [], char }
}

function shorthand(reader: Reader, ignoreCase: boolean): CharSet | undefined {
  const property = reader.isUnicode ? reader.takeMatch(/p\{[^}]*\}/iy)?.[0] : undefined
  if (property !== undefined) return { ranges: [], texts: [checkedProperty(reader, `\\${property}`, ignoreCase)] }
  const letter = reader.takeMatch(/[dsw]/iy)?.[0]
  if (letter === undefined) return undefined
  const word = ignoreCase && reader.isUnicode ? WORD_IGNORING_CASE : WORD
  const lower = letter.toLowerCase()
  const ranges = lower === 'd' ? DIGITS : lower === 's' ? SPACE : word
  return { ranges: letter === lower ? ranges : complement(ranges), texts: [] }
}

const knownProperties = new Set<string>()

function checkedProperty(reader: Reader, text: string, ignoreCase: boolean): string {
  if (text.startsWith('\\P') && ignoreCase && !reader.hasSets) {
    reader.refuse(`with the flags i and u ${text} has cases of characters that it means to leave out; use the flag v`)
  }
  try {
    if (!knownProperties.has(text)) native.patternOfRegex(text)
    knownProperties.add(text)
  } catch {
    reader.refuse(`the property ${text} is not supported`)
  }
  return text
}

// Without the flag v a class is a list of characters, ranges and shorthands.

function readUnion(reader: Reader, ignoreCase: boolean): CharSet {
  const ranges: CharRange[] = []
  const texts: string[] = []
  const add = (set: CharSet): void => {
    if (set.char !== undefined && !reader.isUnicode && isSurrogate(set.char)) refuseSurrogate(reader, set.char)
    ranges.push(...set.ranges)
    texts.push(...set.texts)
  }
  while (!reader.isAtEnd && !reader.take(']')) {
    const first = readMember(reader, ignoreCase)
    if (reader.looksAt('-]') || !reader.take('-')) {
      add(first)
      continue
    }
    const last = readMember(reader, ignoreCase)
    if (first.char !== undefined && last.char !== undefined) {
      ranges.push(...rangeOf(reader, first.char, last.char))
    } else {
      // What is no range is a list with a dash in it.
      for (const set of [first, last, single(0x2d)]) add(set)
    }
  }
  return { ranges, texts }
}

function readMember(reader: Reader, ignoreCase: boolean): CharSet {
  if (!reader.take('\\')) return single(reader.takeChar())
  if (reader.take('b')) return single(8)
  return shorthand(reader, ignoreCase) ?? single(readEscape(reader, true))
}

/** A range without the flag `u` that has all halves of characters has the characters that are made of them. */
function rangeOf(reader: Reader, first: number, last: number): CharRange[] {
  if (reader.isUnicode) return [[first, last]]
  for (const end of [first, last]) if (isSurrogate(end)) refuseSurrogate(reader, end)
  const hasSurrogates = first < 0xd800 && last > 0xdfff
  return hasSurrogates
    ? [
        [first, last],
        [0x1_0000, LAST],
      ]
    : [[first, last]]
}

function refuseSurrogate(reader: Reader, char: number): never {
  const advice = reader.isUnicode ? '' : '; use the flag u'
  return reader.refuse(`\\u${char.toString(16)} is half a character, which no text in UTF-8 has${advice}`)
}

/** Writes a set, with what ignoring case adds to it. */
function finish(reader: Reader, { ranges, texts }: CharSet, ignoreCase: boolean, isNegated: boolean): string {
  const all = ignoreCase && !reader.isUnicode ? ignoringCase(ranges) : ranges
  const sets = `[${isNegated ? '^' : ''}${writeRanges(all)}${texts.join('')}]`
  return withCase(texts.length > 0 ? sets : writeSet(all, isNegated), ignoreCase && reader.isUnicode)
}

function withCase(text: string, ignoreCase: boolean): string {
  return ignoreCase ? `(?i:${text})` : text
}

// With the flag v it may have classes within it, and operators between them.

function readNested(reader: Reader, ignoreCase: boolean): string {
  const isNegated = reader.take('^')
  const operands: CharSet[] = []
  let operator = ''
  while (!reader.isAtEnd && !reader.take(']')) {
    const first = readOperand(reader, ignoreCase)
    const sign = reader.takeMatch(/--|&&/y)?.[0]
    operator = sign ?? operator
    if (sign === undefined && first.char !== undefined && reader.take('-')) {
      const last = readOperand(reader, ignoreCase)
      operands.push({ ranges: [[first.char, last.char ?? first.char]], texts: [] })
    } else {
      operands.push(first)
    }
  }
  if (operands.length === 0) return isNegated ? ANY : NEVER
  const parts = operands.map(({ ranges, texts }) => writeRanges(ranges) + texts.join(''))
  const text =
    operator === '' ? parts.join('') : parts.map((part) => (part === '' ? NEVER : `[${part}]`)).join(operator)
  return text === '' ? (isNegated ? ANY : NEVER) : `[${isNegated ? '^' : ''}${text}]`
}

function readOperand(reader: Reader, ignoreCase: boolean): CharSet {
  if (reader.take('[')) return { ranges: [], texts: [readNested(reader, ignoreCase)] }
  if (reader.looksAt('\\q')) reader.refuse('strings in a class, \\q{…}, are not supported; use a group')
  return readMember(reader, ignoreCase)
}
