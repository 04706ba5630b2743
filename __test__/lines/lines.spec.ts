import { truncateSync } from 'node:fs'
import fc from 'fast-check'
import test, { type ExecutionContext } from 'ava'
import { type ByteRange, mmapAnonymous, mmapSync } from '../../index.js'
import { type Cut, makersOf, type LineEncoding } from '../../lib/lines/decode.js'
import { makeIterable } from '../../lib/iterate/iterable.js'
import { Pieces } from '../../lib/lines/delimited.js'
import { runCode } from '../helpers/child.js'
import { tempDir, tempFile } from '../helpers/temp.js'
import { allOf, rangeOf } from '../helpers/walks.js'

/** Where the lines of some bytes are, found byte by byte. */
function extentsOf(bytes: Uint8Array, keepEnd: boolean): ByteRange[] {
  const found: ByteRange[] = []
  let start = 0
  for (let at = 0; at <= bytes.length; at++) {
    if (at < bytes.length ? bytes[at] !== 10 : start === at) continue
    const isEnded = at < bytes.length
    const trimmed = isEnded && at > start && bytes[at - 1] === 13 ? at - 1 : at
    found.push({ offset: start, length: (keepEnd && isEnded ? at + 1 : trimmed) - start })
    start = at + 1
  }
  return found
}

function linesOf(bytes: Buffer, encoding: Exclude<LineEncoding, 'buffer'>, keepEnd = false): string[] {
  return extentsOf(bytes, keepEnd).map(({ offset, length }) => bytes.toString(encoding, offset, offset + length))
}

const yields = test.macro(async (t: ExecutionContext, text: string, expected: string[], kept: string[]) => {
  const mapping = mmapSync(tempFile(t, text))
  t.deepEqual(await allOf(mapping.lines()), expected)
  t.deepEqual(await allOf(mapping.lines({ keepEnd: true })), kept)
  t.is(kept.join(''), text)
  mapping.closeSync()
})

test('an empty file has no lines', yields, '', [], [])
test('a line feed alone is one empty line', yields, '\n', [''], ['\n'])
test('a last line needs no end', yields, 'a\nb', ['a', 'b'], ['a\n', 'b'])
test('a last line with an end is followed by none', yields, 'a\nb\n', ['a', 'b'], ['a\n', 'b\n'])
test('lines may be empty', yields, 'a\n\n\nb', ['a', '', '', 'b'], ['a\n', '\n', '\n', 'b'])
test('carriage return and line feed are one end', yields, 'a\r\n\r\nb\n', ['a', '', 'b'], ['a\r\n', '\r\n', 'b\n'])
test('a carriage return alone ends nothing', yields, 'a\rb\r\r\nc\r', ['a\rb\r', 'c\r'], ['a\rb\r\r\n', 'c\r'])
test('a byte order mark stays', yields, '\uFEFFa\n\uFEFFb', ['\uFEFFa', '\uFEFFb'], ['\uFEFFa\n', '\uFEFFb'])
test(
  'other separators of Unicode end nothing',
  yields,
  'a\u2028b\u0085c\vd\n',
  ['a\u2028b\u0085c\vd'],
  ['a\u2028b\u0085c\vd\n'],
)

// Pieces of sequences that are cut anywhere, ends of lines, and bytes that stand for nothing in UTF-8. 0x8a and 0x8d are ends of
// lines to who takes bytes for ASCII by dropping a bit.
const scraps = ['a', 'bc', '\n', '\n', '\r\n', '\r', '\0', '\uFEFF', 'é', '€', '😀', '\xe2', '\xe2\x82', '\xf0\x9f\x98', '\x80', '\x8a', '\x8d', '\xff', '\xc0\xaf', '\xed\xa0\x80'] // prettier-ignore
const byteStrings = fc
  .array(fc.constantFrom(...scraps), { maxLength: 60 })
  .map((parts) =>
    Buffer.concat(
      parts.map((part) => Buffer.from(part, /[\u0100-\uFFFF]/.test(part) || part === 'é' ? 'utf8' : 'latin1')),
    ),
  )
