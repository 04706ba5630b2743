/**
 * `memmap lines`: counts lines, or prints some of them.
 */
import type { Mapping } from '../mapping.js'
import { ProgressBar } from './progress-bar.js'
import { type Command, EXIT, type Given, parseNumber, UsageError } from './command.js'
import { withMapping } from './with-mapping.js'
import type { Output } from './output.js'
import { TextReader } from './text-reader.js'

export const lines: Command = {
  name: 'lines',
  operands: 'FILE',
  min: 1,
  max: 1,
  about: 'count the lines of a file, including a last line without a line feed',
  options: ['print', 'threads'],
  async run(given, output) {
    const wanted = parseLineNumbers(given.text('print'))
    if (wanted !== undefined) return withMapping(given.file, (mapping) => printLines(mapping, wanted, given, output))

    const { file } = given
    const threads = given.number('threads')
    const start = performance.now()
    const { size, number } = await withMapping(file, async (mapping) => ({
      size: mapping.length,
      number: await countLines(mapping, threads),
    }))
    if (given.is('json')) output.json({ file, size, lines: number, seconds: (performance.now() - start) / 1000 })
    else output.write(`${number}\n`)
    return number > 0 ? EXIT.found : EXIT.nothing
  },
}

async function countLines(mapping: Mapping, threads: number | undefined): Promise<number> {
  const { length } = mapping
  const bar = new ProgressBar(length)
  try {
    const ends = await mapping.count('\n', { threads, onProgress: ({ done }) => bar.show(done) })
    const hasUnendedLine = length > 0 && !mapping.includesSync('\n', { offset: length - 1 })
    return ends + (hasUnendedLine ? 1 : 0)
  } finally {
    bar.hide()
  }
}

/** A range of line numbers, from 1, both ends included. */
interface LineNumbers {
  readonly from: number
  readonly to: number
}

function parseLineNumbers(text: string | undefined): LineNumbers | undefined {
  if (text === undefined) return undefined
  const [first, last, ...others] = text.split(':')
  const from = parseNumber(first, '--print') ?? 1
  const to = last === undefined ? from : last === '' ? Infinity : (parseNumber(last, '--print') ?? Infinity)
  if (others.length > 0 || from > to) throw new UsageError(`--print must be FROM[:TO]. Received '${text}'`)
  return { from, to }
}

async function printLines(mapping: Mapping, { from, to }: LineNumbers, given: Given, output: Output): Promise<number> {
  const bar = (output.bar = new ProgressBar(mapping.length))
  const text = new TextReader(mapping)
  let number = 0
  let printed = 0
  try {
    // Finding the offsets of lines is much faster than reading the lines.
    for await (const { offsets, lengths } of mapping.lines({ offsets: true, keepEnd: true }).batches()) {
      bar.show(offsets[0] ?? 0)
      for (let index = Math.max(0, from - number - 1); index < offsets.length && number + index < to; index++) {
        const [offset = 0, length = 0] = [offsets[index], lengths[index]]
        const line = number + index + 1
        if (given.is('json')) output.json({ line, offset, length, ...text.contents(offset, length) })
        else await text.print(output, offset, length)
        if (output.isFull) await output.flush()
        printed++
      }
      number += offsets.length
      await output.flush()
      if (number >= to) break
    }
  } finally {
    bar.hide()
  }
  return printed > 0 ? EXIT.found : EXIT.nothing
}
