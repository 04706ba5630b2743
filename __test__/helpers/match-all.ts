/** The model of searches for expressions: what JavaScript finds in a text, with offsets in bytes of UTF-8. */
import test, { type ExecutionContext } from 'ava'
import { type Mapping, mmapAnonymous } from '../../index.js'

/** Returns the matches according to JavaScript, as `offset+length`. */
export function expected(text: string, expression: RegExp): string[] {
  const offsets = byteOffsets(text)
  return matchesOf(text, expression)
    .filter(({ index, 0: match }) => match !== '' || !isInside(text, index))
    .map(({ index, 0: match }) => [offsets[index] ?? 0, offsets[index + match.length] ?? 0] as const)
    .map(([start, end]) => `${start}+${end - start}`)
}

/**
 * Returns what `matchAll()` should give, by a match at each index: the engine of Node 26 misses some, such as the end of 'b😀'
 * with `/[^a]{2}$/u`.
 */
function matchesOf(text: string, expression: RegExp): RegExpExecArray[] {
  const here = new RegExp(expression.source, `${expression.flags.replace('g', '')}y`)
  const matches: RegExpExecArray[] = []
  for (let index = 0; index <= text.length;) {
    here.lastIndex = index
    const match = here.exec(text)
    if (match !== null) matches.push(match)
    index += match?.[0].length || widthAt(text, index, expression)
  }
  return matches
}

function widthAt(text: string, index: number, { unicode, flags }: RegExp): number {
  return (unicode || flags.includes('v')) && (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1
}

/** Returns the offset in UTF-8 of each code unit of a text. */
function byteOffsets(text: string): number[] {
  const offsets = [0]
  for (const char of text) {
    const offset = (offsets.at(-1) ?? 0) + Buffer.byteLength(char)
    for (const _ of char.split('')) offsets.push(offset)
  }
  return offsets
}

// JavaScript may find an empty match between two surrogates, even with the flag `u`; UTF-8 has no such offset.
function isInside(text: string, index: number): boolean {
  return index > 0 && (text.codePointAt(index - 1) ?? 0) > 0xffff
}

/** Returns the matches according to this library, as `offset+length`. */
export function found(memory: Mapping, bytes: Uint8Array, expression: RegExp): string[] {
  memory.write(bytes)
  return [...memory.matchesSync(expression, { length: bytes.length })].map(
    ({ offset, length }) => `${offset}+${length}`,
  )
}

/** Makes an expression that is valid JavaScript but that linters reject. */
export function odd(source: string): RegExp {
  return new RegExp(source)
}

/** Checks that the library finds the matches of JavaScript for each expression. */
export const finds = test.macro((t: ExecutionContext, text: string, ...expressions: RegExp[]) => {
  const bytes = Buffer.from(text)
  const memory = mmapAnonymous(bytes.length)
  t.teardown(() => memory.close())
  t.true(expressions.length > 0)
  for (const expression of expressions) {
    t.is(found(memory, bytes, expression).join(), expected(text, expression).join(), String(expression))
  }
})
