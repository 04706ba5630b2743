/**
 * A RegExp as a pattern of the `regex` crate, which searches bytes of UTF-8 in a time that grows only with their number. What
 * that can't do is refused, by name. Everything else finds what `String.prototype.matchAll` finds in the same text, where
 * characters are whole: as with the flag `u`, nothing finds one half of a character.
 *
 * The engine of JavaScript has accepted the expression already, so that nothing here looks for mistakes in it.
 *
 * @see https://docs.rs/regex/latest/regex/#syntax
 */
import { native, type NativePattern } from '../../base/native.js'
import { ANY, LINE_ENDS, writeSet } from './char-set.js'
import { readClass, readEscape, readShorthand, writeLiteral } from './char-class.js'
import { choice, loop, type Node, sequence, TooComplex, writeNode } from './syntax-tree.js'
import { Reader } from './scanner.js'
import { invalidArgValue } from '../../base/validate.js'

interface Flags {
  readonly i: boolean
  readonly m: boolean
  readonly s: boolean
}

// The nesting limit of the crate, minus the groups that writing adds around a node.
const MAX_DEPTH = 80

// How many more parts there may be than what is written has. The crate takes about so many, unless they are large sets.
const SPARE_PARTS = 20_000

/** The pattern for an expression. Throws `ERR_INVALID_ARG_VALUE` for what can't be translated, and says what that is. */
export function patternOf(expression: RegExp): NativePattern {
  const text = translateRegExp(expression)
  try {
    return native.patternOfRegex(text)
  } catch (error) {
    const reason = `it is too large, or beyond the engine (${error instanceof Error ? error.message : String(error)})`
    throw invalidArgValue('needle', expression, `can't be searched for: ${reason}`)
  }
}

/** Translates an expression to the syntax of the crate. */
export function translateRegExp(expression: RegExp): string {
  const { source, flags } = expression
  const reader = new Reader(expression, source, flags)
  if (flags.includes('y')) reader.refuse('the flag y means a place to match at, and a search looks everywhere')
  const has = (flag: string): boolean => flags.includes(flag)
  const atFirst = { i: has('i'), m: has('m'), s: has('s') }
  try {
    return writeNode(readChoice(reader, atFirst, 0), SPARE_PARTS + source.length * 4)
  } catch (error) {
    if (error instanceof TooComplex) reader.refuse('there are too many ways in which its loops can be empty')
    throw error
  }
}

function readChoice(reader: Reader, flags: Flags, depth: number): Node {
  if (depth > MAX_DEPTH) reader.refuse(`its groups are nested more than ${MAX_DEPTH} deep`)
  const options: Node[] = []
  do options.push(readSequence(reader, flags, depth))
  while (reader.take('|'))
  return choice(options)
}

function readSequence(reader: Reader, flags: Flags, depth: number): Node {
  const parts: Node[] = []
  while (!reader.isAtEnd && !reader.looksAt('|') && !reader.looksAt(')')) {
    parts.push(readRepeated(reader, readAtom(reader, flags, depth)))
  }
  return sequence(parts)
}

function readRepeated(reader: Reader, body: Node): Node {
  const sign = reader.takeMatch(/([*+?])(\??)/y)
  if (sign !== undefined) return loop(body, sign[1] === '+' ? 1 : 0, sign[1] === '?' ? 1 : Infinity, sign[2] === '?')
  const [, from, comma, to, lazy] = reader.takeMatch(/\{(\d+)(,?)(\d*)\}(\??)/y) ?? []
  if (from === undefined) return body
  return loop(body, Number(from), to ? Number(to) : comma ? Infinity : Number(from), lazy === '?')
}

function readAtom(reader: Reader, flags: Flags, depth: number): Node {
  // A carriage return before a line feed does not begin a line of its own: the crate has no look-around in both directions.
  if (reader.take('^')) return look(flags.m ? '(?mR:^)' : '\\A')
  if (reader.take('$')) return look(flags.m ? '(?:(?m:$)|(?mR:$))' : '\\z')
  if (reader.take('.')) return char(flags.s ? ANY : writeSet(LINE_ENDS, true))
  if (reader.take('(')) return readGroup(reader, flags, depth)
  if (reader.take('[')) return char(readClass(reader, flags.i))
  if (!reader.take('\\')) return char(writeLiteral(reader, reader.takeChar(), flags.i))
  const boundary = reader.takeMatch(/b/iy)?.[0]
  if (boundary !== undefined) return look(`(?-u:\\${boundary})`)
  refuseReference(reader)
  return char(readShorthand(reader, flags.i) ?? writeLiteral(reader, readEscape(reader), flags.i))
}

function readGroup(reader: Reader, flags: Flags, depth: number): Node {
  const around = reader.takeMatch(/\?(<?)[=!]/y)
  if (around !== undefined) {
    reader.refuse(`a look${around[1] === '' ? 'ahead' : 'behind'} (${around[0]}…) is not supported`)
  }
  const [, on = '', off = ''] = reader.takeMatch(/\?(?:<[^>]*>|([ims]*)(?:-([ims]*))?:)/y) ?? []
  const now = (flag: keyof Flags): boolean => on.includes(flag) || (flags[flag] && !off.includes(flag))
  const node = readChoice(reader, { i: now('i'), m: now('m'), s: now('s') }, depth + 1)
  reader.take(')')
  return node
}

function refuseReference(reader: Reader): void {
  const named = reader.isUnicode || reader.hasNames ? reader.takeMatch(/k<[^>]*>/y)?.[0] : undefined
  const numbered = reader.peekNumber()
  if (named === undefined && (numbered === undefined || (!reader.isUnicode && numbered > reader.groups))) return
  reader.refuse(`a back-reference \\${named ?? numbered} is not supported`)
}

function char(text: string): Node {
  return { type: 'char', text }
}

function look(text: string): Node {
  return { type: 'look', text }
}
