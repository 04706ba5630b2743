import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { capabilities, type Mapping, mmapSync } from '../../index.js'
import { counting, tempFile } from '../helpers/temp.js'

const MiB = 2 ** 20
/** Maps a new file until the end of the test. */
function open(t: ExecutionContext, contents: string | number, options: Parameters<typeof mmapSync>[1] = {}): Mapping {
  const mapping = mmapSync(tempFile(t, contents), { mode: 'r+', ...options })
  t.teardown(() => mapping.close())
  return mapping
}

const cuts = capabilities()['resize:shared'] ? test : test.skip
cuts('protection is kept on pages that were lost and mapped again after the end', async (t) => {
  const mapping = open(t, 8192)
  mapping.protect('r')
  truncateSync(mapping.path!, 100)
  t.throws(() => mapping.read({ offset: 5000, length: 1 }), { code: 'ERR_MEMMAP_FAULT' })
  await mapping.refresh()
  truncateSync(mapping.path!, 8192)
  await mapping.refresh()
  t.throws(() => mapping.write('x', 5000), { code: 'ERR_MEMMAP_READ_ONLY' })
  mapping.buffer()[5000] = 90
  t.is(readFileSync(mapping.path!)[5000], 0)
  t.is(mapping.faults[0]?.reason, 'readonly')
})

for (const sync of [false, true]) {
  const refresh = async (mapping: Mapping) => (sync ? mapping.refreshSync() : mapping.refresh())
  const name = sync ? 'refreshSync()' : 'refresh()'

  test(`${name} follows a file that another process resizes`, async (t) => {
    const file = tempFile(t, 100)
    for (const mode of ['r', 'r+'] as const) {
      writeFileSync(file, counting(100))
      const mapping = mmapSync(file, { mode })
      t.is(await refresh(mapping), false)
      appendFileSync(file, counting(MiB))
      t.is(await refresh(mapping), true)
      t.true(mapping.buffer().equals(Buffer.concat([counting(100), counting(MiB)])))
      truncateSync(file, 50)
      t.is(await refresh(mapping), true)
      t.deepEqual([mapping.length, mapping.read()], [50, counting(50)])
      truncateSync(file, 0)
      t.is(await refresh(mapping), true)
      t.deepEqual([mapping.length, mapping.buffer().length], [0, 0])
      appendFileSync(file, 'again')
      await refresh(mapping)
      t.is(mapping.buffer().toString(), 'again')
      mapping.closeSync()
    }
  })

  test(`in mode c ${name} adds appended bytes to a page with private stores`, async (t) => {
    for (const size of [24, 5000]) {
      const file = tempFile(t, 'a'.repeat(size))
      const mapping = mmapSync(file, { mode: 'c', reserve: MiB })
      mapping.write('X', size - 1)
      for (const added of ['bcd', 'e', 'f'.repeat(9000)]) {
        const before = mapping.read()
        appendFileSync(file, added)
        t.is(await refresh(mapping), true)
        t.true(mapping.read().equals(Buffer.concat([before, Buffer.from(added)])))
      }
      t.is(readFileSync(file, 'latin1').indexOf('X'), -1)
      mapping.closeSync()
    }
  })

  test(`${name} never exceeds the requested length`, async (t) => {
    const file = tempFile(t, 1000)
    const mapping = mmapSync(file, { offset: 100, length: 300 })
    appendFileSync(file, 'more')
    t.is(await refresh(mapping), false)
    truncateSync(file, 150)
    t.is(await refresh(mapping), true)
    t.is(mapping.length, 50)
    truncateSync(file, 10)
    await refresh(mapping)
    t.is(mapping.length, 0)
    truncateSync(file, 5000)
    await refresh(mapping)
    t.is(mapping.length, 300)
    mapping.closeSync()
  })
}

test('private stores keep their offsets after refresh()', async (t) => {
  const file = tempFile(t, 100)
  const mapping = mmapSync(file, { mode: 'c', reserve: 2 * MiB })
  const view = mapping.buffer()
  view[0] = 77
  appendFileSync(file, Buffer.alloc(MiB, 1))
  await mapping.refresh()
  t.deepEqual([view[0], mapping.read({ length: 1 })[0], mapping.read({ offset: MiB })[0]], [77, 77, 1])
  appendFileSync(file, Buffer.alloc(4 * MiB, 1))
  await t.throwsAsync(mapping.refresh(), { code: 'ERR_MEMMAP_ADDRESS_SPACE', message: /reserve/ })
  t.is(mapping.length, MiB + 100)
  mapping.closeSync()
})
