/**
 * Sets of characters as a regular expression of JavaScript means them, written in the syntax of the `regex` crate.
 */

/** Characters from the first to the last, both included, by their code points. */
export type CharRange = readonly [first: number, last: number]

/** The empty set, and the set of all characters. */
export const NEVER = '[^\\x{0}-\\x{10FFFF}]'
export const ANY = '[\\x{0}-\\x{10FFFF}]'

export const DIGITS: readonly CharRange[] = [[0x30, 0x39]]
export const WORD: readonly CharRange[] = [...DIGITS, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]]
// To Unicode the long s and the Kelvin sign are `s` and `k` where case is ignored.
export const WORD_IGNORING_CASE: readonly CharRange[] = [...WORD, [0x17f, 0x17f], [0x212a, 0x212a]]
export const LINE_ENDS: readonly CharRange[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]
export const SPACE: readonly CharRange[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]

export const LAST = 0x10_ffff
const LAST_UNIT = 0xffff
const SURROGATES: CharRange = [0xd800, 0xdfff]

export function isSurrogate(char: number): boolean {
  return char >= SURROGATES[0] && char <= SURROGATES[1]
}

/** Returns the characters that are in none of the ranges. */
export function complement(ranges: readonly CharRange[]): CharRange[] {
  const gaps: CharRange[] = []
  let next = 0
  for (const [first, last] of merge(ranges)) {
    if (first > next) gaps.push([next, first - 1])
    next = last + 1
  }
  if (next <= LAST) gaps.push([next, LAST])
  return gaps
}

/** Writes a set: as a character where it is one, else in brackets. */
export function writeSet(ranges: readonly CharRange[], isNegated = false): string {
  const text = writeRanges(ranges)
  if (text === '') return isNegated ? ANY : NEVER
  const [only, ...others] = merge(ranges)
  if (!isNegated && only !== undefined && only[0] === only[1] && others.length === 0) return text
  return `[${isNegated ? '^' : ''}${text}]`
}

/**
 * Writes what stands between brackets. There are no surrogates in UTF-8, nor in the syntax of the crate, where a range may only
 * go across them; of two that end and begin there it is wrong about what is in between.
 */
export function writeRanges(ranges: readonly CharRange[]): string {
  return merge(ranges.flatMap(withoutSurrogates))
    .map(([first, last]) => (first === last ? writeChar(first) : `${writeChar(first)}-${writeChar(last)}`))
    .join('')
}

function writeChar(char: number): string {
  const text = String.fromCodePoint(char)
  return /^\w$/.test(text) ? text : `\\x{${char.toString(16).toUpperCase()}}`
}

function withoutSurrogates([first, last]: CharRange): CharRange[] {
  const from = isSurrogate(first) ? SURROGATES[1] + 1 : first
  const to = isSurrogate(last) ? SURROGATES[0] - 1 : last
  return from <= to ? [[from, to]] : []
}

/** Merges overlapping and adjacent ranges, and sorts them. */
function merge(ranges: readonly CharRange[]): CharRange[] {
  const merged: [number, number][] = []
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const before = merged.at(-1)
    if (before !== undefined && first <= following(before[1])) before[1] = Math.max(before[1], last)
    else merged.push([first, last])
  }
  return merged
}

function following(char: number): number {
  return char === SURROGATES[0] - 1 ? SURROGATES[1] + 1 : char + 1
}

/**
 * The set of all characters that are the same as one of these where case is ignored without the flag `u`: those whose upper
 * case is the same single code unit, and never one of ASCII for one that isn't.
 *
 * @see https://tc39.es/ecma262/#sec-runtime-semantics-canonicalize-ch
 */
export function ignoringCase(ranges: readonly CharRange[]): CharRange[] {
  const all: CharRange[] = [...ranges]
  const has = (char: number): boolean => ranges.some(([first, last]) => char >= first && char <= last)
  const isAscii = ranges.every(([, last]) => last <= 0x7f)
  for (const members of isAscii ? LETTERS : (groups ??= group())) {
    if (members.some(has)) for (const member of members) all.push([member, member])
  }
  return all
}

const LETTERS: readonly number[][] = Array.from({ length: 26 }, (_, index) => [0x41 + index, 0x61 + index])

let groups: readonly number[][] | undefined

/** The characters that are the same, where there is more than one. */
function group(): number[][] {
  const byUpper = new Map<number, number[]>()
  for (let unit = 0; unit <= LAST_UNIT; unit++) {
    const upper = canonicalize(unit)
    const members = byUpper.get(upper)
    if (members === undefined) byUpper.set(upper, [unit])
    else members.push(unit)
  }
  return [...byUpper.values()].filter((members) => members.length > 1)
}

function canonicalize(unit: number): number {
  const upper = String.fromCharCode(unit).toUpperCase()
  const first = upper.charCodeAt(0)
  return upper.length > 1 || (unit > 0x7f && first <= 0x7f) ? unit : first
}
