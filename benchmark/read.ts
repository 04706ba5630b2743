/** Random reads of 4 KiB, from a cached file and from a file that is not cached. */
import { closeSync, openSync, readSync } from 'node:fs'
import { type Advice, type Mapping, mmapSync } from '../index.js'
import { cool, dataFile, warm } from './files.js'
import { loadMmapIo } from './peers.js'
import { type Case, compare, keep, print } from './run.js'

const MEBIBYTES = 256
const SIZE = 4096
const WARM_READS = 20_000
const COLD_READS = 300

export async function read(): Promise<void> {
  await warmReads(dataFile('warm', MEBIBYTES))
  await coldReads(dataFile('cold', MEBIBYTES))
}

async function warmReads(file: string): Promise<void> {
  const offsets = randomOffsets(WARM_READS)
  const target = Buffer.alloc(SIZE)
  const fd = openSync(file, 'r')
  const mapping = mmapSync(file)
  const view = mapping.buffer()
  const each = (take: (offset: number) => unknown) => ({
    times: WARM_READS,
    before: () => {
      warm(file)
      for (let offset = 0; offset < view.length; offset += SIZE) keep(view[offset])
    },
    run: () => {
      for (const offset of offsets) keep(take(offset))
    },
  })
  const cases: Case[] = [
    { name: 'fs.readSync', ...each((offset) => readSync(fd, target, 0, SIZE, offset)) },
    { name: 'mapping.readInto()', ...each((offset) => mapping.readInto(target, offset)) },
    { name: 'view.copy()', ...each((offset) => view.copy(target, 0, offset, offset + SIZE)) },
    { name: 'view.subarray(), one byte looked at', ...each((offset) => view.subarray(offset, offset + SIZE)[0]) },
    { name: 'a number from a view', ...each((offset) => view.readInt32LE(offset)) },
    peerCase(file, each, target),
  ]
  print('Random 4 KiB, warm', await compare(cases))
  closeSync(fd)
  mapping.closeSync()
}

function peerCase(file: string, each: (take: (offset: number) => unknown) => Omit<Case, 'name'>, target: Buffer): Case {
  const peer = loadMmapIo()
  const name = '@riaskov/mmap-io, copy()'
  if (typeof peer === 'string') return { name, missing: peer, run: () => undefined }
  const fd = openSync(file, 'r')
  const view = peer.map(MEBIBYTES * 2 ** 20, peer.PROT_READ, peer.MAP_SHARED, fd)
  closeSync(fd)
  return { name, ...each((offset) => view.copy(target, 0, offset, offset + SIZE)) }
}

async function coldReads(file: string): Promise<void> {
  if (!cool(file)) return console.log('Random 4 KiB, cold: dd cannot drop a file from the cache here\n')
  const target = Buffer.alloc(SIZE)
  const offsets = randomOffsets(COLD_READS)
  let fd = -1
  let mapping: Mapping | undefined

  // No process may map the file when the cache drops it.
  const renew = (open: () => void) => () => {
    mapping?.closeSync()
    mapping = undefined
    if (fd !== -1) closeSync(fd)
    cool(file)
    fd = openSync(file, 'r')
    open()
  }
  const mapped = (advice: Advice): Omit<Case, 'name'> => ({
    times: COLD_READS,
    before: renew(() => (mapping = mmapSync(file, { advice }))),
    run: () => offsets.map((offset) => mapping!.readInto(target, offset)),
  })
  const cases: Case[] = [
    {
      name: 'fs.readSync',
      times: COLD_READS,
      before: renew(() => undefined),
      run: () => offsets.map((offset) => readSync(fd, target, 0, SIZE, offset)),
    },
    { name: "mapping.readInto(), advice 'random'", ...mapped('random') },
    { name: 'mapping.readInto(), no advice', ...mapped('normal') },
  ]
  print('Random 4 KiB, cold', await compare(cases, 5))
  mapping?.closeSync()
  closeSync(fd)
}

function randomOffsets(count: number): number[] {
  const pages = (MEBIBYTES * 2 ** 20) / SIZE
  return Array.from({ length: count }, () => Math.floor(Math.random() * pages) * SIZE)
}
