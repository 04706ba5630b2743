import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { type FlushOptions, mmapAnonymous, mmapSync } from '../index.js'
import { tempFile } from './helpers/temp.js'

const flushes = test.macro(async (t: ExecutionContext, options: FlushOptions | undefined, bytes: number) => {
  const file = tempFile(t, 10_000)
  const mapping = mmapSync(file, { mode: 'r+', offset: 3 })
  mapping.fill(7)
  for (const result of [await mapping.flush(options), mapping.flushSync(options)]) {
    t.is(result.level, 'data')
    t.is(result.bytes, bytes)
    t.true(['data', 'volatile'].includes(result.achieved))
  }
  t.is(readFileSync(file)[9999], 7)
  await mapping.close()
})

test('flushes everything', flushes, undefined, 9997)
test("flushes everything at level 'data'", flushes, { level: 'data' }, 9997)
test('flushes any range of bytes', flushes, { offset: 4097, length: 2 }, 2)
test('flushes to the end', flushes, { offset: 9000n }, 997)
test('flushes nothing', flushes, { offset: 9997, length: 0 }, 0)

for (const mode of ['r', 'c'] as const) {
  test(`in mode '${mode}' there is nothing to flush`, async (t) => {
    const mapping = mmapSync(tempFile(t, 100), { mode })
    const expected = { bytes: 0, level: 'data', achieved: 'none' } as const
    t.deepEqual(await mapping.flush(), expected)
    t.deepEqual(mapping.flushSync(), expected)
    mapping.closeSync()
  })
}

test('of anonymous memory there is nothing to flush', async (t) => {
  const memory = mmapAnonymous(100)
  t.is((await memory.flush()).achieved, 'none')
  t.is(memory.flushSync().achieved, 'none')
  memory.closeSync()
})

test('many flushes at once all end, and closing waits for them', async (t) => {
  const mapping = mmapSync(tempFile(t, 1 << 20), { mode: 'r+' })
  const flushing = Array.from({ length: 50 }, (_, at) => mapping.flush({ offset: at * 1000, length: 1000 }))
  const closing = mapping.close()
  const results = await Promise.all(flushing)
  t.true(results.every(({ bytes }) => bytes === 1000))
  await closing
})

const refuses = test.macro(async (t: ExecutionContext, options: object, code: string) => {
  const mapping = mmapSync(tempFile(t, 100), { mode: 'r+' })
  t.throws(() => mapping.flushSync(options), { code })
  await t.throwsAsync(mapping.flush(options), { code })
  mapping.closeSync()
})

test('an unknown level is refused', refuses, { level: 'most' }, 'ERR_INVALID_ARG_VALUE')
test('a level that is no string is refused', refuses, { level: 1 }, 'ERR_INVALID_ARG_TYPE')
test('a range beyond the end is refused', refuses, { offset: 50, length: 51 }, 'ERR_OUT_OF_RANGE')
test('an unknown option is refused', refuses, { start: 1 }, 'ERR_INVALID_ARG_VALUE')
