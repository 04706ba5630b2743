import test, { type ExecutionContext } from 'ava'
import { mmapAnonymous, mmapSync } from '../../index.js'
import { tempFile } from '../helpers/temp.js'
import { allOf } from '../helpers/walks.js'

const splits = test.macro(async (t: ExecutionContext, text: string, separator: string) => {
  const mapping = mmapSync(tempFile(t, text))
  const expected = text.split(separator)
  t.deepEqual(await allOf(mapping.split(separator)), expected)
  const kept = expected.map((piece, index) => (index < expected.length - 1 ? piece + separator : piece))
  t.deepEqual(await allOf(mapping.split(separator, { keepEnd: true })), kept)
  mapping.closeSync()
})

test('an empty range is one empty piece', splits, '', ',')
test('without a separator there is one piece', splits, 'abc', ',')
test('a range that is a separator is two empty pieces', splits, ',', ',')
test('what follows the last separator is a piece even if it is empty', splits, 'a,b,', ',')
test('pieces may be empty', splits, ',,a,,', ',')
test('a separator may have several bytes', splits, 'one, two, three, ', ', ')
test('a separator may be a character of several bytes', splits, 'a€b€€c', '€')
test('a separator that overlaps itself is found from the left', splits, 'aaaaaxaaa', 'aa')
test('a separator may be longer than the range', splits, 'ab', 'abc')
test('a separator may be the range', splits, 'abc', 'abc')
test('a carriage return is not part of an end', splits, 'a\r\nb\r\n', '\n')
test('a separator stands for its bytes in the encoding asked for', async (t) => {
  const memory = mmapAnonymous(3)
  memory.write(Uint8Array.of(0x61, 0xe9, 0x62))
  t.deepEqual(await allOf(memory.split('é', { encoding: 'latin1' })), ['a', 'b'])
  t.deepEqual(await allOf(memory.split('é')), ['a\uFFFDb'])
  memory.closeSync()
})

test('a separator that is changed later still separates as it was', (t) => {
  const memory = mmapAnonymous(3)
  memory.write('a,b')
  const separator = Buffer.from(',')
  const walked = memory.split(separator)
  separator.fill('a')
  t.deepEqual([...walked], ['a', 'b'])
  memory.closeSync()
})

const refuses = test.macro((t: ExecutionContext, separator: unknown, options: object, code: string) => {
  const memory = mmapAnonymous(100)
  t.throws(() => memory.split(separator as string, options), { code })
  memory.closeSync()
})

test('an empty string is refused', refuses, '', {}, 'ERR_INVALID_ARG_VALUE')
test('no bytes are refused', refuses, new Uint8Array(0), {}, 'ERR_INVALID_ARG_VALUE')
test('a number is refused', refuses, 44, {}, 'ERR_INVALID_ARG_TYPE')
test('an expression is refused', refuses, /,/, {}, 'ERR_INVALID_ARG_TYPE')
test('follow is for lines', refuses, ',', { follow: true }, 'ERR_INVALID_ARG_VALUE')
