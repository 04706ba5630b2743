/** Changes one page of a large file and makes it durable; and many pages at once. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type Mapping, mmapSync } from '../index.js'
import { dataFile } from './files.js'
import { compare, print } from './run.js'
import type { Settings } from './settings.js'

const PAGE = 4096
const TIMES = 50
const AT_ONCE = 64

export async function flush({ size, rounds }: Settings): Promise<void> {
  const mebibytes = Math.min(size, 2 ** 30) / 2 ** 20
  const file = dataFile('flush', mebibytes)
  const page = Buffer.alloc(PAGE)
  const fd = openSync(file, 'r+')
  const handle = await open(file, 'r+')
  const mapping = mmapSync(file, { mode: 'r+', populate: true })
  const places = randomPages(mapping.length / PAGE)
  const next = (): number => {
    page.fill(page[0]! + 1)
    return places()
  }

  print(
    `One page of ${mebibytes} MiB, durable`,
    await compare(
      [
        {
          name: 'fs.writeSync, fs.fdatasyncSync',
          times: TIMES,
          run: () =>
            repeat(() => {
              writeSync(fd, page, 0, PAGE, next())
              fdatasyncSync(fd)
            }),
        },
        {
          name: 'FileHandle write(), datasync()',
          times: TIMES,
          run: () => inTurn(() => byHandle(handle, page, next())),
        },
        {
          name: 'mapping.write(), flushSync()',
          times: TIMES,
          run: () =>
            repeat(() => {
              const offset = next()
              mapping.write(page, offset)
              mapping.flushSync({ offset, length: PAGE })
            }),
        },
        { name: 'mapping.write(), flush()', times: TIMES, run: () => inTurn(() => byMapping(mapping, page, next())) },
        {
          name: "mapping.write(), flush({ level: 'all' })",
          times: TIMES,
          run: () => inTurn(() => byMapping(mapping, page, next(), 'all')),
        },
      ],
      rounds,
    ),
  )

  const neighbours = (one: (offset: number) => Promise<unknown>) => async () => {
    const first = Math.min(next(), mapping.length - AT_ONCE * PAGE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => one(first + index * PAGE)))
  }
  print(
    `${AT_ONCE} pages beside each other at once, each durable`,
    await compare(
      [
        { name: 'FileHandle write(), datasync()', run: neighbours((offset) => byHandle(handle, page, offset)) },
        { name: 'mapping.write(), flush()', run: neighbours((offset) => byMapping(mapping, page, offset)) },
      ],
      rounds,
    ),
  )
  mapping.closeSync()
  await handle.close()
  closeSync(fd)
}

async function byHandle(handle: FileHandle, page: Buffer, offset: number): Promise<void> {
  await handle.write(page, 0, PAGE, offset)
  await handle.datasync()
}

async function byMapping(
  mapping: Mapping,
  page: Buffer,
  offset: number,
  level: 'data' | 'all' = 'data',
): Promise<void> {
  mapping.write(page, offset)
  await mapping.flush({ offset, length: PAGE, level })
}

function repeat(action: () => void): void {
  for (let round = 0; round < TIMES; round++) action()
}

async function inTurn(action: () => Promise<void>): Promise<void> {
  for (let round = 0; round < TIMES; round++) await action()
}

/** Returns pseudo-random offsets of pages. */
function randomPages(pages: number): () => number {
  let state = 1
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * pages) * PAGE
  }
}
