import { isDeepStrictEqual } from 'node:util'
import { truncateSync } from 'node:fs'
import fc from 'fast-check'
import test from 'ava'
import { type ByteRange, mmapAnonymous, mmapSync } from '../../index.js'
import { decodersFor, type DelimiterRules, type LineEncoding } from '../../lib/lines/decode.js'
import { makeIterable } from '../../lib/iterate/iterable.js'
import { DelimitedReader } from '../../lib/lines/delimited.js'
import { runCode } from '../helpers/child.js'
import { tempDir, tempFile } from '../helpers/temp.js'
import { allOf, rangeOf } from '../helpers/iterations.js'

/** Returns the ranges of the lines of some bytes, found byte by byte. */
function lineRangesOf(bytes: Uint8Array, keepEnd: boolean): ByteRange[] {
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
  return lineRangesOf(bytes, keepEnd).map(({ offset, length }) => bytes.toString(encoding, offset, offset + length))
}

// Characters, truncated sequences, line ends, and bytes that are invalid in UTF-8. 0x8a and 0x8d are line ends to a decoder
// that masks the highest bit.
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

test('lines equal Buffer.toString() of each line, for any bytes and any batch size', async (t) => {
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
      const rules: DelimiterRules = { delimiter: Uint8Array.of(10), dropReturn: true, keepEnd, keepEmptyLast: false }
      const through = (coding: LineEncoding, offsets = false) => {
        const { items } = decodersFor(coding, offsets)
        return allOf(makeIterable(range, () => new DelimitedReader(range, rules, { ...items, batchSize: size })))
      }
      const ranges = lineRangesOf(bytes, keepEnd)
      t.deepEqual(await through(encoding), linesOf(bytes, encoding, keepEnd))
      t.deepEqual(
        await through('buffer'),
        ranges.map(({ offset, length }) => bytes.subarray(offset, offset + length)),
      )
      t.deepEqual(
        await through('utf8', true),
        ranges.map(({ offset, length }) => ({ offset: at + offset, length })),
      )
    },
  )
  await fc.assert(property, { numRuns: 300 })
  memory.closeSync()
})

test('lines cross the borders of batches of the default size', async (t) => {
  const random = fc.sample(byteStrings, { numRuns: 4000, seed: 7 })
  const longer = ['x'.repeat(65535), 'y'.repeat(65536), 'z'.repeat(65537), 'ü'.repeat(70000), 'q'.repeat(3_000_000)]
  const bytes = Buffer.concat([
    ...random,
    ...longer.flatMap((line) => [Buffer.from(line), Buffer.from('\r\n')]),
    ...random,
  ])
  const mapping = mmapSync(tempFile(t, bytes))
  for (const encoding of ['utf8', 'latin1', 'ascii'] as const) {
    t.true(isDeepStrictEqual(await allOf(mapping.lines({ encoding })), linesOf(bytes, encoding)))
  }
  const ranges = lineRangesOf(bytes, false)
  t.true(isDeepStrictEqual([...mapping.lines({ offsets: true })], ranges))
  const columns = [...mapping.lines({ offsets: true }).batches()]
  t.true(
    isDeepStrictEqual(
      columns.flatMap(({ offsets }) => [...offsets]),
      ranges.map(({ offset }) => offset),
    ),
  )
  t.true(
    isDeepStrictEqual(
      columns.flatMap(({ lengths }) => [...lengths]),
      ranges.map(({ length }) => length),
    ),
  )
  for await (const { offsets, lengths } of mapping.lines({ offsets: true }).batches())
    t.is(offsets.length, lengths.length)
  mapping.closeSync()
})

test('a line longer than any string causes an error with its offset, but has a Buffer and an offset', async (t) => {
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

test('a missing page causes an error, not a line of zeros', async (t) => {
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

test('the rest of the last page of a truncated file causes an error, not zeros', async (t) => {
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

test('lines() works without views', async (t) => {
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
