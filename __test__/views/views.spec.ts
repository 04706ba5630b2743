import { constants as bufferConstants } from 'node:buffer'
import { readFileSync, truncateSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { capabilities, constants, type Mapping, mmapAnonymous, mmapSync, type TypedArray } from '../../index.js'
import { arrayTypes } from '../helpers/arrays.js'
import { runCode } from '../helpers/child.js'
import { counting, tempFile } from '../helpers/temp.js'

const nameOf = (Type: unknown) => (Type as { name: string }).name

function open(t: ExecutionContext, size: number, options = {}): Mapping {
  const mapping = mmapSync(tempFile(t, size), options)
  t.teardown(() => mapping.close())
  return mapping
}

/** Maps a sparse file of `size` bytes with texts at some offsets. */
function sparse(t: ExecutionContext, size: number, texts: Record<number, string> = {}): Mapping {
  const file = tempFile(t)
  truncateSync(file, size)
  const mapping = mmapSync(file, { mode: 'r+' })
  t.teardown(() => mapping.close())
  for (const [offset, text] of Object.entries(texts)) mapping.write(text, Number(offset))
  return mapping
}

// Buffers.

test('buffer() returns a Buffer over the same bytes as every other view', (t) => {
  const mapping = open(t, 100, { mode: 'r+' })
  const first = mapping.buffer()
  const second = mapping.buffer(10, 20)
  t.true(Buffer.isBuffer(first))
  t.is(first.buffer, second.buffer)
  first[15] = 200
  t.is(second[5], 200)
  t.is(mapping.dataView(15).getUint8(0), 200)
  t.is(mapping.array(Uint8Array, 15, 1)[0], 200)
  t.is(readFileSync(mapping.path as string)[15], 200)
})

test('buffer() returns the bytes of its range', (t) => {
  const mapping = open(t, 300)
  t.deepEqual(mapping.buffer(), counting(300))
  t.deepEqual(mapping.buffer(256), counting(300).subarray(256))
  t.deepEqual(mapping.buffer(3n, 4n), Buffer.of(3, 4, 5, 6))
  t.is(mapping.buffer(300).length, 0)
  t.is(mapping.buffer(0, 0).length, 0)
})

test('many views share one ArrayBuffer', (t) => {
  const mapping = open(t, 4096)
  const buffers = new Set(Array.from({ length: 100 }, (_, at) => mapping.buffer(at * 8, 8).buffer))
  t.is(buffers.size, 1)
})

// Typed arrays.

for (const Type of arrayTypes) {
  test(`a ${nameOf(Type)} reads and writes the mapping`, (t) => {
    const width = Type.BYTES_PER_ELEMENT
    const mapping = open(t, 16 * width, { mode: 'c' })
    const array = mapping.array(Type)
    const expected = new Type(Uint8Array.from(counting(16 * width)).buffer as ArrayBuffer, 0, 16)
    t.is(Object.getPrototypeOf(array), Type.prototype)
    t.deepEqual(array, expected)
    t.deepEqual(mapping.array(Type, 2 * width, 3), expected.subarray(2, 5))
    array.reverse()
    t.deepEqual(array, mapping.array(Type))
    t.deepEqual(mapping.read({ offset: 15 * width }), counting(width))
  })

  const width = Type.BYTES_PER_ELEMENT
  if (width > 1) {
    test(`a ${nameOf(Type)} at an odd offset is misaligned`, (t) => {
      const mapping = open(t, 64)
      const error = t.throws(() => mapping.array(Type, 1, 1), { code: 'ERR_MEMMAP_MISALIGNED' })
      t.true(error?.message.includes(`multiple of ${width}`))
    })
  }
}

test('the alignment includes the offset of the mapping', (t) => {
  const mapping = open(t, 100, { offset: 4 })
  t.throws(() => mapping.array(Float64Array, 0, 1), { code: 'ERR_MEMMAP_MISALIGNED' })
  const array = mapping.array(Float64Array, 4, 2)
  t.deepEqual(Buffer.from(array.buffer, array.byteOffset, array.byteLength), counting(100).subarray(8, 24))
})

test('views may begin at any byte of a mapping that begins at any byte', (t) => {
  for (const offset of [0, 1, 2, 3, 5, 7, 8, 9, 4095, 4097]) {
    const mapping = open(t, 5000, { offset })
    t.deepEqual(mapping.buffer(1, 100), counting(5000).subarray(offset + 1, offset + 101))
    t.is(mapping.dataView(3).getUint32(0), counting(5000).readUInt32BE(offset + 3))
  }
})

test('the length of an array counts elements and must fit', (t) => {
  const mapping = open(t, 100)
  t.is(mapping.array(Uint32Array, 0, 25).length, 25)
  t.is(mapping.array(Uint32Array, 96).length, 1)
  t.is(mapping.array(Uint32Array, 100).length, 0)
  t.throws(() => mapping.array(Uint32Array, 0, 26), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /25.*26/s,
  })
  t.throws(() => mapping.array(Uint32Array, 104), { code: 'ERR_OUT_OF_RANGE' })
})

