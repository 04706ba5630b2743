import { constants as bufferConstants } from 'node:buffer'
import { closeSync, openSync, readFileSync, truncateSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { capabilities, type FileOptions, mapArray, mapBuffer, mappings, mmapSync, unmap } from '../index.js'
import { runCode } from './helpers/child.js'
import { counting, tempFile } from './helpers/temp.js'

const maps = test.macro((t: ExecutionContext, options: FileOptions | undefined, start: number, end: number) => {
  const file = tempFile(t, 10_000)
  const bytes = mapBuffer(file, options)
  t.true(Buffer.isBuffer(bytes))
  t.deepEqual(bytes, counting(10_000).subarray(start, end))
  t.true(unmap(bytes))
})

test('mapBuffer() returns the bytes that readFileSync() returns', maps, undefined, 0, 10_000)
test('mapBuffer() maps from an offset', maps, { offset: 4099 }, 4099, 10_000)
test('mapBuffer() maps a range', maps, { offset: 1n, length: 2n }, 1, 3)
test('mapBuffer() maps an empty range', maps, { offset: 10_000 }, 10_000, 10_000)
test(
  'mapBuffer() accepts every option',
  maps,
  { advice: 'random', populate: true, onFault: 'zero', label: 'x' },
  0,
  10_000,
)

test('mapBuffer() accepts descriptors and URLs', (t) => {
  const file = tempFile(t, 'abc')
  const fd = openSync(file, 'r')
  const bytes = mapBuffer(fd)
  closeSync(fd)
  t.is(bytes.toString(), 'abc')
  t.is(mapBuffer(pathToFileURL(file)).toString(), 'abc')
})

test('mapBuffer() of an empty file is empty and can be unmapped once', (t) => {
  const bytes = mapBuffer(tempFile(t))
  t.is(bytes.length, 0)
  t.true(unmap(bytes))
  t.false(unmap(bytes))
})

test('stores into a mapped Buffer never reach the file', (t) => {
  const file = tempFile(t, 'abc')
  const bytes = mapBuffer(file)
  bytes.write('X')
  t.is(bytes.toString(), 'Xbc')
  unmap(bytes)
  t.is(readFileSync(file, 'utf8'), 'abc')
})

test('mapArray() returns the elements of the file', (t) => {
  const file = tempFile(t, new Uint8Array(Float64Array.of(1.5, 2.5, 3.5).buffer))
  t.deepEqual(mapArray(Float64Array, file), Float64Array.of(1.5, 2.5, 3.5))
  t.deepEqual(mapArray(Float64Array, file, { offset: 8, length: 8 }), Float64Array.of(2.5))
  t.is(mapArray(BigUint64Array, file).length, 3)
  t.is(mapArray(Float64Array, tempFile(t)).length, 0)
  t.throws(() => mapArray(Float64Array, file, { offset: 4, length: 16 }), { code: 'ERR_MEMMAP_MISALIGNED' })
  t.throws(() => mapArray(Float64Array, file, { length: 9 }), { code: 'ERR_OUT_OF_RANGE', message: /multiple of 8/ })
  t.throws(() => mapArray(DataView as unknown as Uint8ArrayConstructor, file), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('a file too long for a view is refused and not left mapped', (t) => {
  const file = tempFile(t)
  truncateSync(file, 2 ** 31)
  t.throws(() => mapBuffer(file, { label: 'too long' }), { code: 'ERR_MEMMAP_VIEW_TOO_LARGE' })
  t.false(mappings().some(({ label }) => label === 'too long'))
  const bytes = mapBuffer(file, { length: 2 ** 31 - 1 })
  t.is(bytes.length, 2 ** 31 - 1)
  unmap(bytes)

  truncateSync(file, 5 * 2 ** 30)
  const map = () => mapArray(Float64Array, file, { label: 'too long' })
  if (bufferConstants.MAX_LENGTH < 5 * 2 ** 30) t.throws(map, { code: 'ERR_MEMMAP_VIEW_TOO_LARGE' })
  else t.true(unmap(map()))
  t.false(mappings().some(({ label, state }) => label === 'too long' && state === 'open'))
})

test('unmap() accepts any slice and detaches all of them', (t) => {
  const make = () => mapBuffer(tempFile(t, 100))
  for (const pick of [
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes.subarray(5, 6),
    (bytes: Buffer) => bytes.buffer,
    (bytes: Buffer) => new DataView(bytes.buffer, bytes.byteOffset, 4),
  ]) {
    const bytes = make()
    const slice = bytes.subarray(10)
    const view = pick(bytes)
    t.true(unmap(view))
    t.is(bytes.length, 0)
    t.is(slice.length, 0)
    t.false(unmap(view))
  }
})

test('unmap() of any other value has no effect or throws', (t) => {
  const mapping = mmapSync(tempFile(t, 100))
  const view = mapping.buffer()
  t.false(unmap(view))
  t.is(view.length, 100)
  t.false(unmap(Buffer.from('abc')))
  t.false(unmap(new ArrayBuffer(8)))
  t.false(unmap(new SharedArrayBuffer(8)))
  for (const wrong of [undefined, null, 1, 'abc', {}, mapping]) {
    t.throws(() => unmap(wrong as unknown as Buffer), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  }
  mapping.closeSync()
})

test('unmap() detaches small files, which are read, and large ones, which are mapped', (t) => {
  for (const size of [1, 65_536, 65_537]) {
    const file = tempFile(t, size)
    const bytes = mapBuffer(file)
    t.true(bytes.equals(readFileSync(file)))
    t.is(mappings().filter((one) => one.path === file).length, size > 65_536 ? 1 : 0)
    t.true(unmap(bytes.subarray(0, 1)))
    t.is(bytes.length, 0)
    t.false(unmap(bytes))
  }
})

test('unmap() releases the file', (t) => {
  const file = tempFile(t, 100_000)
  const bytes = mapBuffer(file)
  t.is(mappings().find((one) => one.path === file)?.state, 'open')
  unmap(bytes)
  t.not(mappings().find((one) => one.path === file)?.state, 'open')
})

const refuses = test.macro((t: ExecutionContext, options: object, code: string) => {
  const file = tempFile(t, 100)
  t.throws(() => mapBuffer(file, options), { code })
  t.throws(() => mapArray(Uint8Array, file, options), { code })
})

test('mapBuffer() has no option mode', refuses, { mode: 'r+' }, 'ERR_INVALID_ARG_VALUE')
test('mapBuffer() has no option encoding', refuses, { encoding: 'utf8' }, 'ERR_INVALID_ARG_VALUE')
test('mapBuffer() refuses a string in place of options', refuses, 'utf8' as unknown as object, 'ERR_INVALID_ARG_TYPE')
test('mapBuffer() refuses a range beyond the end', refuses, { offset: 99, length: 2 }, 'ERR_OUT_OF_RANGE')

test('a collected Buffer is unmapped without a warning', async (t) => {
  if (capabilities()['externalArrayBuffer'] === false) return t.pass()
  const { code, stdout, stderr } = await runCode(
    `
      import { mapBuffer, mappings } from 'memmap'
      for (let i = 0; i < 20; i++) mapBuffer(process.argv.at(-1)).at(0)
      console.log(mappings().length)
      for (let i = 0; i < 20 && mappings().length > 0; i++) {
        globalThis.gc()
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      console.log(mappings().length)
    `,
    { args: [tempFile(t, 100_000)], node: ['--expose-gc'] },
  )
  t.is(stderr, '')
  t.is(stdout, '20\n0\n')
  return t.is(code, 0)
})

test('a slice keeps the whole mapping alive', async (t) => {
  const { code, stdout } = await runCode(
    `
      import { mapBuffer, mappings } from 'memmap'
      const slice = mapBuffer(process.argv.at(-1)).subarray(1, 3)
      for (let i = 0; i < 5; i++) {
        globalThis.gc()
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      console.log(slice.toString(), mappings().length)
    `,
    { args: [tempFile(t, 'abcd'.repeat(25_000))], node: ['--expose-gc'] },
  )
  t.is(stdout, 'bc 1\n')
  t.is(code, 0)
})
