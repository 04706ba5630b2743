/**
 * Reads the source of a regular expression from left to right.
 *
 * @see https://tc39.es/ecma262/#sec-patterns, and #sec-regular-expressions-patterns for what only the flag `u` forbids
 */
import { invalidArgValue } from '../../base/validate.js'

export class Reader {
  readonly expression: RegExp
  /** With the flag `u` or `v`. */
  readonly isUnicode: boolean
  /** With the flag `v`. */
  readonly hasSets: boolean
  /** How many groups capture something, and whether one has a name: what `\1` and `\k` mean depends on that. */
  readonly groups: number
  readonly hasNames: boolean
  readonly #source: string
  #at = 0

  constructor(expression: RegExp, source: string, flags: string) {
    this.expression = expression
    this.#source = source
    this.hasSets = flags.includes('v')
    this.isUnicode = this.hasSets || flags.includes('u')
    const opening = openingsOf(source, this.hasSets)
    this.groups = opening.length
    this.hasNames = opening.includes('(?<')
  }

  /** Throws an error with the reason why the expression cannot be translated. */
  refuse(reason: string): never {
    throw invalidArgValue('needle', this.expression, `can't be searched for: ${reason}`)
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#source.length
  }

  looksAt(text: string): boolean {
    return this.#source.startsWith(text, this.#at)
  }

  /** Takes `text` if it comes next. */
  take(text: string): boolean {
    if (!this.looksAt(text)) return false
    this.#at += text.length
    return true
  }

  /** Takes what a sticky expression matches next. */
  takeMatch(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.#at
    const found = sticky.exec(this.#source)
    if (found === null) return undefined
    this.#at += found[0].length
    return found
  }

  /** Returns the number that comes next without taking it. A number does not begin with 0. */
  peekNumber(): number | undefined {
    const number = /[1-9]\d*/y
    number.lastIndex = this.#at
    const found = number.exec(this.#source)
    return found === null ? undefined : Number(found[0])
  }

  /** Takes one whole character, independent of the flags. */
  takeChar(): number {
    const char = this.#source.codePointAt(this.#at) ?? 0
    this.#at += char > 0xffff ? 2 : 1
    return char
  }
}

/** Returns the opening of each capturing group: `(` or `(?<`. */
function openingsOf(source: string, hasSets: boolean): string[] {
  const found: string[] = []
  let depth = 0
  for (const [text] of source.matchAll(/\\[^]|\[|\]|\((?:\?<(?![=!])|(?!\?))/g)) {
    if (text === '[') depth = hasSets ? depth + 1 : 1
    else if (text === ']') depth = Math.max(0, depth - 1)
    else if (depth === 0 && !text.startsWith('\\')) found.push(text)
  }
  return found
}