test('a mapping that is not a whole number of elements needs a length', (t) => {
  const mapping = open(t, 100)
  t.throws(() => mapping.array(Float64Array), { code: 'ERR_OUT_OF_RANGE', message: /multiple of 8/ })
  t.is(mapping.array(Float64Array, 0, 12).length, 12)
})

test('array() accepts Buffer and subclasses of typed arrays', (t) => {
  class Pixels extends Uint8Array {
    brightest() {
      return Math.max(...this)
    }
  }
  const mapping = open(t, 100)
  t.is(mapping.array(Pixels).brightest(), 99)
  t.true(Buffer.isBuffer(mapping.array(Buffer as unknown as Uint8ArrayConstructor)))
})

for (const wrong of [
  DataView,
  Array,
  ArrayBuffer,
  Object,
  'Uint8Array',
  undefined,
  null,
  {},
  Object.getPrototypeOf(Uint8Array),
]) {
  test(`array(${typeof wrong === 'function' ? wrong.name : String(wrong)}) is refused`, (t) => {
    const mapping = open(t, 16)
    t.throws(() => mapping.array(wrong as unknown as Uint8ArrayConstructor), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_TYPE',
    })
  })
}

// Limits.

const refusesLength = test.macro((t: ExecutionContext, view: (mapping: Mapping) => unknown) => {
  const memory = mmapAnonymous(40 * 2 ** 30, { noReserve: true })
  t.throws(() => view(memory), { code: 'ERR_MEMMAP_VIEW_TOO_LARGE', message: /windows\(\)/ })
  memory.closeSync()
})

test('a buffer of 2^31 bytes is refused', refusesLength, (memory: Mapping) => memory.buffer(0, 2 ** 31))
test('a buffer of a whole mapping of 40 GiB is refused', refusesLength, (memory: Mapping) => memory.buffer())
test('an array of 2^31 elements is refused', refusesLength, (memory: Mapping) => memory.array(Float64Array, 0, 2 ** 31))
test('read() of 2^31 bytes is refused', refusesLength, (memory: Mapping) => memory.read({ length: 2 ** 31 }))

test('a buffer may have 2^31 - 1 bytes at any offset', (t) => {
  const mapping = sparse(t, 2 ** 33)
  for (const offset of [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 5, 2 ** 32 - 3, 2 ** 32, 2 ** 33 - 2 ** 31 + 1]) {
    t.is(mapping.buffer(offset, constants.MAX_VIEW_LENGTH).length, 2 ** 31 - 1)
  }
})

test('views show the right bytes everywhere in a file of 10 TiB', (t) => {
  const end = 10 * 2 ** 40
  const offsets = [0, 2 ** 31 - 2, 2 ** 32 - 2, 3 * 2 ** 31 - 2, 5 * 2 ** 40 - 2, 2 ** 43 + 4093, end - 4]
  const mapping = sparse(t, end, Object.fromEntries(offsets.map((offset) => [offset, 'here'])))
  for (const offset of offsets) {
    t.is(mapping.buffer(offset, 4).toString(), 'here')
    t.is(mapping.dataView(offset, 4).getUint8(3), 0x65)
    t.is(mapping.read({ offset: offset, length: 4 }).toString(), 'here')
    t.is(mapping.array(Uint8Array, offset, 4)[0], 0x68)
  }
})

test('arrays of 3 GiB begin at any element, and larger arrays name the limit of the engine', (t) => {
  const mapping = sparse(t, 12 * 2 ** 30, { [2 ** 30 * 8]: 'deep' })
  for (const start of [8, 2 ** 31 - 8, 2 ** 31 + 8, 2 ** 32 + 24]) {
    const count = 3 * 2 ** 27 + 5 // a little more than 3 GiB
    const array = mapping.array(Float64Array, start, count)
    t.is(array.length, count)
    array[count - 1] = start
    t.is(mapping.dataView(start + (count - 1) * 8, 8).getFloat64(0, true), start)
  }
  const huge = () => mapping.array(Float64Array, 0, 2 ** 30) // 8 GiB
  if (bufferConstants.MAX_LENGTH < 2 ** 33) {
    t.throws(huge, { code: 'ERR_MEMMAP_VIEW_TOO_LARGE', message: new RegExp(String(bufferConstants.MAX_LENGTH)) })
  } else {
    t.is(huge().length, 2 ** 30)
  }
})

