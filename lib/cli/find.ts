/**
 * `memmap find`: prints the lines that contain a match, or only the matches.
 */
import type { Mapping } from '../mapping.js'
import { ProgressBar } from './progress-bar.js'
import { type Command, EXIT, type Given } from './command.js'
import { withMapping } from './with-mapping.js'
import type { Output } from './output.js'
import { patternOf } from './pattern.js'
import { TextReader } from './text-reader.js'

export const find: Command = {
  name: 'find',
  operands: 'FILE PATTERN',
  min: 2,
  max: 2,
  about: 'print the lines of a file that contain a string of bytes',
  options: ['regexp', 'ignore-case', 'byte-offset', 'line-number', 'only-matching', 'max-count', 'text', 'threads'],
  async run(given, output) {
    const [word = ''] = given.words
    const pattern = patternOf(word, given)
    const maxCount = given.number('max-count') ?? Infinity
    const threads = given.number('threads')
    return withMapping(given.file, async (mapping) => {
      const rows = new Rows(mapping, given, output)
      const bar = (output.bar = new ProgressBar(mapping.length))
      try {
        const onProgress = ({ done }: { done: number }): void => bar.show(done)
        for await (const { offsets, lengths } of mapping.matches(pattern, { threads, onProgress }).batches()) {
          for (let index = 0; index < offsets.length && rows.printed < maxCount && !rows.isDone; index++) {
            await rows.add(offsets[index] ?? 0, lengths[index] ?? 0)
          }
          await output.flush()
          if (rows.printed >= maxCount || rows.isDone) break
        }
      } finally {
        bar.hide()
      }
      return rows.found ? EXIT.found : EXIT.nothing
    })
  },
}

// A file with a zero in this number of bytes at its start is binary. Other tools decide the same way.
const HEAD_SIZE = 2 ** 16

class Rows {
  /** The number of printed rows. */
  printed = 0
  /** Whether there was a match, even one that cannot be printed. */
  found = false
  /** Whether printing has ended. */
  isDone = false
  readonly #text: TextReader
  readonly #given: Given
  readonly #output: Output
  readonly #isSilent: boolean
  // The end offset of the last printed line; the offset up to which line feeds were counted, and their number.
  #end = 0
  #counted = 0
  #lines = 0

  constructor(mapping: Mapping, given: Given, output: Output) {
    this.#text = new TextReader(mapping)
    this.#given = given
    this.#output = output
    const isText = given.is('text') || given.is('json')
    this.#isSilent = !isText && mapping.includesSync('\0', { length: Math.min(HEAD_SIZE, mapping.length) })
  }

  /** Prints the lines that contain a match, or only the match. */
  add(offset: number, length: number): Promise<void> | undefined {
    // A match at the end of the file is in no line.
    if (offset === this.#text.length && this.#isAfterLastLine(offset)) return undefined
    this.found = true
    // As in `grep`, an empty match is not printed.
    if (this.#given.is('only-matching')) return length > 0 ? this.#print(offset, length) : undefined
    const last = Math.max(offset, offset + length - 1)
    // The line was printed already. A last line without a line feed ends at the end of the file.
    if (last < this.#end || this.#end === this.#text.length) return undefined
    const start = this.#text.startOfLine(offset, this.#end)
    this.#end = this.#text.endOfLine(last)
    return this.#print(start, this.#end - start)
  }

  #isAfterLastLine(offset: number): boolean {
    return offset === 0 || this.#text.isAfterLineFeed(offset)
  }

  async #print(offset: number, length: number): Promise<void> {
    this.printed++
    if (this.#isSilent) {
      this.#output.write(`memmap: ${this.#given.file}: binary file matches (-a prints its lines)\n`)
      this.isDone = true
      return
    }
    const line = this.#given.is('line-number') ? await this.#numberOf(offset) : undefined
    if (this.#given.is('json')) {
      this.#output.json({ line, offset, length, ...this.#text.contents(offset, length) })
    } else {
      if (line !== undefined) this.#output.write(`${line}:`)
      if (this.#given.is('byte-offset')) this.#output.write(`${offset}:`)
      await this.#text.print(this.#output, offset, length)
    }
    if (this.#output.isFull) await this.#output.flush()
  }

  // Rows come in order, so only the bytes between two rows are counted.
  async #numberOf(offset: number): Promise<number> {
    this.#lines += await this.#text.countLineFeeds(this.#counted, offset)
    this.#counted = offset
    return this.#lines + 1
  }
}
