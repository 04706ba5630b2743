import { closeSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { type Mapping, mmapAnonymous, mmapSync } from '../../index.js'
import { counting, tempFile } from '../helpers/temp.js'

function memoryOf(t: ExecutionContext, contents: string): Mapping {
  const memory = mmapAnonymous(contents.length)
  memory.write(contents)
  t.teardown(() => memory.close())
  return memory
}

test('read() returns a copy in its own memory', (t) => {
  const mapping = mmapSync(tempFile(t, 10_000), { mode: 'c' })
  const copy = mapping.read({ offset: 4090, length: 20 })
  t.deepEqual(copy, counting(10_000).subarray(4090, 4110))
  t.is(copy.buffer.byteLength, 20)
  mapping.fill(0)
  mapping.closeSync()
  t.is(copy[0], 4090 % 256)
})

test('read() reads the whole mapping, the end, or nothing', (t) => {
  const memory = memoryOf(t, 'abcdef')
  t.is(memory.read().toString(), 'abcdef')
  t.is(memory.read({}).toString(), 'abcdef')
  t.is(memory.read({ offset: 4n }).toString(), 'ef')
  t.is(memory.read({ offset: 6 }).length, 0)
  t.is(memory.read({ length: 0 }).length, 0)
})

const fillsTarget = test.macro((t: ExecutionContext, target: NodeJS.ArrayBufferView | ArrayBufferLike) => {
  const memory = memoryOf(t, 'abcdefghijklmnop')
  t.is(memory.readInto(target, 3), 8)
  const bytes = ArrayBuffer.isView(target)
    ? Buffer.from(target.buffer, target.byteOffset, target.byteLength)
    : Buffer.from(target as ArrayBuffer)
  t.is(bytes.toString(), 'defghijk')
})

test('readInto() fills a Buffer', fillsTarget, Buffer.alloc(8))
test('readInto() fills a slice of a typed array', fillsTarget, new Uint8Array(16).subarray(4, 12))
test('readInto() fills a Float64Array', fillsTarget, new Float64Array(1))
test('readInto() fills a DataView', fillsTarget, new DataView(new ArrayBuffer(12), 2, 8))
test('readInto() fills an ArrayBuffer', fillsTarget, new ArrayBuffer(8))
test('readInto() fills a SharedArrayBuffer', fillsTarget, new SharedArrayBuffer(8))

test('readInto() copies nothing if the range ends beyond the mapping', (t) => {
  const memory = memoryOf(t, 'abcdef')
  const target = Buffer.from('....')
  t.throws(() => memory.readInto(target, 3), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => memory.readInto(target, 7), { code: 'ERR_OUT_OF_RANGE' })
  t.is(target.toString(), '....')
  t.is(memory.readInto(new Uint8Array(0), 6), 0)
})

test('readInto() copies into a view of the same mapping', (t) => {
  const memory = memoryOf(t, 'abcdef')
  memory.readInto(memory.buffer(2, 4), 0)
  t.is(memory.read().toString(), 'ababcd')
})

const writesData = test.macro((t: ExecutionContext, data: Parameters<Mapping['write']>[0], expected: string) => {
  const memory = memoryOf(t, '................')
  t.is(memory.write(data, 2n), Buffer.byteLength(expected))
  t.is(memory.read({ offset: 2, length: Buffer.byteLength(expected) }).toString(), expected)
  t.is(memory.read({ length: 2 }).toString(), '..')
})

test('write() encodes a string as UTF-8', writesData, 'grüße', 'grüße')
test('write() copies a Buffer', writesData, Buffer.from('abc'), 'abc')
test('write() copies a slice of a typed array', writesData, Buffer.from('xabcx').subarray(1, 4), 'abc')
test('write() copies a DataView', writesData, new DataView(new Uint8Array([48, 97, 98]).buffer, 1), 'ab')
test('write() copies an ArrayBuffer', writesData, new Uint8Array([97, 98]).buffer, 'ab')
test(
  'write() copies the bytes of 16-bit elements',
  writesData,
  new Uint16Array(new Uint8Array([97, 98, 99, 100]).buffer),
  'abcd',
)
test('write() accepts empty data', writesData, '', '')

test('write() writes nothing if the data does not fit', (t) => {
  const memory = memoryOf(t, 'abcdef')
  t.throws(() => memory.write('xyz', 4), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => memory.write('', 7), { code: 'ERR_OUT_OF_RANGE' })
  t.is(memory.read().toString(), 'abcdef')
})

test('write() copies from an overlapping view of the same mapping', (t) => {
  const memory = memoryOf(t, 'abcdef')
  memory.write(memory.buffer(0, 4), 2)
  t.is(memory.read().toString(), 'ababcd')
})

const fills = test.macro((t: ExecutionContext, value: number | string | Uint8Array, expected: string) => {
  const memory = memoryOf(t, '..........')
  t.is(memory.fill(value, { offset: 1, length: 7 }), memory)
  t.is(memory.read().toString('latin1'), expected)
})

test('fill() repeats a byte', fills, 97, '.aaaaaaa..')
test('fill() repeats a string and truncates the last copy', fills, 'abc', '.abcabca..')
test('fill() repeats several bytes', fills, Uint8Array.of(97, 98), '.abababa..')
test('fill() repeats characters of several bytes', fills, 'é', '.\xc3\xa9\xc3\xa9\xc3\xa9\xc3..')

test('fill() uses the original bytes of a pattern that lies in the filled range', (t) => {
  const memory = memoryOf(t, 'abcdef')
  memory.fill(memory.buffer(1, 2))
  t.is(memory.read().toString(), 'bcbcbc')
})

test('fill() refuses a number that is not a byte and an empty pattern', (t) => {
  const memory = memoryOf(t, 'abcdef')
  t.throws(() => memory.fill(256), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => memory.fill(-1), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => memory.fill(1.5), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => memory.fill(''), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => memory.fill(new Uint8Array(0)), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => memory.fill(true as unknown as number), { code: 'ERR_INVALID_ARG_TYPE' })
  t.is(memory.read().toString(), 'abcdef')
})

const copies = test.macro((t: ExecutionContext, args: [number, number, number?], expected: string) => {
  const memory = memoryOf(t, 'abcdefgh')
  t.is(memory.copyWithin(...args), memory)
  t.is(memory.read().toString(), expected)
})

test('copyWithin() copies forwards into an overlapping range', copies, [2, 0, 5], 'ababcdeh')
test('copyWithin() copies backwards into an overlapping range', copies, [0, 3], 'defghfgh')
test('copyWithin() accepts an empty range', copies, [8, 3, 3], 'abcdefgh')

test('copyWithin() neither clamps offsets nor accepts negative ones', (t) => {
  const memory = memoryOf(t, 'abcdefgh')
  for (const args of [
    [-1, 0, 1],
    [0, -1, 1],
    [0, 0, -1],
    [0, 0, 9],
    [0, 5, 4],
    [5, 0, 4],
    [0, 9],
  ] as const) {
    const copy = () => memory.copyWithin(args[0], args[1], args[2])
    t.throws(copy, { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }, String(args))
  }
  t.is(memory.read().toString(), 'abcdefgh')
})

test('detached memory is refused', (t) => {
  const mapping = mmapAnonymous(100)
  const bytes = new Uint8Array(8)
  structuredClone(bytes, { transfer: [bytes.buffer] })
  const detached = { code: 'ERR_INVALID_ARG_VALUE', message: /detached/ }
  for (const memory of [bytes, bytes.buffer, new DataView(new ArrayBuffer(0))]) {
    if (memory instanceof DataView) structuredClone(memory, { transfer: [memory.buffer] })
    t.throws(() => mapping.write(memory), detached)
    t.throws(() => mapping.readInto(memory), detached)
    t.throws(() => mapping.gather([0], 1, memory), detached)
  }
  t.throws(() => mapping.fill(bytes), detached)
  t.throws(() => mapping.split(bytes), detached)
  t.throws(() => mapping.indexOfSync(bytes), detached)
  t.throws(() => mapping.matchesSync(['a', bytes]), detached)
  mapping.closeSync()
})

test('methods that change bytes are refused in mode r', (t) => {
  const file = tempFile(t, 'abcdef')
  const mapping = mmapSync(file)
  const uses = [
    () => mapping.write('x'),
    () => mapping.fill(1),
    () => mapping.copyWithin(0, 1),
    () => mapping.protect('r+'),
    () => mapping.discard('remove'),
  ]
  for (const use of uses) {
    const error = t.throws(use, { code: 'ERR_MEMMAP_READ_ONLY' })
    t.true(error?.message.includes(file) && error.message.includes("'r+'"))
  }
  t.is(mapping.read().toString(), 'abcdef')
  mapping.closeSync()
})

test('in mode c written bytes stay in the process', (t) => {
  const file = tempFile(t, 'abcdef')
  const mapping = mmapSync(file, { mode: 'c' })
  mapping.write('x').toFixed()
  mapping.fill('y', { offset: 1, length: 1 }).copyWithin(4, 0, 2)
  t.is(mapping.read().toString(), 'xycdxy')
  mapping.closeSync()
  t.is(readFileSync(file, 'utf8'), 'abcdef')
})

// Data for pages that are not resident is written by a system call instead of stores.
for (const [title, flags] of [
  ['a file', 'r+'],
  ['a file that is open for appending', 'a+'],
] as const) {
  test(`write() of much data into ${title} whose pages are not in memory reaches the right bytes`, (t) => {
    const size = 2 ** 20
    const file = tempFile(t, size)
    const expected = readFileSync(file)
    truncateSync(file, 2 * size)
    const fd = openSync(file, flags)
    const mapping = mmapSync(fd, { mode: 'r+' })
    const view = mapping.buffer()
    const data = Buffer.alloc(100_001, 'data')
    for (const offset of [size + 5, size + 500_000, 2 * size - data.length]) {
      t.is(mapping.write(data, offset), data.length)
      t.true(view.subarray(offset, offset + data.length).equals(data))
    }
    // The source is an overlapping range of the same mapping.
    const source = view.subarray(size - 50_000, size + 50_000)
    const moved = Buffer.from(source)
    mapping.write(source, size - 20_000)
    t.true(view.subarray(size - 20_000, size + 80_000).equals(moved))
    t.true(view.subarray(0, size - 50_000).equals(expected.subarray(0, size - 50_000)))
    t.is(statSync(file).size, 2 * size)
    t.true(readFileSync(file).equals(view))
    mapping.closeSync()
    closeSync(fd)
  })
}

test('write() into a truncated file does not make it longer', (t) => {
  const file = tempFile(t)
  truncateSync(file, 2 ** 20)
  const mapping = mmapSync(file, { mode: 'r+' })
  truncateSync(file, 100)
  t.throws(() => mapping.write(Buffer.alloc(2 ** 19, 1), 2 ** 17), { code: 'ERR_MEMMAP_FAULT' })
  t.is(statSync(file).size, 100)
  mapping.closeSync()
})

test('write() of much data from a mapping of a truncated file throws', (t) => {
  const [from, to] = [tempFile(t), tempFile(t)]
  for (const file of [from, to]) truncateSync(file, 2 ** 20)
  const [source, target] = [mmapSync(from), mmapSync(to, { mode: 'r+' })]
  const view = source.buffer()
  truncateSync(from, 0)
  for (const look of [false, true]) {
    if (look) t.is(view[0], 0)
    t.throws(() => target.write(view.subarray(0, 2 ** 19)), { code: 'ERR_MEMMAP_FAULT' })
  }
  source.closeSync()
  target.closeSync()
})

const cutUses: Record<string, (mapping: Mapping) => unknown> = {
  'read()': (mapping) => mapping.read(),
  'readInto()': (mapping) => mapping.readInto(Buffer.alloc(60), 9_940),
  'write()': (mapping) => mapping.write('end', 9_997),
  'a large write()': (mapping) => mapping.write(Buffer.alloc(10_000, 'b'), 0),
  'fill()': (mapping) => mapping.fill('b', { offset: 9_900, length: 51 }),
  'copyWithin() from there': (mapping) => mapping.copyWithin(0, 9_990),
  'copyWithin() to there': (mapping) => mapping.copyWithin(9_990, 0, 10),
  'gather()': (mapping) => mapping.gather([0, 9_949], 2, Buffer.alloc(4)),
  'flush()': (mapping) => mapping.flush(),
  'flushSync()': (mapping) => mapping.flushSync({ offset: 9_950, length: 1 }),
  'evict()': (mapping) => mapping.evict(),
  'assertHealthy()': (mapping) => mapping.assertHealthy(),
}

// Such a page exists and is filled with zeros, so no access traps.
for (const [name, use] of Object.entries(cutUses))
  test(`a file truncated within its last page is a fault for ${name}`, async (t) => {
    const file = tempFile(t, Buffer.alloc(10_000, 'a'))
    const mapping = mmapSync(file, { mode: 'r+' })
    t.teardown(() => mapping.close())
    truncateSync(file, 9_950)
    t.is(mapping.read({ length: 9_950 }).toString(), 'a'.repeat(9_950))
    mapping.write('b', 9_949)
    mapping.flushSync({ length: 9_950 })
    t.deepEqual(mapping.faults, [])
    const error = await t.throwsAsync(async () => use(mapping), { code: 'ERR_MEMMAP_FAULT' })
    t.like(error, { reason: 'truncated', path: file })
    t.true(mapping.faults.every(({ offset }) => offset >= 9_950))
    t.is(statSync(file).size, 9_950)
  })

for (const [name, use] of Object.entries(cutUses).filter(([title]) =>
  /write|fill|flush|copyWithin|Healthy/.test(title),
))
  test(`${name} ignores bytes stored after the end of such a file`, async (t) => {
    const file = tempFile(t, Buffer.alloc(10_000, 'a'))
    const mapping = mmapSync(file, { mode: 'r+' })
    t.teardown(() => mapping.close())
    truncateSync(file, 9_950)
    mapping.buffer().fill('x', 9_950)
    await t.throwsAsync(async () => use(mapping), { code: 'ERR_MEMMAP_FAULT' })
    t.is(statSync(file).size, 9_950)
  })
