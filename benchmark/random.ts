/** Many small reads at random offsets of a file: one in memory, and one on the disk. */
import { closeSync, openSync, readSync } from 'node:fs'
import { type Advice, mmapSync } from '../index.js'
import { apart, type Works } from './apart.js'
import { cool } from './files.js'
import { race, type Way } from './race.js'
import type { Settings } from './settings.js'
import { hold, textFile } from './text.js'

const SIZE = 64
const NUMBERS = SIZE / 8
const WARM_READS = 1_000_000
const COLD_READS = 4096
// A mapping without preparation takes milliseconds for each.
const NAIVE_SHARE = 1 / 16
const GATHERED = 4096

// Each adds up the eight numbers of each record, so that all its bytes are used.
export const works: Works = {
  readSync: (file: string, size: number, count: number) => {
    const offsets = randomOffsets(size, count)
    const target = new Float64Array(NUMBERS)
    const fd = openSync(file, 'r')
    return () => {
      let sum = 0
      for (const offset of offsets) {
        readSync(fd, target, 0, SIZE, offset)
        sum += add(target, 0)
      }
      return checksum(sum)
    }
  },
  view: (file: string, size: number, count: number) => {
    const numbers = mmapSync(file).array(Float64Array)
    const indexes = Int32Array.from(randomOffsets(size, count), (offset) => offset / 8)
    return () => {
      let sum = 0
      for (const index of indexes) sum += add(numbers, index)
      return checksum(sum)
    }
  },
  gather: (file: string, size: number, count: number) => {
    const offsets = randomOffsets(size, count)
    const mapping = mmapSync(file)
    const target = new Float64Array(GATHERED * NUMBERS)
    return () => {
      let sum = 0
      for (let from = 0; from < count; from += GATHERED) {
        const some = offsets.subarray(from, from + GATHERED)
        const numbers = mapping.gather(some, SIZE, target) / 8
        for (let index = 0; index < numbers; index += NUMBERS) sum += add(target, index)
      }
      return checksum(sum)
    }
  },
  pread: (file: string, size: number, count: number) => {
    const offsets = randomOffsets(size, count)
    const target = new Float64Array(NUMBERS)
    return () => {
      const fd = openSync(file, 'r')
      let sum = 0
      for (const offset of offsets) {
        readSync(fd, target, 0, SIZE, offset)
        sum += add(target, 0)
      }
      closeSync(fd)
      return checksum(sum)
    }
  },
  touch: (file: string, size: number, count: number, advice: Advice | null) => {
    const offsets = randomOffsets(size, count)
    return () => {
      const mapping = mmapSync(file, advice === null ? {} : { advice })
      const target = new Float64Array(NUMBERS)
      let sum = 0
      for (const offset of offsets) {
        mapping.gather([offset], SIZE, target)
        sum += add(target, 0)
      }
      mapping.closeSync()
      return checksum(sum)
    }
  },
  prefetch: (file: string, size: number, count: number) => {
    const offsets = randomOffsets(size, count)
    return async () => {
      const mapping = mmapSync(file, { advice: 'random' })
      const target = new Float64Array(GATHERED * NUMBERS)
      await mapping.prefetch(offsets, { size: SIZE })
      const numbers = mapping.gather(offsets, SIZE, target) / 8
      let sum = 0
      for (let index = 0; index < numbers; index += NUMBERS) sum += add(target, index)
      await mapping.close()
      return checksum(sum)
    }
  },
}

function add(numbers: Float64Array, at: number): number {
  let sum = 0
  for (let index = at; index < at + NUMBERS; index++) sum += numbers[index]!
  return sum
}

// Eight bytes of text are a large number, and so is their sum: a remainder is compared.
function checksum(sum: number): number {
  return Number.isFinite(sum) ? Number(sum.toPrecision(8)) : 0
}

function randomOffsets(size: number, count: number): Float64Array {
  let state = 42
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * (size / SIZE - 1)) * SIZE
  })
}

export async function random({ size, rounds, file: kept }: Settings): Promise<void> {
  const file = textFile(size, kept)
  const held = await hold(file)
  console.log(`${size / 2 ** 20} MiB, ${held.note}\n`)
  try {
    await race('Random reads of 64 bytes, warm', warmWays(file, size), { rounds, amount: WARM_READS, unit: 'reads' })
  } finally {
    await held.end()
  }
  await coldRandom(file, size, rounds)
}

function warmWays(file: string, size: number): Way[] {
  const peer = 'fs.readSync'
  const values = [file, size, WARM_READS]
  return [
    apart({ name: peer }, import.meta.url, 'readSync', values),
    apart({ name: 'a Float64Array', goals: { [peer]: 10 } }, import.meta.url, 'view', values),
    apart({ name: 'gather(), 4096 at once', goals: { [peer]: 25 } }, import.meta.url, 'gather', values),
  ]
}

async function coldRandom(file: string, size: number, rounds: number): Promise<void> {
  const title = 'Random reads of 64 bytes, cold'
  if (!cool(file)) return console.log(`${title}: dd cannot drop a file from the cache here\n`)
  const values = [file, size, COLD_READS]
  const few = [file, size, COLD_READS * NAIVE_SHARE]
  const [pread, naive] = ['fs.readSync', 'a mapping, no advice']
  // No process may map the file when the cache drops it, so each candidate has a process.
  const fresh = { fresh: true }
  const ways = [
    apart({ name: pread }, import.meta.url, 'pread', values, fresh),
    apart({ name: naive, share: NAIVE_SHARE }, import.meta.url, 'touch', [...few, null], fresh),
    apart({ name: "a mapping, advice 'random'" }, import.meta.url, 'touch', [...values, 'random'], fresh),
    apart(
      { name: 'prefetch(offsets) before', goals: { [pread]: 5, [naive]: 100 } },
      import.meta.url,
      'prefetch',
      values,
      fresh,
    ),
  ]
  await race(title, ways, { rounds, amount: COLD_READS, unit: 'reads', before: () => cool(file) })
}