const encodings = fc.constantFrom('utf8' as const, 'latin1' as const, 'ascii' as const)
const sizes = fc.integer({ min: 1, max: 40 })

test('lines are those of Buffer.toString() one by one, whatever the bytes and wherever parts end', async (t) => {
  const memory = mmapAnonymous(300)
  const property = fc.asyncProperty(
    byteStrings,
    encodings,
    fc.boolean(),
    sizes,
    fc.nat(20),
    async (bytes, encoding, keepEnd, size, at) => {
      memory.fill(10)
      memory.write(bytes, at)
      const range = rangeOf(memory, at, at + bytes.length)
      const cut: Cut = { separator: Uint8Array.of(10), dropReturn: true, keepEnd, keepLast: false }
      const through = (coding: LineEncoding, offsets = false) => {
        const { items } = makersOf(coding, offsets)
        return allOf(makeIterable(range, () => new Pieces(range, cut, { ...items, size })))
      }
      const extents = extentsOf(bytes, keepEnd)
      t.deepEqual(await through(encoding), linesOf(bytes, encoding, keepEnd))
      t.deepEqual(
        await through('buffer'),
        extents.map(({ offset, length }) => bytes.subarray(offset, offset + length)),
      )
      t.deepEqual(
        await through('utf8', true),
        extents.map(({ offset, length }) => ({ offset: at + offset, length })),
      )
    },
  )
  await fc.assert(property, { numRuns: 300 })
  memory.closeSync()
})

test('lines cross the borders of parts of a real size', async (t) => {
  const random = fc.sample(byteStrings, { numRuns: 4000, seed: 7 })
  const longer = ['x'.repeat(65535), 'y'.repeat(65536), 'z'.repeat(65537), 'ü'.repeat(70000), 'q'.repeat(3_000_000)]
  const bytes = Buffer.concat([
    ...random,
    ...longer.flatMap((line) => [Buffer.from(line), Buffer.from('\r\n')]),
    ...random,
  ])
  const mapping = mmapSync(tempFile(t, bytes))
  for (const encoding of ['utf8', 'latin1', 'ascii'] as const) {
    t.deepEqual(await allOf(mapping.lines({ encoding })), linesOf(bytes, encoding))
  }
  const extents = extentsOf(bytes, false)
  t.deepEqual([...mapping.lines({ offsets: true })], extents)
  const columns = [...mapping.lines({ offsets: true }).batches()]
  t.deepEqual(columns.flatMap(({ offsets }) => [...offsets]), extents.map(({ offset }) => offset)) // prettier-ignore
  t.deepEqual(columns.flatMap(({ lengths }) => [...lengths]), extents.map(({ length }) => length)) // prettier-ignore
  for await (const { offsets, lengths } of mapping.lines({ offsets: true }).batches())
    t.is(offsets.length, lengths.length)
  mapping.closeSync()
})

test('batches hold the lines of some ten KiB', (t) => {
  const mapping = mmapSync(tempFile(t, 'the same again\n'.repeat(100_000)))
  for (const batch of [...mapping.lines().batches()].slice(0, -1)) {
    const bytes = batch.length * 15
    t.true(bytes > 2 ** 15 && bytes <= 2 ** 18, `${bytes}`)
  }
  mapping.closeSync()
})

test('lines as strings and as places are made without a view, which the engine counts as memory of its own', (t) => {
  const mapping = mmapSync(tempFile(t, 'a line of text\r\n'.repeat(2 ** 20)))
  const external = (): number => process.memoryUsage().external
  const before = external()
  // The last one has no end.
  const length = 2 ** 20 - 5
  t.is([...mapping.lines({ length })].length, 2 ** 16)
  t.is([...mapping.lines({ length, keepEnd: true, offsets: true })].length, 2 ** 16)
  t.is(Array.from(mapping.split(' of ', { length, offsets: true })).length, 2 ** 16 + 1)
  t.is([...mapping.lines({ offset: 2 ** 23, length: 8 })].join(), 'a line o')
  t.true(external() - before < mapping.length / 2)
  mapping.closeSync()
})