const refuses = test.macro((t: ExecutionContext, view: (mapping: Mapping) => unknown, code: string) => {
  t.throws(() => view(open(t, 100)), { code })
})

for (const [offset, length, code] of [
  [101, undefined, 'ERR_OUT_OF_RANGE'],
  [0, 101, 'ERR_OUT_OF_RANGE'],
  [100, 1, 'ERR_OUT_OF_RANGE'],
  [-1, undefined, 'ERR_OUT_OF_RANGE'],
  [1.5, undefined, 'ERR_OUT_OF_RANGE'],
  [NaN, undefined, 'ERR_OUT_OF_RANGE'],
  [0, 2 ** 53, 'ERR_OUT_OF_RANGE'],
  ['10', undefined, 'ERR_INVALID_ARG_TYPE'],
  [null, undefined, 'ERR_INVALID_ARG_TYPE'],
] as [number, number, string][]) {
  const text = `${typeof offset} ${offset}, ${length}`
  test(`buffer(${text}) throws ${code}`, refuses, (mapping: Mapping) => mapping.buffer(offset, length), code)
  test(`array(${text}) throws ${code}`, refuses, (mapping: Mapping) => mapping.array(Uint8Array, offset, length), code)
  test(`dataView(${text}) throws ${code}`, refuses, (mapping: Mapping) => mapping.dataView(offset, length), code)
}

// Views on a SharedArrayBuffer.

test('shared views use a SharedArrayBuffer where the runtime allows it', (t) => {
  const file = tempFile(t, 100)
  if (capabilities()['sharedArrayBuffer'] !== true) {
    t.throws(() => mmapSync(file, { shared: true }), { code: 'ERR_MEMMAP_UNSUPPORTED' })
    t.throws(() => mmapAnonymous(100, { shared: true }), { code: 'ERR_MEMMAP_UNSUPPORTED' })
    return
  }
  const mapping = mmapSync(file, { shared: true, offset: 3 })
  const views: (TypedArray | DataView)[] = [mapping.buffer(), mapping.array(Uint8Array), mapping.dataView()]
  for (const view of views) {
    t.true(view.buffer instanceof SharedArrayBuffer)
    t.is(view.byteLength, 97)
  }
  t.deepEqual(mapping.buffer(), counting(100).subarray(3))
  mapping.closeSync()
  t.is(views[0]?.byteLength, 97)
})

// Runtimes without external memory.

test('without views, every method that copies works', async (t) => {
  const file = tempFile(t, 'hello world')
  const { code, stderr } = await runCode(
    `
      import assert from 'node:assert'
      import { capabilities, mapArray, mapBuffer, mmapSync } from 'memmap'
      const refused = { code: 'ERR_MEMMAP_UNSUPPORTED', message: /MEMMAP_NO_EXTERNAL_BUFFERS/ }
      const file = process.argv.at(-1)
      const mapping = mmapSync(file, { mode: 'r+' })
      assert.throws(() => mapping.buffer(), refused)
      assert.throws(() => mapping.array(Uint8Array), refused)
      assert.throws(() => mapping.dataView(), refused)
      assert.throws(() => mapBuffer(file, {}), refused)
      assert.equal(mapBuffer(file).length, 11)
      assert.throws(() => mapArray(Uint8Array, file), refused)
      assert.equal(mapping.write('HE'), 2)
      mapping.fill('-', { offset: 5, length: 1 }).copyWithin(9, 0, 2)
      assert.equal(mapping.read().toString(), 'HEllo-worHE')
      assert.deepEqual([...mapping.chunks({ size: 4 })].map(String), ['HEll', 'o-wo', 'rHE'])
      const [window] = mapping.windows({ size: 4 })
      mapping.write('xx')
      assert.equal(String(window.view), 'HEll')
      mapping.flushSync()
      await mapping.close()
      assert.equal(capabilities().sharedArrayBuffer, false)
    `,
    { args: [file], env: { MEMMAP_NO_EXTERNAL_BUFFERS: '1' } },
  )
  t.is(stderr, '')
  t.is(code, 0)
  t.is(readFileSync(file, 'utf8'), 'xxllo-worHE')
})
