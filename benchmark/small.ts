/** Reads ten thousand files of 4 KiB. */
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { mapBuffer, mmapSync } from '../index.js'
import { apart, type Works } from './apart.js'
import { folderFile, makeFolder } from './files.js'
import { race, type Way } from './race.js'
import type { Settings } from './settings.js'

const FILES = 10_000
const SIZE = 4096

function over(read: (file: string) => number) {
  return (folder: string) => {
    const files = namesIn(folder)
    return () => {
      let sum = 0
      for (const file of files) sum += read(file)
      return sum
    }
  }
}

export const works: Works = {
  readFileSync: over((file) => readFileSync(file)[SIZE - 1]!),
  mapBuffer: over((file) => mapBuffer(file)[SIZE - 1]!),
  mapped: over((file) => {
    const mapping = mmapSync(file)
    const last = mapping.buffer()[SIZE - 1]!
    mapping.closeSync()
    return last
  }),
  readSync: (folder: string) => {
    const target = Buffer.alloc(SIZE)
    return over((file) => {
      const fd = openSync(file, 'r')
      readSync(fd, target)
      closeSync(fd)
      return target[SIZE - 1]!
    })(folder)
  },
}

function namesIn(folder: string): string[] {
  return Array.from({ length: FILES }, (_, index) => path.join(folder, `${index}.txt`))
}

export async function small({ rounds }: Settings): Promise<void> {
  const folder = folderFile('small')
  makeFolder(folder)
  for (const [index, file] of namesIn(folder).entries()) writeFileSync(file, Buffer.alloc(SIZE, index))
  const peer = 'fs.readFileSync'
  const of = (name: string, work: string, goals: Record<string, number> = {}): Way =>
    apart({ name, goals }, import.meta.url, work, [folder])
  const ways = [
    of(peer, 'readFileSync'),
    of('mapBuffer()', 'mapBuffer', { [peer]: 1.5 }),
    of('mmapSync(), a view, closeSync()', 'mapped'),
    of('fs.openSync, readSync into one Buffer, closeSync', 'readSync'),
  ]
  await race('10,000 files of 4 KiB', ways, { rounds: Math.max(rounds, 7), amount: FILES, unit: 'files' })
}
