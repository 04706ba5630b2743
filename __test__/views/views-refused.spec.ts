// Electron's memory cage refuses ArrayBuffers over memory outside V8's own. The environment variable makes this process
// behave the same way: views throw, and everything else copies. The library reads the variable when it is loaded.
process.env['MEMMAP_NO_EXTERNAL_BUFFERS'] = '1'

import { readFileSync } from 'node:fs'
import { buffer as collect } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import test, { type ExecutionContext } from 'ava'
import type { Mapping } from '../../index.js'
import { counting, tempFile } from '../helpers/temp.js'

const { capabilities, mapArray, mapBuffer, mappings, mmap, mmapAnonymous, mmapSync } = await import('../../index.js')

const refused = { code: 'ERR_MEMMAP_UNSUPPORTED', message: /MEMMAP_NO_EXTERNAL_BUFFERS disables views.*which copy/ }
const size = 100_000
const text = 'one\ntwo two\n\nthree'

test('capabilities() report that views are not available', (t) => {
  t.is(capabilities()['externalArrayBuffer'], false)
  t.is(capabilities()['sharedArrayBuffer'], false)
})

const views: Record<string, (mapping: Mapping) => unknown> = {
  buffer: (mapping) => mapping.buffer(),
  'buffer of a part': (mapping) => mapping.buffer(10, 20),
  array: (mapping) => mapping.array(Uint32Array, 0, 4),
  dataView: (mapping) => mapping.dataView(0, 8),
}
for (const [name, view] of Object.entries(views)) {
  test(`${name} is refused with the reason`, (t) => {
    const mapping = open(t, { mode: 'r+' })
    t.throws(() => view(mapping), refused)
    t.is(mapping.closed, false)
    t.deepEqual(mapping.read({ length: 3 }), Buffer.from([0, 1, 2]))
  })
}

test('an empty view is allowed, since it needs no external memory', (t) => {
  t.is(open(t).buffer(5, 0).length, 0)
})

test('mapBuffer() and mapArray() are refused and leave no mapping', (t) => {
  const file = tempFile(t, size)
  t.throws(() => mapBuffer(file), refused)
  t.throws(() => mapArray(Uint8Array, file), refused)
  t.false(mappings().some(({ path }) => path === file))
})

test('shared views are refused', (t) => {
  t.throws(() => mmapAnonymous(4096, { shared: true }).buffer(), { code: 'ERR_MEMMAP_UNSUPPORTED' })
})

test('files can be mapped', async (t) => {
  const file = tempFile(t, size)
  for (const mapping of [mmapSync(file), await mmap(file)]) {
    t.true(mapping.read().equals(counting(size)))
    await mapping.close()
    t.throws(() => mapping.read(), { code: 'ERR_MEMMAP_CLOSED' })
  }
})

test('readInto() copies into memory of the caller', (t) => {
  const target = Buffer.alloc(10)
  t.is(open(t).readInto(target, 1000), 10)
  t.deepEqual(target, counting(size).subarray(1000, 1010))
})

test('write(), fill(), copyWithin() and flush() reach the file', async (t) => {
  const file = tempFile(t, size)
  const mapping = mmapSync(file, { mode: 'r+' })
  const model = counting(size)
  t.is(mapping.write('grüße', 5), model.write('grüße', 5))
  mapping.fill('ab', { offset: 100, length: 51 })
  model.fill('ab', 100, 151)
  mapping.copyWithin(70_000, 0, 200)
  model.copyWithin(70_000, 0, 200)
  mapping.flushSync()
  t.is((await mapping.flush()).bytes, size)
  t.true(mapping.read().equals(model))
  mapping.closeSync()
  t.true(readFileSync(file).equals(model))
})

test('windows, chunks and records are copies that survive the close', async (t) => {
  const mapping = open(t)
  const windows = [...mapping.windows({ size: 30_000, overlap: 10 })]
  const chunks = [...mapping.chunks({ size: 7777 })]
  const records = [...mapping.records(1000)]
  const later: Buffer[] = []
  for await (const chunk of mapping.chunks({ size: 7777 })) later.push(chunk)
  mapping.closeSync()
  const whole = counting(size)
  for (const { offset, view } of windows) t.deepEqual(view, whole.subarray(offset, offset + view.length))
  t.is(windows.length, 4)
  for (const parts of [chunks, records, later]) t.true(Buffer.concat(parts).equals(whole))
})

test('lines(), split() and lineIndex() work', async (t) => {
  const mapping = mmapSync(tempFile(t, text))
  t.teardown(() => mapping.closeSync())
  t.deepEqual([...mapping.lines()], text.split('\n'))
  const words = mapping.split(' ')
  t.deepEqual([...words], text.split(' '))
  const later: string[] = []
  for await (const line of mapping.lines()) later.push(line)
  t.deepEqual(later, text.split('\n'))
  const index = await mapping.lineIndex()
  t.deepEqual(index.line(1), { offset: 4, length: 8 })
})

test('synchronous and asynchronous searches work', async (t) => {
  const mapping = mmapSync(tempFile(t, text))
  t.teardown(() => mapping.closeSync())
  t.is(mapping.indexOfSync('two'), 4)
  t.is(await mapping.lastIndexOf('two'), 8)
  t.is(await mapping.includes('four'), false)
  t.is(await mapping.count(/t\w+/), 3)
  t.deepEqual(
    [...mapping.matchesSync('two')].map(({ offset }) => offset),
    [4, 8],
  )
})

test('gather() copies ranges', (t) => {
  const into = Buffer.alloc(6)
  open(t).gather([300, 2, 70_001], 2, into)
  const whole = counting(size)
  t.deepEqual(into, Buffer.concat([300, 2, 70_001].map((at) => whole.subarray(at, at + 2))))
})

test('streams work', async (t) => {
  const file = tempFile(t, size)
  const mapping = mmapSync(file, { mode: 'r+' })
  t.true((await collect(mapping.createReadStream({ highWaterMark: 999 }))).equals(counting(size)))
  t.true((await collect(mapping.readableStream())).equals(counting(size)))
  const writer = mapping.createWriteStream({ start: 10 })
  writer.end('written')
  await finished(writer)
  t.is(mapping.read({ offset: 10, length: 7 }).toString(), 'written')
  await mapping.close()
})

test('advice, prefetching, protection, resizing and health checks work', async (t) => {
  const mapping = open(t, { mode: 'r+' })
  mapping.advise('sequential')
  await mapping.prefetch({ offset: 0, length: size })
  mapping.protect('r')
  t.throws(() => mapping.write('x'), { code: 'ERR_MEMMAP_READ_ONLY' })
  mapping.protect('r+')
  await mapping.resize(2 * size)
  t.deepEqual(mapping.read({ offset: size, length: 2 }), Buffer.alloc(2))
  mapping.assertHealthy()
  t.deepEqual(mapping.faults, [])
})

test('a pin keeps close() waiting', async (t) => {
  const memory = mmapAnonymous(4096)
  const pin = memory.pin()
  t.throws(() => memory.closeSync(), { code: 'ERR_MEMMAP_BUSY' })
  const closing = memory.close()
  pin.release()
  await closing
  t.is(memory.closed, true)
})

function open(t: ExecutionContext, options: { readonly mode?: 'r+' } = {}): Mapping {
  const mapping = mmapSync(tempFile(t, size), options)
  t.teardown(() => mapping.closeSync())
  return mapping
}
