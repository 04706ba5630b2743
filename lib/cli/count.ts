/**
 * `memmap count`: counts words.
 */
import type { Mapping } from '../mapping.js'
import { ProgressBar } from './progress-bar.js'
import { type Command, EXIT } from './command.js'
import { formatBytes, formatRate, formatSeconds } from './format.js'
import { withMapping } from './with-mapping.js'
import { patternOf } from './pattern.js'

export const count: Command = {
  name: 'count',
  operands: 'FILE WORD…',
  min: 2,
  max: Infinity,
  about: 'count the occurrences of each word in a file, as bytes, also within other words',
  options: ['regexp', 'ignore-case', 'threads', 'stats'],
  async run(given, output) {
    const { file, words } = given
    const patterns = words.map((word) => patternOf(word, given))
    const threads = given.number('threads')
    const start = performance.now()
    const { size, counts } = await withMapping(file, async (mapping) => ({
      size: mapping.length,
      counts: await countAll(mapping, patterns, threads),
    }))
    const seconds = (performance.now() - start) / 1000

    const found = words.map((word, index) => ({ word, count: counts[index] ?? 0 }))
    if (given.is('json')) output.json({ file, size, words: found, seconds })
    else for (const { word, count: number } of found) output.write(`${number}\t${word}\n`)
    if (given.is('stats') && !given.is('json')) output.write(describe(file, size, size * words.length, seconds))
    return counts.some((each) => each > 0) ? EXIT.found : EXIT.nothing
  },
}

// Each word is counted separately, because words may overlap: `none` contains both `one` and `none`.
async function countAll(
  mapping: Mapping,
  patterns: readonly (string | RegExp)[],
  threads: number | undefined,
): Promise<number[]> {
  const bar = new ProgressBar(mapping.length * patterns.length)
  const counts: number[] = []
  try {
    for (const pattern of patterns) {
      const before = mapping.length * counts.length
      counts.push(await mapping.count(pattern, { threads, onProgress: ({ done }) => bar.show(before + done) }))
    }
  } finally {
    bar.hide()
  }
  return counts
}

function describe(file: string, size: number, searched: number, seconds: number): string {
  const rows = [
    ['file', file],
    ['size', size < 1024 ? formatBytes(size) : `${formatBytes(size)} (${size} bytes)`],
    ['time', formatSeconds(seconds)],
    ['rate', formatRate(searched, seconds)],
  ]
  return `\n${rows.map(([name, value]) => `${name}   ${value}\n`).join('')}`
}
