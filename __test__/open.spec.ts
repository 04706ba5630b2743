import { existsSync, mkdirSync, openSync, closeSync, readFileSync, statSync, symlinkSync, truncateSync } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { mmap, mmapAnonymous, mmapSync, type MappingOptions, type MappingSource, type Mode } from '../index.js'
import { counting, tempDir, tempFile } from './helpers/temp.js'

const bytesOf = (file: string, offset = 0, length?: number) =>
  readFileSync(file).subarray(offset, length && offset + length)

// Every kind of source, by mmap() and mmapSync().

interface Opened {
  readonly source: MappingSource
  readonly path: string | undefined
  close?(): unknown
}

const opensFrom = test.macro(async (t: ExecutionContext, make: (file: string) => Opened | Promise<Opened>) => {
  const file = tempFile(t, 5000)
  for (const way of [mmap, mmapSync]) {
    const { source, path: expected, close } = await make(file)
    const opening = way(source)
    await close?.() // the descriptor was duplicated before the call returned
    const mapping = await opening
    t.is(mapping.path, expected)
    t.is(mapping.length, 5000)
    t.deepEqual(mapping.buffer(), counting(5000))
    mapping.closeSync()
  }
})

test('opens a path', opensFrom, (file) => ({ source: file, path: file }))
test('opens a path in bytes', opensFrom, (file) => ({ source: Buffer.from(file), path: file }))
test('opens a file URL', opensFrom, (file) => ({ source: pathToFileURL(file), path: file }))
test('opens a path relative to the working directory', opensFrom, (file) => {
  const relative = path.relative(process.cwd(), file)
  return { source: relative, path: relative }
})
test('opens a symbolic link', opensFrom, (file) => {
  const link = `${file}.link`
  if (!existsSync(link)) symlinkSync(file, link)
  return { source: link, path: link }
})
test('opens a FileHandle, which may be closed at once', opensFrom, async (file) => {
  const handle = await open(file)
  return { source: handle, path: undefined, close: () => handle.close() }
})
test('opens a descriptor, which may be closed at once', opensFrom, (file) => {
  const fd = openSync(file, 'r')
  return { source: fd, path: undefined, close: () => closeSync(fd) }
})

test('escaped characters of a URL are decoded', (t) => {
  const file = tempFile(t, 'x', 'ü %20#?.txt')
  const mapping = mmapSync(pathToFileURL(file))
  t.is(mapping.path, file)
  mapping.closeSync()
})

// Ranges.

const maps = test.macro((t: ExecutionContext, offset: number | bigint, length?: number | bigint) => {
  const file = tempFile(t, 70000)
  const options = length === undefined ? { offset } : { offset, length }
  const mapping = mmapSync(file, options)
  const expected = bytesOf(file, Number(offset), length === undefined ? undefined : Number(length))
  t.is(mapping.offset, Number(offset))
  t.is(mapping.length, expected.length)
  t.deepEqual(mapping.buffer(), expected)
  mapping.closeSync()
})

for (const offset of [0, 1, 7, 4095, 4096, 4097, 65536, 69999, 70000]) {
  test(`maps from byte ${offset} to the end`, maps, offset)
}
test('maps a range in the middle', maps, 1234, 5678)
test('maps one byte', maps, 4099, 1)
test('maps no byte', maps, 4099, 0)
test('accepts bigints', maps, 4096n, 10n)

const refusesRange = test.macro(async (t: ExecutionContext, options: MappingOptions) => {
  const file = tempFile(t, 100)
  const expectation = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
  t.throws(() => mmapSync(file, options), expectation)
  await t.throwsAsync(mmap(file, options), expectation)
})

test('refuses an offset beyond the end', refusesRange, { offset: 101 })
test('refuses a length beyond the end', refusesRange, { length: 101 })
test('refuses a range that begins within and ends beyond the end', refusesRange, { offset: 99, length: 2 })
test('refuses a length of 2^53 - 1 without wrapping', refusesRange, { offset: 1, length: Number.MAX_SAFE_INTEGER })

test('an empty file is an empty mapping', (t) => {
  const mapping = mmapSync(tempFile(t))
  t.is(mapping.length, 0)
  t.is(mapping.buffer().length, 0)
  t.is(mapping.array(Float64Array).length, 0)
  t.is(mapping.dataView().byteLength, 0)
  t.is(mapping.read().length, 0)
  t.deepEqual([...mapping.windows()], [])
  t.deepEqual([...mapping.chunks()], [])
  mapping.advise('willneed')
  t.is(mapping.flushSync().bytes, 0)
  mapping.closeSync()
})

