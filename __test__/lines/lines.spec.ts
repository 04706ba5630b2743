import test, { type ExecutionContext } from 'ava'
import { mmapAnonymous, mmapSync } from '../../index.js'
import { tempFile } from '../helpers/temp.js'
import { allOf } from '../helpers/iterations.js'

const yields = test.macro(async (t: ExecutionContext, text: string, expected: string[], kept: string[]) => {
  const mapping = mmapSync(tempFile(t, text))
  t.deepEqual(await allOf(mapping.lines()), expected)
  t.deepEqual(await allOf(mapping.lines({ keepEnd: true })), kept)
  t.is(kept.join(''), text)
  mapping.closeSync()
})

test('an empty file has no lines', yields, '', [], [])
test('a line feed alone is one empty line', yields, '\n', [''], ['\n'])
test('the last line needs no end', yields, 'a\nb', ['a', 'b'], ['a\n', 'b'])
test('a last line with an end is not followed by an empty line', yields, 'a\nb\n', ['a', 'b'], ['a\n', 'b\n'])
test('lines may be empty', yields, 'a\n\n\nb', ['a', '', '', 'b'], ['a\n', '\n', '\n', 'b'])
test('carriage return and line feed are one end', yields, 'a\r\n\r\nb\n', ['a', '', 'b'], ['a\r\n', '\r\n', 'b\n'])
test('a carriage return alone does not end a line', yields, 'a\rb\r\r\nc\r', ['a\rb\r', 'c\r'], ['a\rb\r\r\n', 'c\r'])
test('a byte order mark is kept', yields, '\uFEFFa\n\uFEFFb', ['\uFEFFa', '\uFEFFb'], ['\uFEFFa\n', '\uFEFFb'])
test(
  'other line separators of Unicode do not end a line',
  yields,
  'a\u2028b\u0085c\vd\n',
  ['a\u2028b\u0085c\vd'],
  ['a\u2028b\u0085c\vd\n'],
)

test('a batch has the lines of 32 to 256 KiB', (t) => {
  const mapping = mmapSync(tempFile(t, 'the same again\n'.repeat(100_000)))
  for (const batch of [...mapping.lines().batches()].slice(0, -1)) {
    const bytes = batch.length * 15
    t.true(bytes > 2 ** 15 && bytes <= 2 ** 18, `${bytes}`)
  }
  mapping.closeSync()
})

test('lines as strings and as offsets are made without a view, whose length V8 would count as external memory', (t) => {
  const mapping = mmapSync(tempFile(t, 'a line of text\r\n'.repeat(2 ** 20)))
  const external = (): number => process.memoryUsage().external
  const before = external()
  // The last line has no end.
  const length = 2 ** 20 - 5
  t.is([...mapping.lines({ length })].length, 2 ** 16)
  t.is([...mapping.lines({ length, keepEnd: true, offsets: true })].length, 2 ** 16)
  t.is(Array.from(mapping.split(' of ', { length, offsets: true })).length, 2 ** 16 + 1)
  t.is([...mapping.lines({ offset: 2 ** 23, length: 8 })].join(), 'a line o')
  t.true(external() - before < mapping.length / 2)
  mapping.closeSync()
})

test('lines of a range end with the range, and their offsets count from the start of the mapping', async (t) => {
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

test('a line longer than any Buffer causes an error as a Buffer, but has an offset and a DataView', (t) => {
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
test('an encoding that is not a string is refused', refuses, { encoding: 8 }, 'ERR_INVALID_ARG_TYPE')
test('a keepEnd that is not a boolean is refused', refuses, { keepEnd: 1 }, 'ERR_INVALID_ARG_TYPE')
test('an offsets option that is not a boolean is refused', refuses, { offsets: 1 }, 'ERR_INVALID_ARG_TYPE')
test('a dropBehind that is not a boolean is refused', refuses, { dropBehind: 1 }, 'ERR_INVALID_ARG_TYPE')
test('an invalid signal is refused', refuses, { signal: {} }, 'ERR_INVALID_ARG_TYPE')
test('a misspelt option is refused', refuses, { keepend: true }, 'ERR_INVALID_ARG_VALUE')
test('a range beyond the end is refused', refuses, { length: 101 }, 'ERR_OUT_OF_RANGE')
