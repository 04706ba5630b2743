/**
 * `memmap bench`: measures this library on a file, and `node:fs` doing the same.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setImmediate } from 'node:timers/promises'
import type { Mapping } from '../mapping.js'
import { mmapSync } from '../open.js'
import { ProgressBar } from './progress-bar.js'
import { type Command, EXIT } from './command.js'
import { formatBytes, formatRate, formatSeconds } from './format.js'
import { withMapping } from './with-mapping.js'

export const bench: Command = {
  name: 'bench',
  operands: 'FILE',
  min: 1,
  max: 1,
  about: 'measure this library on a file, and node:fs doing the same',
  options: [],
  async run({ file, is }, output) {
    const rows = await withMapping(file, (mapping) => measure(file, mapping))
    if (is('json')) output.json({ file, node: process.versions.node, rounds: ROUNDS, jobs: rows })
    else output.write(describe(file, rows))
    return EXIT.found
  },
}

/** One way to do a job. */
interface Way {
  readonly job: string
  readonly way: string
  /** The number of bytes that it reads; 0 if it reads none. */
  readonly bytes: number
  run(): unknown
}

interface Row extends Pick<Way, 'job' | 'way' | 'bytes'> {
  /** The median. */
  readonly seconds: number
}

// Each way runs once in each round, so that other load on the machine affects all of them.
const ROUNDS = 5
const OPENINGS = 200
const MAX_SEARCHED = 2 ** 30
const MAX_LINE_BYTES = 2 ** 27
const BLOCK_SIZE = 2 ** 20

async function measure(file: string, mapping: Mapping): Promise<Row[]> {
  const ways = waysOf(file, mapping)
  const times = new Map(ways.map((way) => [way, [] as number[]]))
  const bar = new ProgressBar(ways.length * (ROUNDS + 1))
  try {
    // Round 0 is not counted: it brings the file into the page cache, if it fits.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [index, way] of ways.entries()) {
        const start = performance.now()
        await way.run()
        if (round > 0) times.get(way)?.push((performance.now() - start) / 1000)
        bar.show(round * ways.length + index + 1)
        await setImmediate()
      }
    }
  } finally {
    bar.hide()
  }
  return ways.map((way) => ({ job: way.job, way: way.way, bytes: way.bytes, seconds: median(times.get(way) ?? []) }))
}

function waysOf(file: string, mapping: Mapping): Way[] {
  // Not in the file, so that the whole file is searched.
  const needle = randomBytes(16)
  const searched = Math.min(mapping.length, MAX_SEARCHED)
  const lines = Math.min(mapping.length, MAX_LINE_BYTES)
  const search = `search ${formatBytes(searched)}`
  const read = `lines of ${formatBytes(lines)}`
  return [
    { job: 'open and close', way: 'mmapSync', bytes: 0, run: () => repeat(() => mmapSync(file).closeSync()) },
    { job: 'open and close', way: 'fs.openSync', bytes: 0, run: () => repeat(() => closeSync(openSync(file, 'r'))) },
    { job: search, way: 'indexOf', bytes: searched, run: () => mapping.indexOf(needle, { length: searched }) },
    {
      job: search,
      way: 'indexOf, 1 thread',
      bytes: searched,
      run: () => mapping.indexOf(needle, { length: searched, threads: 1 }),
    },
    { job: search, way: 'fs.readSync, 1 MiB', bytes: searched, run: () => searchByReading(file, searched, needle) },
    { job: read, way: 'lines().batches()', bytes: lines, run: () => countByLines(mapping, lines) },
    { job: read, way: 'readline', bytes: lines, run: () => countByReadline(file, lines) },
  ]
}

function repeat(work: () => void): void {
  for (let left = OPENINGS; left > 0; left--) work()
}

async function searchByReading(file: string, length: number, needle: Buffer): Promise<void> {
  const descriptor = openSync(file, 'r')
  try {
    const block = Buffer.allocUnsafe(BLOCK_SIZE)
    for (let at = 0; at < length;) {
      const count = readSync(descriptor, block, 0, Math.min(BLOCK_SIZE, length - at), at)
      if (count === 0) return
      block.subarray(0, count).includes(needle)
      at += count
    }
  } finally {
    closeSync(descriptor)
  }
}

async function countByLines(mapping: Mapping, length: number): Promise<number> {
  let count = 0
  for await (const lines of mapping.lines({ length }).batches()) count += lines.length
  return count
}

async function countByReadline(file: string, length: number): Promise<number> {
  if (length === 0) return 0
  let count = 0
  const input = createReadStream(file, { end: length - 1 })
  for await (const _ of createInterface({ input, crlfDelay: Infinity })) count++
  return count
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
}

function describe(file: string, rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ way }) => way.length))
  let text = `${file}, Node ${process.versions.node}, medians of ${ROUNDS} rounds after a warm-up round\n`
  let last = ''
  for (const { job, way, bytes, seconds } of rows) {
    if (job !== last) text += `\n${job}\n`
    last = job
    const rate = bytes > 0 ? formatRate(bytes, seconds).padStart(12) : ''
    const each = bytes > 0 ? seconds : seconds / OPENINGS
    text += `  ${way.padEnd(width)}  ${formatSeconds(each).padStart(9)}${rate}\n`
  }
  return text
}
