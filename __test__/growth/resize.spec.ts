import { readFileSync, statSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { capabilities, type Mapping, mappings, mmap, mmapAnonymous, mmapSync } from '../../index.js'
import { counting, tempDir, tempFile } from '../helpers/temp.js'

const MiB = 2 ** 20
const busy = { code: 'ERR_MEMMAP_BUSY' }

/** Maps a new file until the end of the test. */
function open(t: ExecutionContext, contents: string | number, options: Parameters<typeof mmapSync>[1] = {}): Mapping {
  const mapping = mmapSync(tempFile(t, contents), { mode: 'r+', ...options })
  t.teardown(() => mapping.close())
  return mapping
}

for (const [title, reserve] of [
  ['in the reserved room', 64 * MiB],
  ['without reserved room', undefined],
] as const) {
  test(`growing ${title} keeps views and bytes, and adds zeros with blocks`, async (t) => {
    const mapping = open(t, 5000, { reserve })
    const file = mapping.path!
    const views = [mapping.buffer(), mapping.buffer(100, 10), mapping.array(Uint32Array, 400, 7)]
    const before = views.map((view) => Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('hex'))
    for (const size of [5001, 8192, MiB, 3 * MiB + 1]) {
      await mapping.resize(size)
      const { size: found, blocks } = statSync(file)
      t.deepEqual([mapping.length, found], [size, size])
      t.true(blocks * 512 >= size)
      const after = views.map((view) => Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('hex'))
      t.deepEqual(after, before)
      t.true(mapping.read({ offset: 5000 }).every((byte) => byte === 0))
    }
    mapping.buffer()[3 * MiB] = 7
    mapping.write('x', 0)
    t.is(views[0]![0], 'x'.charCodeAt(0))
    views[0]![1] = 'y'.charCodeAt(0)
    t.is(mapping.buffer().toString('latin1', 0, 2), 'xy')
    t.is(readFileSync(file)[3 * MiB], 7)
    mapping.closeSync()
    t.deepEqual(
      views.map((view) => view.length),
      [0, 0, 0],
    )
  })
}

test('a new file grows from zero bytes', async (t) => {
  for (const reserve of [0, MiB]) {
    const mapping = await mmap(`${tempDir(t)}/new`, { mode: 'w+', reserve })
    t.is(mapping.length, 0)
    await mapping.resize(3)
    t.is(mapping.write('abc'), 3)
    t.is(readFileSync(mapping.path!, 'utf8'), 'abc')
    mapping.resizeSync(0)
    t.deepEqual([mapping.length, statSync(mapping.path!).size], [0, 0])
    mapping.resizeSync(5)
    t.deepEqual(mapping.read(), Buffer.alloc(5))
    await mapping.close()
  }
})

test('resize() takes the size of the file, of which the mapping may show only the end', async (t) => {
  const mapping = open(t, 10_000, { offset: 9000, length: 10 })
  await mapping.resize(12_000)
  t.deepEqual([mapping.offset, mapping.length], [9000, 3000])
  t.deepEqual(mapping.read({ length: 1000 }), counting(10_000).subarray(9000))
  await mapping.resize(9500)
  t.is(mapping.length, 500)
  await t.throwsAsync(mapping.resize(8999), { code: 'ERR_OUT_OF_RANGE', message: /9_000|9000/ })
  await mapping.resize(9000)
  t.is(mapping.length, 0)
})

test('views made after each growth and views across them share their bytes', (t) => {
  const mapping = open(t, 0, { reserve: 64 * MiB })
  const steps = Array.from({ length: 200 }, (_, index) => {
    mapping.resizeSync((index + 1) * 1000)
    return mapping.buffer(index * 1000, 1000).fill(index)
  })
  t.true(steps.every((view, index) => view.every((byte) => byte === index)))
  for (const [start, end] of [
    [0, 200_000],
    [999, 1001],
    [150_500, 151_500],
    [54_321, 123_456],
  ] as const) {
    const view = mapping.buffer(start, end - start)
    t.deepEqual(view, readFileSync(mapping.path!).subarray(start, end))
    view[0] = 255
    t.is(steps[Math.floor(start / 1000)]![start % 1000], 255)
    view[0] = Math.floor(start / 1000)
  }
  mapping.closeSync()
  t.true(steps.every((view) => view.length === 0))
})

test('shrinking is refused while a view reaches beyond the new end, and leaves the file unchanged', async (t) => {
  const mapping = open(t, 10_000)
  const view = mapping.buffer(0, 6000)
  await t.throwsAsync(mapping.resize(5999), { ...busy, message: /reaches to byte 6000/ })
  t.throws(() => mapping.resizeSync(10), busy)
  t.deepEqual([mapping.length, statSync(mapping.path!).size, view.length], [10_000, 10_000, 6000])
  await mapping.resize(6000)
  t.deepEqual(view, counting(10_000).subarray(0, 6000))
  t.deepEqual([mapping.length, mapping.read().length], [6000, 6000])
})

test('force detaches the views that reach beyond the new end', async (t) => {
  const mapping = open(t, 10_000)
  const view = mapping.buffer(0, 6000)
  await mapping.resize(100, { force: true })
  t.deepEqual([view.length, mapping.length, statSync(mapping.path!).size], [0, 100, 100])
  t.deepEqual(mapping.buffer(), counting(100))
  t.deepEqual(mapping.faults, [])
})

test('views on a SharedArrayBuffer prevent shrinking even with force', (t) => {
  if (!capabilities()['sharedArrayBuffer']) {
    t.pass('this runtime has no views on a SharedArrayBuffer')
    return
  }
  const mapping = open(t, 10_000, { shared: true })
  const view = mapping.buffer()
  t.throws(() => mapping.resizeSync(100, { force: true }), { code: 'ERR_MEMMAP_UNSUPPORTED' })
  t.is(view.length, mapping.length)
})

test('shrinking is refused during a pending operation or while pinned', async (t) => {
  const mapping = open(t, 10_000)
  const pin = mapping.pin()
  t.throws(() => mapping.resizeSync(10), busy)
  await mapping.resize(20_000)
  pin.release()
  const flushing = mapping.flush()
  await t.throwsAsync(mapping.resize(10), busy)
  await flushing
  await mapping.resize(10)
  t.is(mapping.length, 10)
})

test('concurrent resizes end with one of the sizes', async (t) => {
  const mapping = open(t, 10)
  await Promise.all([mapping.resize(1000), mapping.resize(2000), mapping.resize(3000)])
  t.is(mapping.length, statSync(mapping.path!).size)
  t.true([1000, 2000, 3000].includes(mapping.length))
})

test('an iterator that started before the mapping shrank throws', async (t) => {
  for (const iterate of [
    (mapping: Mapping) => mapping.windows({ size: 1000 }),
    (mapping: Mapping) => mapping.chunks({ size: 1000 }),
    (mapping: Mapping) => mapping.records(1000),
  ]) {
    const mapping = open(t, 100_000)
    const steps = iterate(mapping)[Symbol.iterator]()
    steps.next()
    mapping.resizeSync(1500, { force: true })
    t.throws(() => [...{ [Symbol.iterator]: () => steps }], { code: 'ERR_OUT_OF_RANGE' })
    t.deepEqual(mapping.faults, [])
  }
})

test('a mapping that cannot be resized throws and stays unchanged', async (t) => {
  const file = tempFile(t, 100)
  for (const mode of ['r', 'c'] as const) {
    const mapping = mmapSync(file, { mode })
    await t.throwsAsync(mapping.resize(200), { code: 'ERR_MEMMAP_READ_ONLY' })
    t.throws(() => mapping.resizeSync(50), { code: 'ERR_MEMMAP_READ_ONLY' })
    t.is(mapping.length, 100)
    mapping.closeSync()
  }
  if (process.platform === 'linux') {
    const zeros = mmapSync('/dev/zero', { mode: 'r+', length: 100 })
    t.throws(() => zeros.resizeSync(200), { code: 'ERR_MEMMAP_NOT_MAPPABLE' })
    zeros.closeSync()
    t.throws(() => mmapSync('/dev/zero', { mode: 'r+', length: 100, reserve: 1000 }), {
      code: 'ERR_MEMMAP_NOT_MAPPABLE',
    })
  }
  t.is(statSync(file).size, 100)
})

for (const [value, code] of [
  [-1, 'ERR_OUT_OF_RANGE'],
  [1.5, 'ERR_OUT_OF_RANGE'],
  [2 ** 53, 'ERR_OUT_OF_RANGE'],
  [2n ** 64n, 'ERR_OUT_OF_RANGE'],
  ['10', 'ERR_INVALID_ARG_TYPE'],
  [undefined, 'ERR_INVALID_ARG_TYPE'],
] as const) {
  test(`a size of ${typeof value} ${String(value)} is refused`, async (t) => {
    const mapping = open(t, 10)
    await t.throwsAsync(mapping.resize(value as number), { code })
    t.throws(() => mapping.resizeSync(value as number), { code })
    t.throws(() => mmapAnonymous(1, { reserve: (value ?? null) as number }), { code })
  })
}

test('invalid options are refused', async (t) => {
  const mapping = open(t, 10)
  await t.throwsAsync(mapping.resize(5, { forced: true } as object), { code: 'ERR_INVALID_ARG_VALUE' })
  await t.throwsAsync(mapping.resize(5, { force: 1 } as object), { code: 'ERR_INVALID_ARG_TYPE' })
  t.is(mapping.length, 10)
})

test('an impossible size leaves the file unchanged', async (t) => {
  const mapping = open(t, 'abc')
  const error = await t.throwsAsync<NodeJS.ErrnoException>(mapping.resize(2 ** 53 - 1))
  t.true(['EFBIG', 'ENOSPC', 'EINVAL'].includes(error!.code!), error?.message)
  t.is(error?.path, mapping.path)
  t.deepEqual([mapping.length, readFileSync(mapping.path!, 'utf8')], [3, 'abc'])
})

test('anonymous memory grows in its reserved room and keeps its bytes', (t) => {
  const memory = mmapAnonymous(1000, { reserve: MiB })
  const view = memory.buffer().fill(9)
  memory.resizeSync(MiB)
  t.is(
    memory
      .buffer()
      .subarray(1000)
      .findIndex((byte) => byte !== 0),
    -1,
  )
  t.is(view[999], 9)
  t.throws(() => memory.resizeSync(4 * MiB), { code: 'ERR_MEMMAP_ADDRESS_SPACE', message: /reserve/ })
  memory.fill(8)
  memory.resizeSync(1001, { force: true })
  memory.resizeSync(5000)
  t.deepEqual(memory.read(), Buffer.concat([Buffer.alloc(1001, 8), Buffer.alloc(3999)]))
  memory.closeSync()
})

test('anonymous memory without views grows without reserved room', async (t) => {
  const memory = mmapAnonymous(5000)
  memory.fill('memory')
  const before = memory.read()
  await memory.resize(8 * MiB)
  t.deepEqual(memory.read({ length: 5000 }), before)
  t.true(memory.read({ offset: 5000 }).every((byte) => byte === 0))
  await memory.close()
})

test('protected pages stay protected when the mapping moves', (t) => {
  const mapping = open(t, 10 * 4096)
  mapping.protect('r', { offset: 0, length: 4096 * 4 })
  mapping.resizeSync(16 * MiB)
  t.throws(() => mapping.write('x', 4096), { code: 'ERR_MEMMAP_READ_ONLY' })
  mapping.buffer()[0] = 1
  t.throws(() => mapping.assertHealthy(), { code: 'ERR_MEMMAP_FAULT' })
})

test('a reserve beyond the address space is refused', (t) => {
  const file = tempFile(t, 10)
  for (const reserve of [
    () => mmapSync(file, { mode: 'r+', reserve: 2 ** 50 }),
    () => mmapAnonymous(1, { reserve: 2 ** 50 }),
  ]) {
    t.throws(reserve, { code: 'ERR_MEMMAP_ADDRESS_SPACE' })
  }
})

test('mappings() lists the new length and the number of views', async (t) => {
  const mapping = open(t, 100)
  mapping.buffer()
  await mapping.resize(8 * MiB)
  mapping.buffer()
  const line = mappings().find(({ path }) => path === mapping.path)
  t.deepEqual([line?.length, line?.views], [8 * MiB, 2])
})

for (const [title, reserve] of [
  ['without reserved room', undefined],
  ['with reserved room that ends within a page', 10_000],
] as const) {
  test(`bytes added within the last page, ${title}, can be flushed, advised and evicted`, async (t) => {
    const mapping = open(t, 24, { reserve })
    for (const size of [29, 4096, 5000, 12_000, 12_001]) {
      await mapping.resize(size)
      mapping.write('new', size - 3)
      for (const level of ['schedule', 'barrier', 'data', 'all'] as const)
        t.is((await mapping.flush({ level })).level, level)
      mapping.flushSync({ offset: size - 1, length: 1 })
      mapping.advise('willneed')
      await mapping.evict()
      t.is(mapping.read().toString('latin1', size - 3), 'new')
    }
    const memory = mmapAnonymous(100)
    memory.resizeSync(200)
    memory.advise('willneed', { offset: 150, length: 50 })
    memory.closeSync()
  })
}

test('bytes that grow into a protected page are read-only', async (t) => {
  const mapping = open(t, 24)
  mapping.protect('r')
  await mapping.resize(30)
  t.throws(() => mapping.write('x', 28), { code: 'ERR_MEMMAP_READ_ONLY' })
  mapping.protect('r+')
  t.is(mapping.write('x', 28), 1)
  t.deepEqual(mapping.faults, [])
})

test('protection applies to views made before and after a mapping moved', async (t) => {
  const mapping = open(t, 8192)
  const view = mapping.buffer()
  await mapping.resize(MiB)
  mapping.protect('r')
  mapping.protect('r+')
  view[0] = 65
  mapping.buffer(0, 10)[1] = 66
  t.deepEqual(mapping.faults, [])
  t.is(readFileSync(mapping.path!).toString('latin1', 0, 2), 'AB')
  mapping.protect('r')
  mapping.buffer(0, 10)[0] = 90
  t.is(mapping.faults[0]?.reason, 'readonly')
  t.is(readFileSync(mapping.path!).toString('latin1', 0, 2), 'AB')
})
