/**
 * The cost of a view for the garbage collector: the number of collections and the total time, in a process with 400 MB of live
 * objects. Each case has a process of its own.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { GcFigures } from './gc-child.js'
import { duration, median, printTable } from './run.js'

const CASES = {
  'map, close': 'map',
  'map, a view, close': 'view',
  'map, a view, close; shared': 'shared-view',
  '@riaskov/mmap-io: map, left to the collector': 'peer-view',
  'windows of one mapping of 1 GiB': 'windows',
  'windows of one mapping of 12.5 GiB': 'far-windows',
  'windows of one mapping of 12.5 GiB; shared': 'shared-windows',
  'readInto() all over a mapping of 12.5 GiB': 'reads',
  'a mapping for each 64 MiB, with a view': 'mappings',
  '@riaskov/mmap-io: a mapping for each 64 MiB': 'peer-windows',
} as const

export function gc(): void {
  const rows = Object.entries(CASES).map(([name, which]) => {
    const figures = measure(which)
    if ('missing' in figures) return [name, figures.missing, '', '', '']
    const { major, milliseconds, times } = figures
    const total = median(milliseconds) * 1e6
    return [name, String(times), String(median(major)), duration(total), duration(total / times)]
  })
  printTable(['400 MB of live heap, 1 GiB mapped, windows of 64 MiB', 'times', 'major GCs', 'time', 'each'], rows)
}

function measure(which: string): GcFigures {
  const program = fileURLToPath(new URL('./gc-child.ts', import.meta.url))
  const output = execFileSync(process.execPath, ['--expose-gc', '--import=tsx', program, which], {
    encoding: 'utf8',
    maxBuffer: 2 ** 24,
  })
  return JSON.parse(output.trim().split('\n').at(-1)!) as GcFigures
}
