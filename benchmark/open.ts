/** Maps a file of 1 GiB and closes the mapping. */
import { closeSync, openSync } from 'node:fs'
import { mapBuffer, mmapSync, unmap } from '../index.js'
import { sparseFile } from './files.js'
import { loadMmapIo } from './peers.js'
import { type Case, compare, print } from './run.js'

const GIB = 2 ** 30
const TIMES = 200

export async function open(): Promise<void> {
  const file = sparseFile('open', GIB)
  const cases: Case[] = [
    {
      name: 'fs.openSync, closeSync',
      times: TIMES,
      run: () => repeat(() => closeSync(openSync(file, 'r'))),
    },
    {
      name: 'mmapSync, closeSync',
      times: TIMES,
      run: () => repeat(() => mmapSync(file).closeSync()),
    },
    {
      name: 'mmapSync, a view, closeSync',
      times: TIMES,
      run: () =>
        repeat(() => {
          const mapping = mmapSync(file)
          mapping.buffer()
          mapping.closeSync()
        }),
    },
    { name: 'mapBuffer, unmap', times: TIMES, run: () => repeat(() => unmap(mapBuffer(file))) },
    peerCase(file),
  ]
  for (const one of cases) Object.assign(one, { before: collect })
  print('Mapping and closing 1 GiB', await compare(cases))
}

// It cannot unmap. The garbage collector unmaps at some time, which is measured when it happens.
function peerCase(file: string): Case {
  const peer = loadMmapIo()
  const name = '@riaskov/mmap-io map, left to the collector'
  if (typeof peer === 'string') return { name, missing: peer, run: () => undefined }
  const map = () => {
    const fd = openSync(file, 'r')
    peer.map(GIB, peer.PROT_READ, peer.MAP_SHARED, fd)
    closeSync(fd)
  }
  return { name, times: TIMES, run: () => repeat(map) }
}

function repeat(action: () => void): void {
  for (let round = 0; round < TIMES; round++) action()
}

async function collect(): Promise<void> {
  globalThis.gc?.()
  await new Promise((resolve) => setImmediate(resolve))
}