test('lines of a range end where the range ends, and say where they are in the mapping', async (t) => {
  const mapping = mmapSync(tempFile(t, 'one\ntwo\nthree\nfour\n'))
  t.deepEqual(await allOf(mapping.lines({ offset: 4, length: 6 })), ['two', 'th'])
  t.deepEqual([...mapping.lines({ offset: 4n, length: 6n, offsets: true })], [
    { offset: 4, length: 3 },
    { offset: 8, length: 2 },
  ]) // prettier-ignore
  t.deepEqual(await allOf(mapping.lines({ offset: mapping.length })), [])
  mapping.closeSync()
})

test('lines as Buffers are views, not copies', (t) => {
  const memory = mmapAnonymous(6)
  memory.write('ab\ncd\n')
  for (const line of memory.lines({ encoding: 'buffer' })) line.fill('x')
  t.is(memory.read().toString(), 'xx\nxx\n')
  memory.closeSync()
})

test('a line longer than any string is an error that says where, and fine as a Buffer or as a place', async (t) => {
  const file = tempFile(t, 'short\n')
  const length = 600 * 2 ** 20
  truncateSync(file, length + 6)
  const mapping = mmapSync(file)
  const lines = mapping.lines()[Symbol.iterator]()
  t.is(lines.next().value, 'short')
  t.throws(() => lines.next(), { code: 'ERR_STRING_TOO_LONG', message: /629145600 bytes at offset 6 .*'buffer'/ })
  t.true(lines.next().done)
  const iterator = mapping.lines({ encoding: 'latin1' }).batches()[Symbol.asyncIterator]()
  await iterator.next()
  await t.throwsAsync(iterator.next(), { code: 'ERR_STRING_TOO_LONG' })
  t.deepEqual(await iterator.next(), { done: true, value: undefined })
  t.is([...mapping.lines({ encoding: 'buffer' })][1]?.length, length)
  t.deepEqual([...mapping.lines({ offsets: true })][1], { offset: 6, length })
  mapping.closeSync()
})

test('a line longer than any Buffer is an error as one, and fine as a place, and so as a DataView', (t) => {
  const length = 3 * 2 ** 30
  const memory = mmapAnonymous(length + 2, { noReserve: true })
  memory.write('\nx', length)
  t.throws(() => [...memory.lines({ encoding: 'buffer' })], { code: 'ERR_MEMMAP_VIEW_TOO_LARGE' })
  t.throws(() => [...memory.lines()], { code: 'ERR_STRING_TOO_LONG' })
  t.deepEqual(
    [...memory.lines({ offsets: true })],
    [
      { offset: 0, length },
      { offset: length + 1, length: 1 },
    ],
  )
  t.is(memory.dataView(0, length).byteLength, length)
  memory.closeSync()
})

const refuses = test.macro((t: ExecutionContext, options: object, code: string) => {
  const memory = mmapAnonymous(100)
  t.throws(() => memory.lines(options), { code })
  memory.closeSync()
})

test('an unknown encoding is refused', refuses, { encoding: 'utf16le' }, 'ERR_INVALID_ARG_VALUE')
test('an encoding that is no string is refused', refuses, { encoding: 8 }, 'ERR_INVALID_ARG_TYPE')
test('keepEnd that is no truth value is refused', refuses, { keepEnd: 1 }, 'ERR_INVALID_ARG_TYPE')
test('offsets that are no truth value are refused', refuses, { offsets: 1 }, 'ERR_INVALID_ARG_TYPE')
test('dropBehind that is no truth value is refused', refuses, { dropBehind: 1 }, 'ERR_INVALID_ARG_TYPE')
test('a signal that is none is refused', refuses, { signal: {} }, 'ERR_INVALID_ARG_TYPE')
test('a misspelt option is refused', refuses, { keepend: true }, 'ERR_INVALID_ARG_VALUE')
test('a range beyond the end is refused', refuses, { length: 101 }, 'ERR_OUT_OF_RANGE')

