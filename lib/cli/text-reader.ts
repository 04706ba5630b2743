/**
 * Reads the bytes of a mapping block by block, and finds the lines in them. Callers move from start to end. The bytes are copied,
 * so that a page that cannot be delivered is an error and not a part of a line.
 */
import { isUtf8 } from 'node:buffer'
import type { Mapping } from '../mapping.js'
import type { Output } from './output.js'

// The number of bytes that one read copies.
const BLOCK_SIZE = 2 ** 20

// The maximum length of a text in JSON. A string holds at most half a GiB, and the program that parses the JSON needs memory too.
const MAX_TEXT_LENGTH = 2 ** 24

const LINE_FEED = 10

/** The text of a mapping. */
export class TextReader {
  readonly length: number
  readonly #mapping: Mapping
  readonly #size: number
  // The current block, and its offset.
  #block: Buffer = Buffer.alloc(0)
  #start = 0

  constructor(mapping: Mapping, size = BLOCK_SIZE) {
    this.#mapping = mapping
    this.#size = size
    this.length = mapping.length
  }

  /** Returns the start of the line that contains a byte, but at min `min`. */
  startOfLine(offset: number, min: number): number {
    for (let to = offset; to > min;) {
      const from = this.#holds(to - 1) ? this.#start : this.#load(Math.max(min, to - this.#size))
      const found = this.#block.lastIndexOf(LINE_FEED, to - 1 - from)
      if (found !== -1) return Math.max(min, from + found + 1)
      to = from
    }
    return min
  }

  /** Returns the offset after the line that contains a byte, and so after its line feed. */
  endOfLine(offset: number): number {
    for (let from = offset; from < this.length; from = this.#start + this.#block.length) {
      if (!this.#holds(from)) this.#load(from)
      const found = this.#block.indexOf(LINE_FEED, from - this.#start)
      if (found !== -1) return this.#start + found + 1
    }
    return this.length
  }

  /** Counts the line feeds between two offsets. */
  async countLineFeeds(from: number, to: number): Promise<number> {
    if (to - from > this.#size) return this.#mapping.count('\n', { offset: from, length: to - from })
    let count = 0
    for (let at = from; at < to;) {
      if (!this.#holds(at)) this.#load(at)
      const bytes = this.#block.subarray(at - this.#start, to - this.#start)
      for (let found = bytes.indexOf(LINE_FEED); found !== -1; found = bytes.indexOf(LINE_FEED, found + 1)) count++
      at += bytes.length
    }
    return count
  }

  /** Reports whether a line ends directly before an offset. */
  isAfterLineFeed(offset: number): boolean {
    if (offset === 0) return false
    if (!this.#holds(offset - 1)) this.#load(offset - 1)
    return this.#block[offset - 1 - this.#start] === LINE_FEED
  }

  /** Prints bytes as a line, and adds a line feed if they do not end in one. */
  async print(output: Output, offset: number, length: number): Promise<void> {
    const end = offset + length
    for (let at = offset; at < end;) {
      if (!this.#holds(at)) this.#load(at)
      const from = at - this.#start
      const bytes = this.#block.subarray(from, from + end - at)
      output.write(bytes)
      at += bytes.length
      if (output.isFull) await output.flush()
    }
    if (length === 0 || !this.isAfterLineFeed(end)) output.write('\n')
  }

  /** Returns bytes for JSON: as `text` if they are UTF-8, else as `bytes` in base64. Very long ranges have neither. */
  contents(offset: number, length: number): { text?: string; bytes?: string } {
    if (length > MAX_TEXT_LENGTH) return {}
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
