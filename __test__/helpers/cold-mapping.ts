import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { constants, type Mapping, mmapSync } from '../../index.js'
import { stateOf } from '../../lib/state/mapping-state.js'
import { tempFile } from './temp.js'

export const MIB = 2 ** 20

/** Maps a new file of `size` MiB of which no page is resident. Returns undefined if the system keeps the pages. */
export function coldMapping(t: ExecutionContext, size: number): Mapping | undefined {
  const file = tempFile(t)
  const fd = openSync(file, 'w')
  const block = Buffer.alloc(MIB, 'some text\n')
  for (let n = 0; n < size; n++) writeSync(fd, block)
  fsyncSync(fd)
  closeSync(fd)
  const mapping = mmapSync(file)
  t.teardown(() => mapping.close())
  drop(mapping)
  const { native } = stateOf(mapping)
  if (!native.isResident(0, constants.PAGE_SIZE)) return mapping
  t.log('Left out: the system kept the pages in memory, or does not report residency')
  t.pass()
  return undefined
}

/** Drops the pages of a mapping. */
export function drop(mapping: Mapping): void {
  stateOf(mapping).native.releaseSync(0, mapping.length)
}
