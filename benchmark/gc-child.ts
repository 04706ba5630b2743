/** Runs one case of `gc.ts` in a process of its own, and prints the figures as one line of JSON. */
import { closeSync, openSync } from 'node:fs'
import { type NodeGCPerformanceDetail, PerformanceObserver } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { capabilities, type MappingOptions, mmapSync } from '../index.js'
import { sparseFile } from './files.js'
import { loadMmapIo } from './peers.js'
import { keep } from './run.js'

/** The time of each round, or the reason why there were none. */
export type GcFigures =
  { readonly times: number; readonly major: number[]; readonly milliseconds: number[] } | { readonly missing: string }

const GIB = 2 ** 30
const WINDOW = 64 * 2 ** 20
const WINDOWS = 200
const ROUNDS = 5
const TIMES = 20
const MAPPINGS = 50
const MAJOR = 4

const which = process.argv[2] ?? ''
const file = sparseFile('gc', WINDOWS * WINDOW)
const shared = which.startsWith('shared')
const peer = which.startsWith('peer') ? loadMmapIo() : ''

const cases: Record<string, { times: number; run(): unknown }> = {
  map: { times: TIMES, run: () => repeat(() => mmapSync(file, { length: GIB }).closeSync()) },
  view: { times: TIMES, run: () => repeat(() => mapViewClose({ length: GIB })) },
  'shared-view': { times: TIMES, run: () => repeat(() => mapViewClose({ length: GIB, shared })) },
  'peer-view': { times: TIMES, run: () => repeat(() => keep(mapByPeer(GIB, 0))) },
  windows: { times: WINDOWS, run: () => walk({ length: GIB }, Math.ceil((GIB - WINDOW) / (WINDOWS - 1))) },
  'far-windows': { times: WINDOWS, run: () => walk({}, WINDOW) },
  'shared-windows': { times: WINDOWS, run: () => walk({ shared }, WINDOW) },
  reads: { times: WINDOWS, run: readAll },
  mappings: { times: MAPPINGS, run: mapEach },
  'peer-windows': {
    times: MAPPINGS,
    run: () => Array.from({ length: MAPPINGS }, (_, index) => mapByPeer(WINDOW, index)),
  },
}

console.log(JSON.stringify(await figures()))

async function figures(): Promise<GcFigures> {
  if (shared && capabilities()['sharedArrayBuffer'] !== true) return { missing: 'this runtime cannot share' }
  if (which.startsWith('peer') && typeof peer === 'string') return { missing: peer }
  const { times, run } = cases[which]!

  const live = fillHeap()
  let major = 0
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if ((entry as unknown as { detail: NodeGCPerformanceDetail }).detail.kind === MAJOR) major++
    }
  }).observe({ entryTypes: ['gc'] })

  const taken = { times, major: [] as number[], milliseconds: [] as number[] }
  for (let round = 0; round < ROUNDS; round++) {
    globalThis.gc?.()
    await setTimeout(100)
    major = 0
    const start = performance.now()
    let made: unknown = run()
    taken.milliseconds.push(performance.now() - start)
    await setTimeout(100) // what the observer has to tell comes later
    taken.major.push(major)
    keep(made)
    made = undefined
  }
  keep(live.length)
  return taken
}

// Objects instead of a large array of numbers, because the garbage collector has to visit each object.
function fillHeap(): unknown[] {
  const live: unknown[] = []
  while (process.memoryUsage().heapUsed < 400e6) {
    for (let index = 0; index < 100_000; index++) live.push({ index, text: `number ${index}`, next: live.at(-1) })
  }
  return live
}

function repeat(action: () => void): void {
  for (let round = 0; round < TIMES; round++) action()
}

function mapViewClose(options: MappingOptions): void {
  const mapping = mmapSync(file, options)
  keep(mapping.buffer()[0])
  mapping.closeSync()
}

function mapByPeer(size: number, index: number): Buffer {
  if (typeof peer === 'string') throw new Error(peer)
  const fd = openSync(file, 'r')
  const view = peer.map(size, peer.PROT_READ, peer.MAP_SHARED, fd, (index % 16) * WINDOW)
  closeSync(fd)
  return view
}

function walk(options: MappingOptions, stride: number): void {
  const mapping = mmapSync(file, options)
  let count = 0
  for (const { view } of mapping.windows({ size: WINDOW, overlap: WINDOW - stride })) {
    keep(view[0])
    count++
  }
  mapping.closeSync()
  if (count !== WINDOWS) throw new Error(`${count} windows`)
}

function readAll(): void {
  const mapping = mmapSync(file)
  const target = Buffer.alloc(2 ** 20)
  for (let index = 0; index < WINDOWS; index++) keep(mapping.readInto(target, index * WINDOW))
  mapping.closeSync()
}

function mapEach(): void {
  for (let index = 0; index < MAPPINGS; index++) mapViewClose({ offset: index * WINDOW, length: WINDOW })
}
