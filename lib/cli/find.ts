/**
 * `memmap find`: the lines in which something is found, or the matches alone.
 */
import type { Mapping } from '../mapping.js'
import { Bar } from './progress-bar.js'
import { type Command, EXIT, type Given } from './command.js'
import { withMapping } from './with-mapping.js'
import type { Output } from './output.js'
import { patternOf } from './pattern.js'
import { Text } from './text-reader.js'

export const find: Command = {
  name: 'find',
  operands: 'FILE PATTERN',
  least: 2,
  most: 2,
  about: 'print the lines of a file in which a string of bytes is found',
  options: ['regexp', 'ignore-case', 'byte-offset', 'line-number', 'only-matching', 'max-count', 'text', 'threads'],
  async run(given, output) {
    const [word = ''] = given.words
    const pattern = patternOf(word, given)
    const most = given.number('max-count') ?? Infinity
    const threads = given.number('threads')
    return withMapping(given.file, async (mapping) => {
      const rows = new Rows(mapping, given, output)
      const bar = (output.bar = new Bar(mapping.length))
      try {
        const onProgress = ({ done }: { done: number }): void => bar.show(done)
        for await (const { offsets, lengths } of mapping.matches(pattern, { threads, onProgress }).batches()) {
          for (let index = 0; index < offsets.length && rows.printed < most && !rows.isOver; index++) {
            await rows.add(offsets[index] ?? 0, lengths[index] ?? 0)
          }
          await output.flush()
          if (rows.printed >= most || rows.isOver) break
        }
      } finally {
        bar.hide()
      }
      return rows.found ? EXIT.found : EXIT.nothing
    })
  },
}

// Where a zero is in so many bytes at its start a file is no text, which is how others tell, too.
const HEAD = 2 ** 16

class Rows {
  /** How many there were. */
  printed = 0
  /** Whether there was anything, be it nothing that can be printed. */
  found = false
  /** Nothing more is to be printed. */
  isOver = false
  readonly #text: Text
  readonly #given: Given
  readonly #output: Output
  readonly #isSilent: boolean
  // What is behind the last row that was printed, and how many lines begin before that.
  #end = 0
  #counted = 0
  #lines = 0

  constructor(mapping: Mapping, given: Given, output: Output) {
    this.#text = new Text(mapping)
    this.#given = given
    this.#output = output
    const isText = given.is('text') || given.is('json')
    this.#isSilent = !isText && mapping.includesSync('\0', { length: Math.min(HEAD, mapping.length) })
  }

  /** Prints the lines around a match, or the match. */
  add(offset: number, length: number): Promise<void> | undefined {
    // The end of the file, which is in no line.
    if (offset === this.#text.length && this.#isBehindLastLine(offset)) return undefined
    this.found = true
    // As for `grep`, nothing is nothing to print.
    if (this.#given.is('only-matching')) return length > 0 ? this.#print(offset, length) : undefined
    const last = Math.max(offset, offset + length - 1)
    // A line that was printed already. A last line that has no line feed ends where the file ends.
    if (last < this.#end || this.#end === this.#text.length) return undefined
    const start = this.#text.startOfLine(offset, this.#end)
    this.#end = this.#text.endOfLine(last)
    return this.#print(start, this.#end - start)
  }

  #isBehindLastLine(offset: number): boolean {
    return offset === 0 || this.#text.endsLine(offset)
  }

  async #print(offset: number, length: number): Promise<void> {
    this.printed++
    if (this.#isSilent) {
      this.#output.write(`memmap: ${this.#given.file}: binary file matches (-a prints it)\n`)
      this.isOver = true
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

  // Rows come in order, so that only what lies between them is counted.
  async #numberOf(offset: number): Promise<number> {
    this.#lines += await this.#text.countEnds(this.#counted, offset)
    this.#counted = offset
    return this.#lines + 1
  }
}