test('maps the end of a file that is longer than memory', (t) => {
  const file = tempFile(t)
  truncateSync(file, 10 * 2 ** 40)
  const mapping = mmapSync(file)
  t.is(mapping.length, 10 * 2 ** 40)
  t.is(mapping.buffer(10 * 2 ** 40 - 3).length, 3)
  mapping.closeSync()
})

// Modes.

const writes = test.macro((t: ExecutionContext, mode: Mode, options: MappingOptions, expected: string) => {
  const file = path.join(tempDir(t), 'file.txt')
  if (mode !== 'wx+') closeSync(openSync(file, 'w'))
  const before = mmapSync(file, { mode: mode === 'wx+' ? 'wx+' : 'r+', size: mode === 'wx+' ? 5 : 5 })
  before.write('abcde')
  before.closeSync()
  if (mode === 'wx+') return t.is(readFileSync(file, 'utf8'), 'abcde')

  const mapping = mmapSync(file, { mode, ...options })
  mapping.write('X', 1)
  mapping.buffer()[2] = 'Y'.charCodeAt(0)
  t.is(mapping.mode, mode)
  t.is(mapping.read({ offset: 1, length: 2 }).toString(), 'XY')
  mapping.closeSync()
  return t.is(readFileSync(file, 'utf8'), expected)
})

test("mode 'r+' writes to the file", writes, 'r+', {}, 'aXYde')
test("mode 'r+' with size makes the file longer", writes, 'r+', { size: 7 }, 'aXYde\0\0')
test("mode 'r+' with size never makes the file shorter", writes, 'r+', { size: 4 }, 'aXYde')
test("mode 'w+' empties the file first", writes, 'w+', { size: 4n }, '\0XY\0')
test("mode 'wx+' creates the file", writes, 'wx+', {}, 'abcde')
test("mode 'c' never changes the file", writes, 'c', {}, 'abcde')

test("mode 'r' keeps stores through a view from the file", (t) => {
  const file = tempFile(t, 'abcde')
  const mapping = mmapSync(file)
  mapping.buffer()[0] = 0x58
  t.is(mapping.read().toString(), 'Xbcde')
  mapping.closeSync()
  t.is(readFileSync(file, 'utf8'), 'abcde')
})

test("modes 'w+' and 'wx+' without a size create an empty file", (t) => {
  const file = tempFile(t, 'abc')
  for (const [name, mode] of [
    [file, 'w+'],
    [`${file}.new`, 'wx+'],
  ] as const) {
    const mapping = mmapSync(name, { mode })
    t.is(mapping.length, 0)
    t.is(statSync(name).size, 0)
    mapping.closeSync()
  }
})

test("mode 'wx+' refuses an existing file and leaves it unchanged", async (t) => {
  const file = tempFile(t, 'abc')
  t.throws(() => mmapSync(file, { mode: 'wx+', size: 1 }), { code: 'EEXIST' })
  await t.throwsAsync(mmap(file, { mode: 'wx+', size: 1 }), { code: 'EEXIST' })
  t.is(readFileSync(file, 'utf8'), 'abc')
})

test("mode 'wx+' refuses a descriptor", (t) => {
  const fd = openSync(tempFile(t, 'abc'), 'r+')
  t.throws(() => mmapSync(fd, { mode: 'wx+' }), { code: 'ERR_INVALID_ARG_VALUE' })
  closeSync(fd)
})

test('a size allocates blocks, so that no store can fail on a full disk', (t) => {
  const file = path.join(tempDir(t), 'file.bin')
  const mapping = mmapSync(file, { mode: 'w+', size: 1 << 20 })
  t.true(statSync(file).blocks * 512 >= 1 << 20)
  mapping.closeSync()
})

for (const mode of ['r', 'r+', 'c'] as const) {
  test(`mode '${mode}' never creates a file`, (t) => {
    const file = path.join(tempDir(t), 'none')
    t.throws(() => mmapSync(file, { mode }), { code: 'ENOENT' })
    t.false(existsSync(file))
  })
}

// Refused sources.

