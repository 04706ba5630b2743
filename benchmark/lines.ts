/** Reads every line of a text that is in memory. */
import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { mmapSync } from '../index.js'
import { absent, apart, type Works } from './apart.js'
import { loadPeer } from './peers.js'
import { race, type Way } from './race.js'
import { keep } from './run.js'
import type { Settings } from './settings.js'
import { hold, textFile } from './text.js'

interface LineByLine {
  next(): Buffer | null
}

const N_READLINES = ['n-readlines', '3.4.1'] as const

// Each adds up the lengths of all lines, so that all make the strings and no line is skipped.
export const works: Works = {
  readline: (file: string) => async () => {
    let sum = 0
    const reader = createInterface({ input: createReadStream(file), crlfDelay: Infinity })
    for await (const line of reader) sum += line.length
    return sum
  },
  nReadlines: (file: string) => {
    const NReadlines = loadPeer<new (path: string) => LineByLine>(...N_READLINES)
    if (typeof NReadlines === 'string') throw new Error(NReadlines)
    return () => {
      const reader = new NReadlines(file)
      let sum = 0
      // Returns Buffers, and null at the end.
      for (let line = reader.next(); line !== null; line = reader.next()) sum += line.toString().length
      return sum
    }
  },
  each: (file: string) => () => {
    const mapping = mmapSync(file)
    let sum = 0
    for (const line of mapping.lines()) sum += line.length
    mapping.closeSync()
    return sum
  },
  batches: (file: string) => () => {
    const mapping = mmapSync(file)
    let sum = 0
    for (const batch of mapping.lines().batches()) for (const line of batch) sum += line.length
    mapping.closeSync()
    return sum
  },
  eachAwaited: (file: string) => async () => {
    const mapping = mmapSync(file)
    let sum = 0
    for await (const line of mapping.lines()) sum += line.length
    mapping.closeSync()
    return sum
  },
  batchesAwaited: (file: string) => async () => {
    const mapping = mmapSync(file)
    let sum = 0
    for await (const batch of mapping.lines().batches()) for (const line of batch) sum += line.length
    mapping.closeSync()
    return sum
  },
  extents: (file: string) => async () => {
    const mapping = mmapSync(file)
    let sum = 0
    for await (const { lengths } of mapping.lines({ offsets: true }).batches()) {
      for (let index = 0; index < lengths.length; index++) sum += lengths[index]!
    }
    mapping.closeSync()
    return sum
  },
  // The time for the strings alone, from one block in the cache of the processor whose lines are known.
  strings: (file: string, count: number, sum: number) => {
    const block = Buffer.alloc(65_472)
    const fd = openSync(file, 'r')
    readSync(fd, block)
    closeSync(fd)
    const ends = [...block.entries()].flatMap(([place, byte]) => (byte === 10 ? place : []))
    return () => {
      for (let made = 0; made < count; made += ends.length) {
        const text = block.toString('latin1')
        let start = 0
        const batch: string[] = []
        for (const end of ends) {
          batch.push(text.substring(start, end))
          start = end + 1
        }
        keep(batch)
      }
      return sum
    }
  },
  // The time for a line that is ready: only the await.
  settled: (count: number, sum: number) => async () => {
    let left = count
    const step = (): Promise<IteratorResult<number>> =>
      Promise.resolve(left-- > 0 ? { done: false, value: 0 } : { done: true, value: undefined })
    for await (const nothing of { [Symbol.asyncIterator]: () => ({ next: step }) }) left += nothing
    return sum
  },
}

const READLINE = 'readline, for await'
const SETTLED = 'for await, without lines'

export async function lines({ size, rounds, file: kept }: Settings): Promise<void> {
  const file = textFile(size, kept)
  const held = await hold(file)
  const mapping = mmapSync(file)
  const amount = mapping.countSync('\n')
  const sum = size - amount
  mapping.closeSync()
  console.log(`${size / 2 ** 20} MiB of text, ${amount} lines, ${held.note}\n`)

  const [major = 0] = process.versions.node.split('.').map(Number)
  const isOld = major < 24
  try {
    await race('Every line as a string', asStrings(file, amount, sum, isOld), { rounds, amount, unit: 'lines' })
    await race('Every line as offset and length', asExtents(file), { rounds, amount, unit: 'lines' })
  } finally {
    await held.end()
  }
}

function asStrings(file: string, count: number, sum: number, isOld: boolean): Way[] {
  const name = N_READLINES[0]
  const peer = loadPeer(...N_READLINES)
  const of = (work: string, way: string, goals: Record<string, number> = {}): Way =>
    apart({ name: way, goals }, import.meta.url, work, [file])
  return [
    of('readline', READLINE),
    typeof peer === 'string' ? absent({ name }, peer) : of('nReadlines', name),
    of('eachAwaited', 'lines(), for await', { [READLINE]: isOld ? 3 : 1.5 }),
    apart({ name: SETTLED }, import.meta.url, 'settled', [count, sum]),
    of('batchesAwaited', 'lines().batches(), for await', { [READLINE]: isOld ? 10 : 6 }),
    of('each', 'lines(), for of', { [READLINE]: 6, [name]: 10 }),
    of('batches', 'lines().batches(), for of', { [READLINE]: 10, [name]: 20 }),
    apart({ name: 'the strings, without a file' }, import.meta.url, 'strings', [file, count, sum]),
  ]
}

function asExtents(file: string): Way[] {
  return [
    apart({ name: READLINE }, import.meta.url, 'readline', [file]),
    apart({ name: 'lines({ offsets }).batches()', goals: { [READLINE]: 20 } }, import.meta.url, 'extents', [file]),
  ]
}
