/**
 * The bytes of a mapping, read block by block by somebody who goes through them from front to back, and the lines in them. They
 * are copied, so that a page that can't be delivered is an error and no part of a line.
 */
import { isUtf8 } from 'node:buffer'
import type { Mapping } from '../mapping.js'
import type { Output } from './output.js'

// Read at once.
const BLOCK = 2 ** 20

// Longer ones are no text for JSON: a string holds half a GiB, and whoever parses the line needs memory for it, too.
const LONGEST_TEXT = 2 ** 24

const LINE_FEED = 10

export class Text {
  readonly length: number
  readonly #mapping: Mapping
  readonly #size: number
  // The block at hand, and where it begins.
  #block: Buffer = Buffer.alloc(0)
  #start = 0

  constructor(mapping: Mapping, size = BLOCK) {
    this.#mapping = mapping
    this.#size = size
    this.length = mapping.length
  }

  /** The start of the line in which a byte lies, but at least `least`. */
  startOfLine(offset: number, least: number): number {
    for (let to = offset; to > least;) {
      const from = this.#holds(to - 1) ? this.#start : this.#load(Math.max(least, to - this.#size))
      const found = this.#block.lastIndexOf(LINE_FEED, to - 1 - from)
      if (found !== -1) return Math.max(least, from + found + 1)
      to = from
    }
    return least
  }

  /** What is behind the line in which a byte lies, and so behind its line feed. */
  endOfLine(offset: number): number {
    for (let from = offset; from < this.length; from = this.#start + this.#block.length) {
      if (!this.#holds(from)) this.#load(from)
      const found = this.#block.indexOf(LINE_FEED, from - this.#start)
      if (found !== -1) return this.#start + found + 1
    }
    return this.length
  }

  /** How many line feeds there are between two places. */
  async countEnds(from: number, to: number): Promise<number> {
    if (to - from > this.#size) return this.#mapping.count('\n', { offset: from, length: to - from })
    let count = 0
    for (let at = from; at < to;) {
      if (!this.#holds(at)) this.#load(at)
      const part = this.#block.subarray(at - this.#start, to - this.#start)
      for (let found = part.indexOf(LINE_FEED); found !== -1; found = part.indexOf(LINE_FEED, found + 1)) count++
      at += part.length
    }
    return count
  }

  /** Whether a line ends in front of a place. */
  endsLine(offset: number): boolean {
    if (offset === 0) return false
    if (!this.#holds(offset - 1)) this.#load(offset - 1)
    return this.#block[offset - 1 - this.#start] === LINE_FEED
  }

  /** Prints bytes as a line: with a line feed behind them if they end in none. */
  async print(output: Output, offset: number, length: number): Promise<void> {
    const end = offset + length
    for (let at = offset; at < end;) {
      if (!this.#holds(at)) this.#load(at)
      const from = at - this.#start
      const part = this.#block.subarray(from, from + end - at)
      output.write(part)
      at += part.length
      if (output.isFull) await output.flush()
    }
    if (length === 0 || !this.endsLine(end)) output.write('\n')
  }

  /** Bytes for JSON: as `text`, or in base64 as `bytes` where they are no UTF-8; neither where they are very long. */
  contents(offset: number, length: number): { text?: string; bytes?: string } {
    if (length > LONGEST_TEXT) return {}
    const bytes = this.#mapping.read({ offset, length })
    return isUtf8(bytes) ? { text: bytes.toString() } : { bytes: bytes.toString('base64') }
  }

  #holds(offset: number): boolean {
    return offset >= this.#start && offset < this.#start + this.#block.length
  }

  #load(offset: number): number {
    this.#block = this.#mapping.read({ offset, length: Math.min(this.#size, this.length - offset) })
    this.#start = offset
    return offset
  }
}
