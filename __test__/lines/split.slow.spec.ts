import fc from 'fast-check'
import test, { type ExecutionContext } from 'ava'
import { mmapAnonymous, mmapSync } from '../../index.js'
import { decodersFor, type DelimiterRules, type LineEncoding } from '../../lib/lines/decode.js'
import { makeIterable } from '../../lib/iterate/iterable.js'
import { DelimitedReader } from '../../lib/lines/delimited.js'
import { runCode } from '../helpers/child.js'
import { tempFile } from '../helpers/temp.js'
import { allOf, rangeOf } from '../helpers/iterations.js'

const splits = test.macro(async (t: ExecutionContext, text: string, separator: string) => {
  const mapping = mmapSync(tempFile(t, text))
  const expected = text.split(separator)
  t.deepEqual(await allOf(mapping.split(separator)), expected)
  const kept = expected.map((item, index) => (index < expected.length - 1 ? item + separator : item))
  t.deepEqual(await allOf(mapping.split(separator, { keepEnd: true })), kept)
  mapping.closeSync()
})

test(
  'a separator may be longer than a batch',
  splits,
  `a${'s'.repeat(70_000)}b${'s'.repeat(70_000)}`,
  's'.repeat(70_000),
)
test('items may be longer than a batch', splits, `${'a'.repeat(3_000_000)};b;${'c'.repeat(200_000)}`, ';')
test(
  'items between longer separators cross the borders of batches',
  splits,
  'grün<br>blau<br>\n'.repeat(30_000),
  '<br>',
)

// An alphabet so small that separators touch, overlap and cross every border of batches.
const letter = fc.constantFrom('a', 'b', 'ab', 'é', '€', '😀')
const text = fc.array(letter, { maxLength: 60 }).map((letters) => letters.join(''))
const separators = fc.array(letter, { minLength: 1, maxLength: 3 }).map((letters) => letters.join(''))
const sizes = fc.integer({ min: 1, max: 30 })

test('items equal those of String.split(), for any batch size', async (t) => {
  const memory = mmapAnonymous(400)
  const property = fc.asyncProperty(text, separators, sizes, fc.nat(20), async (whole, separator, size, at) => {
    const bytes = Buffer.from(whole)
    memory.fill('ab')
    memory.write(bytes, at)
    const rules: DelimiterRules = {
      delimiter: Buffer.from(separator),
      dropReturn: false,
      keepEnd: false,
      keepEmptyLast: true,
    }
    const range = rangeOf(memory, at, at + bytes.length)
    const through = (encoding: LineEncoding, offsets = false) => {
      const decoder = { ...decodersFor(encoding, offsets).items, batchSize: size }
      return allOf(makeIterable(range, () => new DelimitedReader(range, rules, decoder)))
    }
    const expected = whole.split(separator)
    t.deepEqual(await through('utf8'), expected)
    t.deepEqual((await through('buffer')).map(String), expected)
    let next = at
    const ranges = expected.map((item) => {
      const offset = next
      const length = Buffer.byteLength(item)
      next += length + rules.delimiter.length
      return { offset, length }
    })
    t.deepEqual(await through('utf8', true), ranges)
  })
  await fc.assert(property, { numRuns: 300 })
  memory.closeSync()
})

test('items of any bytes between any separators equal those of a Latin-1 string', async (t) => {
  const memory = mmapAnonymous(400)
  const byte = fc.constantFrom(0, 10, 0x41, 0x80, 0xc3, 0xe2, 0xff)
  const bytes = fc.array(byte, { maxLength: 60 }).map((list) => Buffer.from(list))
  const separator = fc.array(byte, { minLength: 1, maxLength: 3 }).map((list) => Uint8Array.from(list))
  const property = fc.asyncProperty(bytes, separator, async (whole, between) => {
    memory.write(whole)
    const range = { offset: 0, length: whole.length }
    const expected = whole.toString('latin1').split(Buffer.from(between).toString('latin1'))
    const again = expected.map((item) => Buffer.from(item, 'latin1'))
    t.deepEqual(await allOf(memory.split(between, { ...range, encoding: 'latin1' })), expected)
    t.deepEqual(await allOf(memory.split(between, { ...range, encoding: 'buffer' })), again)
    t.deepEqual(await allOf(memory.split(between, range)), again.map(String))
    t.deepEqual(await allOf(memory.split(between, { ...range, encoding: 'ascii' })), again.map((item) => item.toString('ascii'))) // prettier-ignore
  })
  await fc.assert(property, { numRuns: 300 })
  memory.closeSync()
})

test('split() works without views', async (t) => {
  const outcome = await runCode(
    `
    import assert from 'node:assert'
    import { mmapAnonymous } from 'memmap'
    const memory = mmapAnonymous(200_000)
    memory.fill('ab, ')
    assert.equal([...memory.split(', ')].filter((item) => item === 'ab').length, 50_000)
    for await (const batch of memory.split(',', { encoding: 'buffer' }).batches()) assert(batch.length > 0)
    memory.closeSync()
    `,
    { env: { MEMMAP_NO_EXTERNAL_BUFFERS: '1' } },
  )
  t.deepEqual(outcome, { code: 0, signal: null, stdout: '', stderr: '' })
})