const refuses = test.macro(
  async (t: ExecutionContext, make: (directory: string) => MappingSource, expected: object) => {
    const source = make(tempDir(t))
    t.throws(() => mmapSync(source), expected)
    await t.throwsAsync(mmap(source), expected)
  },
)

test('a missing file throws ENOENT', refuses, (directory: string) => path.join(directory, 'none'), {
  code: 'ENOENT',
  message: /^ENOENT: no such file or directory, \w+ '.*none'/,
})
test('an empty path throws ENOENT', refuses, () => '', { code: 'ENOENT' })
test(
  'a path through a file throws ENOTDIR',
  refuses,
  (directory: string) => {
    closeSync(openSync(path.join(directory, 'file'), 'w'))
    return path.join(directory, 'file', 'below')
  },
  { code: 'ENOTDIR' },
)
test('a directory is not mappable', refuses, (directory: string) => directory, {
  code: 'ERR_MEMMAP_NOT_MAPPABLE',
  message: /directory/,
})
test('a device without an end is not mappable', refuses, () => '/dev/null', { code: 'ERR_MEMMAP_NOT_MAPPABLE' })
test('a descriptor that is not open throws EBADF', refuses, () => 2 ** 31 - 1, { code: 'EBADF' })
test('a closed FileHandle throws EBADF', refuses, () => ({ fd: -1 }), {
  code: 'EBADF',
  message: /FileHandle is closed/,
})
test('a path with a NUL is refused before it reaches the system', refuses, () => 'a\0b', {
  instanceOf: TypeError,
  code: 'ERR_INVALID_ARG_VALUE',
  message: /without null bytes/,
})
test('a URL of another scheme is refused', refuses, () => new URL('https://example.org/file'), {
  code: 'ERR_INVALID_URL_SCHEME',
})
test('a path that is not UTF-8 is refused', refuses, () => Buffer.of(0x61, 0xff), { code: 'ERR_INVALID_ARG_VALUE' })

test('a write-only descriptor throws EACCES', (t) => {
  const fd = openSync(tempFile(t, 'abc'), 'a')
  t.throws(() => mmapSync(fd), { code: 'EACCES' })
  closeSync(fd)
})

test("a read-only descriptor cannot be mapped in mode 'r+'", (t) => {
  const fd = openSync(tempFile(t, 'abc'), 'r')
  t.throws(() => mmapSync(fd, { mode: 'r+' }), { code: 'EACCES', message: /r\+/ })
  closeSync(fd)
})

test('a failed opening leaves no file behind', (t) => {
  const directory = tempDir(t)
  mkdirSync(path.join(directory, 'sub'))
  const file = path.join(directory, 'sub', 'new')
  t.throws(() => mmapSync(file, { mode: 'w+', size: 10, offset: 11 }), { code: 'ERR_OUT_OF_RANGE' })
  t.false(existsSync(file))
})

// Anonymous memory.

test('anonymous memory has zeros and can be written', (t) => {
  const memory = mmapAnonymous(10_000)
  t.is(memory.path, undefined)
  t.is(memory.mode, 'r+')
  t.is(memory.offset, 0)
  t.is(memory.length, 10_000)
  t.deepEqual(memory.buffer(), Buffer.alloc(10_000))
  memory.buffer().fill(7)
  t.deepEqual(memory.read(), Buffer.alloc(10_000, 7))
  memory.closeSync()
})

test('anonymous memory may be larger than memory', (t) => {
  const memory = mmapAnonymous(2n ** 42n, { noReserve: true })
  memory.write('end', 2 ** 42 - 3)
  t.is(memory.buffer(2 ** 42 - 3).toString(), 'end')
  memory.closeSync()
})

test('anonymous memory of 0 bytes is empty', (t) => {
  const memory = mmapAnonymous(0)
  t.is(memory.buffer().length, 0)
  memory.closeSync()
})

test('populate, noReserve and advice do not change the bytes', async (t) => {
  const file = tempFile(t, 5000)
  const options = { populate: true, advice: 'sequential', noReserve: true, label: 'all', onFault: 'zero' } as const
  const mapping = await mmap(file, options)
  t.deepEqual(mapping.buffer(), counting(5000))
  t.is(mapping.label, 'all')
  await mapping.close()

  const memory = mmapAnonymous(1 << 22, { populate: true, noReserve: true, onFault: 'abort' })
  t.is(memory.buffer()[1 << 20], 0)
  memory.closeSync()
})
