import fc from 'fast-check'
import test, { type ExecutionContext } from 'ava'
import { mmapAnonymous, mmapSync } from '../../index.js'
import { counting, tempFile } from '../helpers/temp.js'
import { allOf } from '../helpers/iterations.js'

test('records are consecutive ranges of the requested size', async (t) => {
  const mapping = mmapSync(tempFile(t, 1000))
  const bytes = counting(1000)
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 200 }),
    fc.nat(40),
    fc.nat(4),
    async (size, offset, count) => {
      const records = await allOf(mapping.records(size, { offset, length: size * count }))
      t.deepEqual(records, Array.from({ length: count }, (_, n) => bytes.subarray(offset + n * size, offset + (n + 1) * size))) // prettier-ignore
    },
  )
  await fc.assert(property)
  mapping.closeSync()
})

test('a range that is not a whole number of records is refused at once', (t) => {
  const memory = mmapAnonymous(100)
  t.throws(() => memory.records(30), { code: 'ERR_OUT_OF_RANGE', message: /multiple of 30.*Received 100/ })
  t.throws(() => memory.records(101), { code: 'ERR_OUT_OF_RANGE' })
  t.is([...memory.records(30, { length: 90 })].length, 3)
  memory.closeSync()
})

test('partial: true adds the incomplete last record', async (t) => {
  const memory = mmapAnonymous(100)
  const lengths = (await allOf(memory.records(30, { partial: true }))).map((record) => record.length)
  t.deepEqual(lengths, [30, 30, 30, 10])
  memory.closeSync()
})

test('an empty range has no records', async (t) => {
  const memory = mmapAnonymous(100)
  t.deepEqual(await allOf(memory.records(7, { offset: 100 })), [])
  memory.closeSync()
})

test('records are views, not copies', (t) => {
  const memory = mmapAnonymous(12)
  for (const [index, record] of [...memory.records(4)].entries()) record.writeUInt32LE(index)
  t.deepEqual([...memory.array(Uint32Array)], [0, 1, 2])
  memory.closeSync()
})

test('a batch has many small records or one large record', (t) => {
  const memory = mmapAnonymous(2 ** 22)
  const first = (size: number) => [...memory.records(size).batches()][0]?.length
  t.is(first(2 ** 20), 1)
  t.is(first(2 ** 12), 64)
  t.true(first(64)! >= 1000)
  memory.closeSync()
})

const refuses = test.macro((t: ExecutionContext, size: unknown, options: object, code: string) => {
  const memory = mmapAnonymous(100)
  t.throws(() => memory.records(size as number, options), { code })
  memory.closeSync()
})

test('a size of 0 is refused', refuses, 0, {}, 'ERR_OUT_OF_RANGE')
test('a size of 2^31 is refused', refuses, 2 ** 31, {}, 'ERR_OUT_OF_RANGE')
test('a size that is not a number is refused', refuses, '4', {}, 'ERR_INVALID_ARG_TYPE')
test('a missing size is refused', refuses, undefined, {}, 'ERR_INVALID_ARG_TYPE')
test('a partial that is not a boolean is refused', refuses, 10, { partial: 1 }, 'ERR_INVALID_ARG_TYPE')
test('an unknown option is refused', refuses, 10, { size: 1 }, 'ERR_INVALID_ARG_VALUE')
