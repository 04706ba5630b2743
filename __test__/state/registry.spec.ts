import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { threadId } from 'node:worker_threads'
import test from 'ava'
import { mapBuffer, type MappingInfo, mappings, mmap, mmapAnonymous, mmapSync, unmap } from '../../index.js'
import { runCode } from '../helpers/child.js'
import { tempFile } from '../helpers/temp.js'

const find = (label: string): MappingInfo | undefined => mappings().find((one) => one.label === label)

test('mappings() lists every live mapping with all its properties', async (t) => {
  const file = tempFile(t, 100)
  const mapping = await mmap(file, { mode: 'c', offset: 3, length: 50, label: 'listed' })
  const info = find('listed')
  t.is(typeof info?.id, 'number')
  t.deepEqual(
    { ...info, id: 0 },
    {
      id: 0,
      path: file,
      label: 'listed',
      mode: 'c',
      offset: 3,
      length: 50,
      views: 0,
      pins: 0,
      thread: threadId,
      state: 'open',
      gcOwned: false,
      faults: 0,
    },
  )
  mapping.buffer()
  mapping.buffer(1)
  const pin = mapping.pin()
  t.is(find('listed')?.views, 1)
  t.is(find('listed')?.pins, 1)
  pin.release()
  pin.release()
  t.is(find('listed')?.pins, 0)
  mapping.closeSync()
  t.not(find('listed')?.state, 'open')
})

test('ids are never reused', (t) => {
  const idOf = () => {
    const memory = mmapAnonymous(16, { label: 'counted' })
    const id = find('counted')?.id
    memory.closeSync()
    return id
  }
  t.not(idOf(), idOf())
})

test('mappings made by mapBuffer() are listed with gcOwned', (t) => {
  const bytes = mapBuffer(tempFile(t, 'abc'), { label: 'dropped in' })
  t.true(find('dropped in')?.gcOwned)
  unmap(bytes)
})

test('a view keeps its mapping from being collected', async (t) => {
  const { stdout, stderr } = await runCode(
    `
      import { mappings, mmapSync } from 'memmap'
      globalThis.view = mmapSync(process.argv.at(-1)).buffer(1)
      for (let i = 0; i < 5; i++) {
        globalThis.gc()
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      console.log(view.toString(), mappings().length)
    `,
    { args: [tempFile(t, 'abc')], node: ['--expose-gc'] },
  )
  t.is(stdout, 'bc 1\n')
  t.is(stderr, '')
})

test.serial('opening and closing are published on diagnostics channels', async (t) => {
  const told: [name: unknown, message: unknown][] = []
  const listener = (message: unknown, name: string | symbol) => told.push([name, message])
  for (const name of ['memmap:open', 'memmap:close']) subscribe(name, listener)
  const file = tempFile(t, 100_000)
  const mapping = mmapSync(file, { label: 'told' })
  const id = find('told')?.id
  await mapping.close()
  await mapping.close()
  const bytes = mapBuffer(file)
  unmap(bytes)
  for (const name of ['memmap:open', 'memmap:close']) unsubscribe(name, listener)
  mmapSync(file).closeSync()

  const message = { id, path: file, label: 'told', mapping }
  t.deepEqual(told.slice(0, 2), [
    ['memmap:open', message],
    ['memmap:close', message],
  ])
  t.deepEqual(
    told.slice(2).map((one) => one[0]),
    ['memmap:open', 'memmap:close'],
  )
})