test('a page that is lost becomes an error, not a line of zeros', async (t) => {
  const { code, signal, stdout } = await runCode(
    `
    import { truncateSync, writeFileSync } from 'node:fs'
    import { mmapSync } from 'memmap'
    writeFileSync('lines.txt', 'line\\n'.repeat(100_000))
    const mapping = mmapSync('lines.txt')
    truncateSync('lines.txt', 4096)
    const seen = new Set()
    try {
      for (const line of mapping.lines()) seen.add(line)
    } catch (error) {
      console.log(error.code, ...seen)
    }
    try {
      for await (const line of mapping.lines()) seen.add(line)
    } catch (error) {
      console.log(error.code)
    }
    `,
    { cwd: tempDir(t), node: ['--no-warnings'] },
  )
  t.deepEqual({ code, signal, stdout }, { code: 0, signal: null, stdout: 'ERR_MEMMAP_FAULT\nERR_MEMMAP_FAULT\n' })
})

test('where a file ends in the middle of a page now, the rest of the page becomes an error, not zeros', async (t) => {
  const outcome = await runCode(
    `
    import assert from 'node:assert'
    import { truncateSync, writeFileSync } from 'node:fs'
    import { mmapSync } from 'memmap'
    writeFileSync('lines.txt', 'line\\n'.repeat(600))
    const mapping = mmapSync('lines.txt')
    truncateSync('lines.txt', 1001)
    const fault = { code: 'ERR_MEMMAP_FAULT', path: 'lines.txt', offset: 1001, reason: 'truncated' }
    assert.equal([...mapping.lines({ length: 1000 })].length, 200)
    assert.deepEqual(mapping.faults, [])
    assert.throws(() => [...mapping.lines()], fault)
    assert.deepEqual(mapping.faults, [{ offset: 1001, reason: 'truncated' }])
    assert.throws(() => mapping.assertHealthy(), fault)
    mapping.closeSync()
    for (const use of [
      (other) => [...other.records(5)],
      (other) => other.chunks()[Symbol.asyncIterator]().next(),
      (other) => other.windows().batches()[Symbol.iterator]().next(),
    ]) {
      writeFileSync('lines.txt', 'line\\n'.repeat(600))
      const other = mmapSync('lines.txt')
      truncateSync('lines.txt', 1001)
      await assert.rejects(async () => use(other), fault)
      assert.throws(() => other.assertHealthy(), fault)
      other.closeSync()
    }
    `,
    { cwd: tempDir(t), node: ['--no-warnings'] },
  )
  t.deepEqual(outcome, { code: 0, signal: null, stdout: '', stderr: '' })
})

test('where the runtime refuses views there are lines all the same', async (t) => {
  const { code, signal, stdout, stderr } = await runCode(
    `
    import assert from 'node:assert'
    import { mmapAnonymous } from 'memmap'
    const memory = mmapAnonymous(200_000)
    memory.fill('añ\\r\\n')
    memory.fill('x', { offset: 0, length: 100_000 })
    const strings = [...memory.lines()]
    assert.equal(strings.length, 20_000)
    assert.equal(strings[0].length, 100_002)
    assert.equal(strings.at(-2), 'añ')
    for await (const line of memory.lines({ encoding: 'buffer' })) assert.equal(String(line), strings.shift())
    assert.equal(strings.length, 0)
    assert.deepEqual(memory.lines({ offsets: true }).batches()[Symbol.iterator]().next().value.lengths[0], 100_003)
    memory.closeSync()
    `,
    { env: { MEMMAP_NO_EXTERNAL_BUFFERS: '1' } },
  )
  t.is(stderr, '')
  t.deepEqual({ code, signal, stdout }, { code: 0, signal: null, stdout: '' })
})
