import test, { type ExecutionContext } from 'ava'
import { mmapAnonymous, mmapSync } from '../../index.js'
import { tempFile } from '../helpers/temp.js'
import { allOf } from '../helpers/iterations.js'

const splits = test.macro(async (t: ExecutionContext, text: string, separator: string) => {
  const mapping = mmapSync(tempFile(t, text))
  const expected = text.split(separator)
  t.deepEqual(await allOf(mapping.split(separator)), expected)
  const kept = expected.map((item, index) => (index < expected.length - 1 ? item + separator : item))
  t.deepEqual(await allOf(mapping.split(separator, { keepEnd: true })), kept)
  mapping.closeSync()
})

test('an empty range has one empty item', splits, '', ',')
test('a range without a separator is one item', splits, 'abc', ',')
test('a range that equals the separator has two empty items', splits, ',', ',')
test('the last separator is followed by an item, which may be empty', splits, 'a,b,', ',')
test('items may be empty', splits, ',,a,,', ',')
test('a separator may have several bytes', splits, 'one, two, three, ', ', ')
test('a separator may be a character of several bytes', splits, 'a€b€€c', '€')
test('a separator that overlaps itself is found from the left', splits, 'aaaaaxaaa', 'aa')
test('a separator may be longer than the range', splits, 'ab', 'abc')
test('a separator may equal the range', splits, 'abc', 'abc')
test('a carriage return is not part of the separator', splits, 'a\r\nb\r\n', '\n')
test('a separator is encoded with the requested encoding', async (t) => {
  const memory = mmapAnonymous(3)
  memory.write(Uint8Array.of(0x61, 0xe9, 0x62))
  t.deepEqual(await allOf(memory.split('é', { encoding: 'latin1' })), ['a', 'b'])
  t.deepEqual(await allOf(memory.split('é')), ['a\uFFFDb'])
  memory.closeSync()
})

test('a separator that is changed later is used as it was', (t) => {
  const memory = mmapAnonymous(3)
  memory.write('a,b')
  const separator = Buffer.from(',')
  const items = memory.split(separator)
  separator.fill('a')
  t.deepEqual([...items], ['a', 'b'])
  memory.closeSync()
})

const refuses = test.macro((t: ExecutionContext, separator: unknown, options: object, code: string) => {
  const memory = mmapAnonymous(100)
  t.throws(() => memory.split(separator as string, options), { code })
  memory.closeSync()
})

test('a separator that is an empty string is refused', refuses, '', {}, 'ERR_INVALID_ARG_VALUE')
test('a separator of zero bytes is refused', refuses, new Uint8Array(0), {}, 'ERR_INVALID_ARG_VALUE')
test('a separator that is a number is refused', refuses, 44, {}, 'ERR_INVALID_ARG_TYPE')
test('a separator that is a regular expression is refused', refuses, /,/, {}, 'ERR_INVALID_ARG_TYPE')
test('the option follow is refused', refuses, ',', { follow: true }, 'ERR_INVALID_ARG_VALUE')
