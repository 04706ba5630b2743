/** One pass over a file that is not in memory: with less memory than the size of the file, and next to other work. */
import { closeSync, openSync, readSync } from 'node:fs'
import { mmapSync } from '../index.js'
import { absent, apart, type Works } from './apart.js'
import { cool } from './files.js'
import { limitMemory } from './limit.js'
import { race, type Way } from './race.js'
import type { Settings } from './settings.js'
import { textFile } from './text.js'

const PAGE = 4096
const MIB = 2 ** 20

// The minimum work of a scan: it reads a byte of each page.
function touch(bytes: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += PAGE) sum += bytes[at]!
  return sum
}

const resident = (): number => process.resourceUsage().maxRSS * 1024

export const works: Works = {
  readSync: (file: string) => () => {
    const block = Buffer.alloc(MIB)
    const fd = openSync(file, 'r')
    let sum = 0
    for (let count = readSync(fd, block); count > 0; count = readSync(fd, block)) sum += touch(block.subarray(0, count))
    closeSync(fd)
    return { result: sum, resident: resident() }
  },
  windows: (file: string, dropBehind: boolean) => () => {
    const mapping = mmapSync(file)
    let sum = 0
    for (const { view } of mapping.windows({ dropBehind })) sum += touch(view)
    mapping.closeSync()
    return { result: sum, resident: resident() }
  },
  chunksAwaited: (file: string, dropBehind: boolean) => async () => {
    const mapping = mmapSync(file)
    let sum = 0
    for await (const chunk of mapping.chunks({ dropBehind })) sum += touch(chunk)
    await mapping.close()
    return { result: sum, resident: resident() }
  },
  stallOfLoop: (file: string) => async () => {
    const stall = watchStalls()
    const mapping = mmapSync(file)
    let sum = 0
    for (const { view } of mapping.windows()) sum += touch(view)
    mapping.closeSync()
    return { result: sum, stall: await stall() }
  },
  stallOfChunks: (file: string, dropBehind: boolean) => async () => {
    const stall = watchStalls()
    const mapping = mmapSync(file)
    let sum = 0
    for await (const chunk of mapping.chunks({ dropBehind })) sum += touch(chunk)
    await mapping.close()
    return { result: sum, stall: await stall() }
  },
}

// Measures the longest delay of a timer of one millisecond, in nanoseconds.
function watchStalls(): () => Promise<number> {
  let last = performance.now()
  let worst = 0
  const look = (): void => {
    const now = performance.now()
    worst = Math.max(worst, now - last)
    last = now
  }
  const timer = setInterval(look, 1)
  return async () => {
    await new Promise((resolve) => setTimeout(resolve, 1))
    look()
    clearInterval(timer)
    return worst * 1e6
  }
}

export async function cold({ size, rounds, file: kept }: Settings): Promise<void> {
  const file = textFile(size, kept)
  if (!cool(file)) return console.log('One pass, cold: dd cannot drop a file from the cache here\n')
  const options = { rounds, amount: size, unit: 'bytes', before: () => cool(file) } as const
  await scanInLittleMemory(file, size, options)
  await race('One pass beside other work, cold', stalls(file), options)
}

async function scanInLittleMemory(file: string, size: number, options: Parameters<typeof race>[2]): Promise<void> {
  const memory = Math.max(256 * MIB, size / 4)
  const limited = limitMemory(memory)
  const [read, mapped] = ['fs.readSync, 1 MiB', 'a mapping, window by window']
  const goals = { [mapped]: 2, [read]: 1.2 }
  const way = (name: string, work: string, values: readonly unknown[], aims: Record<string, number> = {}): Way => {
    if (typeof limited === 'string') return absent({ name, goals: aims }, limited)
    const { wrap } = limited
    return apart({ name, goals: aims }, import.meta.url, work, [file, ...values], { fresh: true, wrap })
  }
  const ways = [
    way(mapped, 'windows', [false]),
    way(read, 'readSync', []),
    way('windows({ dropBehind })', 'windows', [true], goals),
    way('chunks({ dropBehind }), for await', 'chunksAwaited', [true], goals),
  ]
  try {
    await race(`One pass in ${memory / MIB} MiB, cold`, ways, options)
  } finally {
    if (typeof limited !== 'string') limited.end()
  }
}

function stalls(file: string): Way[] {
  const of = (name: string, work: string, values: readonly unknown[] = []): Way =>
    apart({ name }, import.meta.url, work, [file, ...values], { fresh: true })
  return [
    of('a loop over views', 'stallOfLoop'),
    of('chunks(), for await', 'stallOfChunks', [false]),
    of('chunks({ dropBehind }), for await', 'stallOfChunks', [true]),
  ]
}
