/** Counts and finds matches in a text that is in memory. */
import { createReadStream } from 'node:fs'
import { mmap, mmapSync } from '../index.js'
import { absent, apart, command, isThere, python, type Works } from './apart.js'
import { race, type Way } from './race.js'
import type { Settings } from './settings.js'
import { COMMON, hold, RARE, textFile } from './text.js'

/** The search in a mapped file as in Python tutorials. */
const TUTORIAL = `
import mmap, sys, time
start = time.perf_counter()
with open(sys.argv[1], 'rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
    count = mapped.read().count(sys.argv[2].encode())
print(time.perf_counter() - start, count)
`

export const works: Works = {
  count: (file: string, word: string, threads: number) => async () => {
    const mapping = await mmap(file)
    const count = await mapping.count(word, { threads })
    await mapping.close()
    return count
  },
  offsets: (file: string, word: string, threads: number) => async () => {
    const mapping = await mmap(file)
    let sum = 0
    for await (const { offsets } of mapping.matches(word, { threads }).batches()) sum = addTo(sum, offsets)
    await mapping.close()
    return sum
  },
  offsetsSync: (file: string, word: string) => () => {
    const mapping = mmapSync(file)
    let sum = 0
    for (const { offsets } of mapping.matchesSync(word, { threads: 1 }).batches()) sum = addTo(sum, offsets)
    mapping.closeSync()
    return sum
  },
  indexOfLoop: (file: string, word: string) => () => {
    const mapping = mmapSync(file)
    const needle = Buffer.from(word)
    let sum = 0
    // The search of a Buffer is wrong beyond 2 GiB, so windows are searched.
    for (const { offset, view } of mapping.windows({ size: 2 ** 30, overlap: needle.length - 1 })) {
      for (let at = view.indexOf(needle); at !== -1; at = view.indexOf(needle, at + needle.length)) {
        sum += offset + at
      }
    }
    mapping.closeSync()
    return sum
  },
  stream: (file: string, word: string, highWaterMark: number) => async () => {
    const needle = Buffer.from(word)
    let count = 0
    for await (const chunk of createReadStream(file, { highWaterMark })) {
      count += countIn(chunk as Buffer, needle)
    }
    return count
  },
}

// Uses each offset, with little work. The order is the same for each candidate, so that the sum is rounded in the same way.
function addTo(sum: number, offsets: Float64Array): number {
  for (let index = 0; index < offsets.length; index++) sum += offsets[index]!
  return sum
}

function countIn(bytes: Buffer, needle: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + needle.length)) count++
  return count
}

export async function search({ size, rounds, file: kept }: Settings): Promise<void> {
  const file = textFile(size, kept)
  const held = await hold(file)
  console.log(`${size / 2 ** 20} MiB of text, ${held.note}\n`)
  const options = { rounds, amount: size, unit: 'bytes' } as const
  try {
    await race('Count lines', countLines(file), options)
    await race('Count a common word', countCommon(file), options)
    await race('Count a rare word', countRare(file), options)
    await race('All offsets of a common word', findOffsets(file), options)
    await race('Count a common word, as a script does', countLikeScripts(file), {
      ...options,
      rounds: Math.min(rounds, 5),
    })
  } finally {
    await held.end()
  }
}

const ours = (name: string, goals: Record<string, number>, work: string, values: unknown[]): Way =>
  apart({ name, goals }, import.meta.url, work, values)

function countLines(file: string): Way[] {
  return [
    command({ name: 'wc -l' }, 'wc', ['-l', file]),
    ours("count('\\n'), 1 thread", { 'wc -l': 1.5 }, 'count', [file, '\n', 1]),
    ours("count('\\n'), 2 threads", { 'wc -l': 3 }, 'count', [file, '\n', 2]),
  ]
}

function countCommon(file: string): Way[] {
  return [
    ripgrep('rg --count-matches', ['--count-matches', COMMON, file]),
    ours('count(), 1 thread', { 'rg --count-matches': 2.5 }, 'count', [file, COMMON, 1]),
    ours('count(), 2 threads', { 'rg --count-matches': 5 }, 'count', [file, COMMON, 2]),
  ]
}

function countRare(file: string): Way[] {
  return [
    ripgrep('rg -c', ['-c', RARE, file]),
    ours('count(), 1 thread', { 'rg -c': 1.1 }, 'count', [file, RARE, 1]),
    ours('count(), 2 threads', { 'rg -c': 2.2 }, 'count', [file, RARE, 2]),
  ]
}

function findOffsets(file: string): Way[] {
  return [
    ours('Buffer.indexOf in a loop', {}, 'indexOfLoop', [file, COMMON]),
    ours('matchesSync().batches(), 1 thread', { 'Buffer.indexOf in a loop': 4 }, 'offsetsSync', [file, COMMON]),
    ours('matches().batches(), 2 threads', { 'Buffer.indexOf in a loop': 4 }, 'offsets', [file, COMMON, 2]),
  ]
}

function countLikeScripts(file: string): Way[] {
  const stream = { name: 'fs.createReadStream, indexOf', inexact: true }
  const large = { name: 'the same, 1 MiB', inexact: true }
  return [
    ours('count(), 2 threads', { 'Python mmap.read().count': 22, [stream.name]: 25 }, 'count', [file, COMMON, 2]),
    python({ name: 'Python mmap.read().count' }, TUTORIAL, [file, COMMON]),
    apart(stream, import.meta.url, 'stream', [file, COMMON, 65_536]),
    apart(large, import.meta.url, 'stream', [file, COMMON, 2 ** 20]),
  ]
}

function ripgrep(name: string, args: readonly string[]): Way {
  return isThere('rg') ? command({ name }, 'rg', args) : absent({ name }, 'no rg here')
}
