import { getEventListeners } from 'node:events'
import { endianness } from 'node:os'
import { writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { LineIndex, type LineIndexSource, mapBuffer, type Mapping, mmapAnonymous, unmap } from '../../index.js'
import { tempFile } from '../helpers/temp.js'

function holding(t: ExecutionContext, text: string): Mapping {
  const memory = mmapAnonymous(Buffer.byteLength(text))
  memory.write(text)
  t.teardown(() => memory.close())
  return memory
}

test('an index can be written to a file and mapped', async (t) => {
  const memory = holding(t, 'one\ntwo\r\nthree\n')
  const index = await memory.lineIndex()
  const file = tempFile(t, '', 'lines.index')
  writeFileSync(file, index.bytes)
  const bytes = mapBuffer(file)
  const same = LineIndex.from(bytes, { mapping: memory })
  t.deepEqual(
    [0, 1, 2].map((number) => same.text(number)),
    ['one', 'two', 'three'],
  )
  t.is(same.bytes, bytes)

  const alone = LineIndex.from(index.bytes)
  t.deepEqual(alone.line(1), { offset: 4, length: 5 })
  t.throws(() => alone.text(1), { code: 'ERR_INVALID_STATE' })

  unmap(bytes)
  t.throws(() => same.line(1), { instanceOf: TypeError })
})

test('an index of an empty range has no lines', async (t) => {
  const memory = holding(t, 'text\n')
  const index = await memory.lineIndex({ offset: 2, length: 0 })
  t.like(index, { count: 0, length: 0, offset: 2 })
  t.throws(() => index.line(0), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => index.lineAt(2), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => index.lineAt('0' as never), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('lines may be longer than 4 GiB', async (t) => {
  const memory = mmapAnonymous(2 ** 32 + 2 ** 16, { noReserve: true })
  t.teardown(() => memory.close())
  memory.write('\n', 5)
  memory.write('\n', 2 ** 32 + 9)
  const index = await memory.lineIndex()
  t.is(index.count, 3)
  t.deepEqual(index.line(1), { offset: 6, length: 2 ** 32 + 4 })
  t.deepEqual(index.line(2), { offset: 2 ** 32 + 10, length: 2 ** 16 - 10 })
  t.is(index.lineAt(2 ** 32), 1)
  t.throws(() => index.text(1), { code: 'ERR_MEMMAP_VIEW_TOO_LARGE' })
  t.is(index.text(2, 'latin1').length, 2 ** 16 - 10)
})

test('texts are decoded with any encoding', async (t) => {
  const memory = holding(t, 'é\nb\n')
  const index = await memory.lineIndex()
  t.is(index.text(0), 'é')
  t.is(index.text(0, 'hex'), 'c3a9')
  t.is(index.text(0, 'latin1'), 'Ã©')
})

const refusesTo = test.macro(async (t: ExecutionContext, use: (index: LineIndex) => unknown, code: string) => {
  const index = await holding(t, 'one\ntwo').lineIndex({ offset: 1 })
  t.throws(() => use(index), { code })
})

test('a line after the last is refused', refusesTo, (index) => index.line(2), 'ERR_OUT_OF_RANGE')
test('a line before the first is refused', refusesTo, (index) => index.text(-1), 'ERR_OUT_OF_RANGE')
test('a fractional line number is refused', refusesTo, (index) => index.line(0.5), 'ERR_OUT_OF_RANGE')
test(
  'a line number that is a string is refused',
  refusesTo,
  (index) => index.line('0' as never),
  'ERR_INVALID_ARG_TYPE',
)
test('an offset before the range is refused', refusesTo, (index) => index.lineAt(0), 'ERR_OUT_OF_RANGE')
test('an offset after the range is refused', refusesTo, (index) => index.lineAt(7n), 'ERR_OUT_OF_RANGE')
test('an offset that is a string is refused', refusesTo, (index) => index.lineAt('1' as never), 'ERR_INVALID_ARG_TYPE')

test('an index of a closed mapping finds lines but has no texts', async (t) => {
  const memory = mmapAnonymous(10)
  const index = await memory.lineIndex()
  memory.closeSync()
  t.deepEqual(index.line(0), { offset: 0, length: 10 })
  t.throws(() => index.text(0), { code: 'ERR_MEMMAP_CLOSED' })
  t.throws(() => LineIndex.from(index.bytes, { mapping: memory }), { code: 'ERR_MEMMAP_CLOSED' })
})

test('lineIndex() checks its options and reports progress', async (t) => {
  const memory = holding(t, 'one\ntwo')
  for (const [options, code] of [
    [{ offset: 8 }, 'ERR_OUT_OF_RANGE'],
    [{ length: '1' }, 'ERR_INVALID_ARG_TYPE'],
    [{ threads: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ signal: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ size: 1 }, 'ERR_INVALID_ARG_VALUE'],
  ] as const) {
    await t.throwsAsync(memory.lineIndex(options as object), { code })
  }
  const told: unknown[] = []
  await memory.lineIndex({ onProgress: (progress) => told.push(progress) })
  t.deepEqual(told.at(-1), { done: 7, total: 7 })
})

test('an abort or a close ends lineIndex()', async (t) => {
  const memory = mmapAnonymous(2 ** 40, { noReserve: true })
  const abort = new AbortController()
  const aborted = memory.lineIndex({ signal: abort.signal })
  setImmediate(() => abort.abort(new Error('because')))
  await t.throwsAsync(aborted, { message: 'because' })
  t.deepEqual(getEventListeners(abort.signal, 'abort'), [])
  const closed = memory.lineIndex()
  setImmediate(() => void memory.close())
  await t.throwsAsync(closed, { code: 'ERR_MEMMAP_CLOSED' })
  await memory.close()
})

// Untrusted bytes.

const isLittleEndian = endianness() === 'LE'

/** Returns an index of 200 lines of 3 bytes in which some words are changed. */
async function changed(t: ExecutionContext, words: Record<number, bigint>, length?: number): Promise<Uint8Array> {
  const { bytes } = await holding(t, 'ab\n'.repeat(200)).lineIndex()
  const copy = Uint8Array.from(bytes).subarray(0, length)
  const view = new DataView(copy.buffer, 0, copy.length)
  for (const [word, value] of Object.entries(words)) view.setBigUint64(Number(word) * 8, value, isLittleEndian)
  return copy
}

const notAnIndex = test.macro(
  async (t: ExecutionContext, words: Record<number, bigint>, length: number | undefined, message: RegExp) => {
    const bytes = await changed(t, words, length)
    t.throws(() => LineIndex.from(bytes), { instanceOf: TypeError, message })
    t.throws(() => LineIndex.from(bytes), { code: 'ERR_INVALID_ARG_VALUE' })
  },
)

test('zero bytes are not an index', notAnIndex, {}, 0, /too short/)
test('23 bytes are not an index', notAnIndex, {}, 23, /too short/)
test('bytes with another signature are not an index', notAnIndex, { 0: 1n }, undefined, /does not begin as one/)
test(
  'an index of the other byte order is refused',
  notAnIndex,
  { 0: 0x4d4d_4c4e_4958_3031n },
  undefined,
  /other byte order/,
)
test('an index truncated in its blocks is refused', notAnIndex, {}, 60, /cut off/)
test('an index truncated in its tables is refused', notAnIndex, {}, 400, /cut off/)
test('an index of more lines than bytes is refused', notAnIndex, { 1: 700n }, undefined, /cut off/)
test('an index of bytes without lines is refused', notAnIndex, { 1: 0n }, undefined, /bytes that lie in no line/)
test('an index of more than 2^53 - 1 lines is refused', notAnIndex, { 1: 2n ** 53n }, undefined, /too large/)
test('an index of more than 2^53 - 1 bytes is refused', notAnIndex, { 2: 2n ** 64n - 1n }, undefined, /too large/)

const damagedLine = test.macro(async (t: ExecutionContext, words: Record<number, bigint>, message: RegExp) => {
  const index = LineIndex.from(await changed(t, words))
  t.throws(() => index.line(0), { instanceOf: TypeError, message })
  t.throws(() => index.line(0), { code: 'ERR_INVALID_ARG_VALUE' })
  t.deepEqual(index.line(150), { offset: 450, length: 3 })
})

test('a block that begins after the end is refused', damagedLine, { 3: 600n }, /behind the indexed bytes/)
test('a block with a very large offset is refused', damagedLine, { 3: 2n ** 60n }, /too large/)
test('a table outside the index is refused', damagedLine, { 4: 100_000n * 4n + 1n }, /outside/)
test('a table with a very large offset is refused', damagedLine, { 4: 2n ** 64n - 3n }, /too large/)
test('a table that ends outside the index is refused', damagedLine, { 4: 487n * 4n + 1n }, /outside/)
test('a table with elements of an unknown width is refused', damagedLine, { 4: 88n * 4n }, /no known width/)
test(
  'a table with a line that ends before its start is refused',
  damagedLine,
  { 11: 0n },
  /does not end behind its start/,
)

test('an index that does not fit its mapping is refused', async (t) => {
  const memory = holding(t, 'one\ntwo')
  const { bytes } = await memory.lineIndex()
  const refuses = (source: unknown, code: string): unknown =>
    t.throws(() => LineIndex.from(bytes, source as LineIndexSource), { code })
  refuses({ mapping: memory, offset: 1 }, 'ERR_OUT_OF_RANGE')
  refuses({ mapping: {} }, 'ERR_INVALID_ARG_TYPE')
  refuses({ mapping: null }, 'ERR_INVALID_ARG_TYPE')
  refuses({ offset: -1 }, 'ERR_OUT_OF_RANGE')
  refuses({ offset: Number.MAX_SAFE_INTEGER }, 'ERR_INVALID_ARG_VALUE')
  refuses({ ofset: 1 }, 'ERR_INVALID_ARG_VALUE')
  t.throws(() => LineIndex.from([] as never), { code: 'ERR_INVALID_ARG_TYPE' })
  t.deepEqual(LineIndex.from(bytes, { offset: 100 }).line(1), { offset: 104, length: 3 })
})
