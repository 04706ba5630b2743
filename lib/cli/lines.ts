/**
 * `memmap lines`: how many lines there are, or some of them.
 */
import type { Mapping } from '../mapping.js'
import { Bar } from './progress-bar.js'
import { type Command, EXIT, type Given, parseNumber, UsageError } from './command.js'
import { withMapping } from './with-mapping.js'
import type { Output } from './output.js'
import { Text } from './text-reader.js'

export const lines: Command = {
  name: 'lines',
  operands: 'FILE',
  least: 1,
  most: 1,
  about: 'count the lines of a file; what follows the last line feed is one if it is not empty',
  options: ['print', 'threads'],
  async run(given, output) {
    const wanted = parseSpan(given.text('print'))
    if (wanted !== undefined) return withMapping(given.file, (mapping) => printSpan(mapping, wanted, given, output))

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
  const bar = new Bar(length)
  try {
    const ends = await mapping.count('\n', { threads, onProgress: ({ done }) => bar.show(done) })
    const hasRest = length > 0 && !mapping.includesSync('\n', { offset: length - 1 })
    return ends + (hasRest ? 1 : 0)
  } finally {
    bar.hide()
  }
}

/** Lines by their numbers, from 1, both included. */
interface Span {
  readonly from: number
  readonly to: number
}

function parseSpan(text: string | undefined): Span | undefined {
  if (text === undefined) return undefined
  const [first, last, ...others] = text.split(':')
  const from = parseNumber(first, '--print') ?? 1
  const to = last === undefined ? from : last === '' ? Infinity : (parseNumber(last, '--print') ?? Infinity)
  if (others.length > 0 || from > to) throw new UsageError(`--print takes FROM[:TO], and not '${text}'`)
  return { from, to }
}

async function printSpan(mapping: Mapping, { from, to }: Span, given: Given, output: Output): Promise<number> {
  const bar = (output.bar = new Bar(mapping.length))
  const text = new Text(mapping)
  let number = 0
  let printed = 0
  try {
    // The places of lines are found much quicker than any of them is looked at.
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
