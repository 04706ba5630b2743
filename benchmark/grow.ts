/** Grows a file in small steps: with a mapping, with `fs.appendFile`, and with a stream. */
import { once } from 'node:events'
import { createWriteStream, rmSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { type Mapping, mmapSync } from '../index.js'
import { folderFile } from './files.js'
import { compare, print } from './run.js'
import type { Settings } from './settings.js'

const STEP = 2 ** 16

export async function grow({ size: most, rounds }: Settings): Promise<void> {
  const file = folderFile('grow')
  const total = Math.min(most, 2 ** 30)
  const record = Buffer.alloc(STEP, 'record ')
  const before = (): void => rmSync(file, { force: true })
  const mapped = (reserve: number, resize: (mapping: Mapping, size: number) => unknown) => async () => {
    const mapping = mmapSync(file, { mode: 'w+', reserve })
    for (let size = STEP; size <= total; size += STEP) {
      await resize(mapping, size)
      mapping.write(record, size - STEP)
    }
    mapping.closeSync()
  }
  const cases = [
    {
      name: 'fs.promises.appendFile',
      before,
      run: async () => {
        for (let size = 0; size < total; size += STEP) await appendFile(file, record)
      },
    },
    {
      name: 'fs.createWriteStream',
      before,
      run: async () => {
        const stream = createWriteStream(file)
        for (let size = 0; size < total; size += STEP) if (!stream.write(record)) await once(stream, 'drain')
        stream.end()
        await once(stream, 'close')
      },
    },
    { name: 'resize(), with reserve', before, run: mapped(total, (mapping, size) => mapping.resize(size)) },
    { name: 'resizeSync(), with reserve', before, run: mapped(total, (mapping, size) => mapping.resizeSync(size)) },
    { name: 'resizeSync(), without', before, run: mapped(0, (mapping, size) => mapping.resizeSync(size)) },
  ]
  print(`${total / 2 ** 20} MiB appended in steps of 64 KiB`, await compare(cases, rounds))
  before()
}
