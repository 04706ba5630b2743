import { getEventListeners } from 'node:events'
import { truncateSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { constants, type Mapping, mmapAnonymous, mmapSync } from '../../index.js'
import { stateOf } from '../../lib/state/mapping-state.js'
import { runCode } from '../helpers/child.js'
import { counting, tempFile } from '../helpers/temp.js'

const LENGTH = 20_000

function counted(t: ExecutionContext): Mapping {
  const mapping = mmapSync(tempFile(t, LENGTH))
  t.teardown(() => mapping.close())
  return mapping
}

// gather().

test('gather() copies ranges at any offsets, in any order, one after the other', (t) => {
  const mapping = counted(t)
  const plain = counting(LENGTH)
  const property = fc.property(
    fc.integer({ min: 1, max: 300 }),
    fc.array(fc.nat(LENGTH - 300), { maxLength: 80 }),
    fc.nat(9),
    (size, offsets, spare) => {
      const expected = Buffer.concat(offsets.map((offset) => plain.subarray(offset, offset + size)))
      for (const given of [offsets, Float64Array.from(offsets), offsets.map(BigInt)]) {
        const into = Buffer.alloc(expected.length + spare, 0xee)
        if (mapping.gather(given, size, into) !== expected.length) throw new Error('The number is wrong')
        if (!into.subarray(0, expected.length).equals(expected)) throw new Error('The bytes are wrong')
        if (into.subarray(expected.length).some((byte) => byte !== 0xee))
          throw new Error('It wrote after the end of the ranges')
      }
    },
  )
  t.notThrows(() => fc.assert(property, { numRuns: 500 }))
})

test('gather() copies into any kind of memory', (t) => {
  const mapping = counted(t)
  const whole = new ArrayBuffer(8)
  for (const into of [whole, new DataView(whole), new Float64Array(whole), new SharedArrayBuffer(8)]) {
    t.is(mapping.gather([2, 1], 4, into), 8)
    const bytes = Buffer.from('buffer' in into ? into.buffer : into)
    t.deepEqual([...bytes], [2, 3, 4, 5, 1, 2, 3, 4])
  }
})

test('gather() may copy within the mapping and read its offsets from the mapping', (t) => {
  const memory = mmapAnonymous(64)
  memory.write('abcdefgh', 40)
  const offsets = memory.array(Float64Array, 0, 4)
  offsets.set([40, 42, 44, 46])
  t.is(memory.gather(offsets, 2, memory.buffer(0, 8)), 8)
  t.is(memory.read({ length: 8 }).toString(), 'abcdefgh')
  memory.closeSync()
})

const refusesToGather = test.macro((t: ExecutionContext, args: readonly unknown[], code: string) => {
  const mapping = counted(t)
  const into = Buffer.alloc(16, 0xee)
  const [offsets, size, target = into] = args
  t.throws(() => mapping.gather(offsets as number[], size as number, target as Buffer), { code })
  t.true(into.every((byte) => byte === 0xee))
})

test('a range that ends after the mapping is refused', refusesToGather, [[0, LENGTH - 3], 4], 'ERR_OUT_OF_RANGE')
test('a very large offset is refused', refusesToGather, [Float64Array.of(0, 2 ** 53 - 1), 4], 'ERR_OUT_OF_RANGE')
test('a negative offset is refused', refusesToGather, [[-1], 4], 'ERR_OUT_OF_RANGE')
test('a negative offset in a Float64Array is refused', refusesToGather, [Float64Array.of(0, -1), 4], 'ERR_OUT_OF_RANGE')
test('a fractional offset is refused', refusesToGather, [[0.5], 4], 'ERR_OUT_OF_RANGE')
test('a fractional offset in a Float64Array is refused', refusesToGather, [Float64Array.of(0.5), 4], 'ERR_OUT_OF_RANGE')
test('an offset of NaN is refused', refusesToGather, [Float64Array.of(0, NaN), 4], 'ERR_OUT_OF_RANGE')
test('an offset of Infinity is refused', refusesToGather, [Float64Array.of(Infinity), 4], 'ERR_OUT_OF_RANGE')
test('an offset that is a string is refused', refusesToGather, [['1'], 4], 'ERR_INVALID_ARG_TYPE')
test('a number in place of the offsets is refused', refusesToGather, [1, 4], 'ERR_INVALID_ARG_TYPE')
test('offsets in a Uint32Array are refused', refusesToGather, [new Uint32Array(1), 4], 'ERR_INVALID_ARG_TYPE')
test('a size of 0 is refused', refusesToGather, [[1], 0], 'ERR_OUT_OF_RANGE')
test('a missing size is refused', refusesToGather, [[1], undefined], 'ERR_INVALID_ARG_TYPE')
test(
  'a size beyond the mapping is refused',
  refusesToGather,
  [[0], LENGTH + 1, Buffer.alloc(LENGTH + 1)],
  'ERR_OUT_OF_RANGE',
)
test('a target that is too short is refused', refusesToGather, [[0, 1, 2], 8], 'ERR_OUT_OF_RANGE')
test('a very large total is refused', refusesToGather, [[0, 0], Number.MAX_SAFE_INTEGER], 'ERR_OUT_OF_RANGE')
test('a target that is an array is refused', refusesToGather, [[0], 1, [0]], 'ERR_INVALID_ARG_TYPE')

test('ranges beyond 4 GiB are copied', (t) => {
  const memory = mmapAnonymous(2 ** 34, { noReserve: true })
  memory.write('far', 2 ** 33 + 1)
  memory.write('end', 2 ** 34 - 3)
  const into = Buffer.alloc(6)
  t.is(memory.gather([2 ** 34 - 3, 2 ** 33 + 1], 3, into), 6)
  t.is(into.toString(), 'endfar')
  memory.closeSync()
})

// prefetch().

test('prefetch() accepts ranges and offsets', async (t) => {
  const mapping = counted(t)
  t.is(await mapping.prefetch(), undefined)
  await mapping.prefetch({ offset: 100n, length: 200 })
  await mapping.prefetch({ offset: LENGTH })
  await mapping.prefetch([])
  await mapping.prefetch([0, 5000, LENGTH - 1])
  await mapping.prefetch(Float64Array.of(10_000, 3), { size: 64n })
  await mapping.prefetch(
    Array.from({ length: 1000 }, (_, index) => index * 7),
    { size: 10 },
  )
  t.deepEqual(mapping.read(), counting(LENGTH))
})

test('prefetch() brings missing pages into memory', async (t) => {
  const file = tempFile(t)
  truncateSync(file, 64 * constants.PAGE_SIZE)
  const mapping = mmapSync(file, { advice: 'random' })
  t.teardown(() => mapping.close())
  const isResident = (page: number): boolean =>
    stateOf(mapping).native.isResident(page * constants.PAGE_SIZE, constants.PAGE_SIZE)
  const whole = Array.from({ length: 64 }, (_, page) => page)
  if (whole.every(isResident)) {
    t.log('Left out: the system does not report residency, or has read the pages by itself')
    return t.pass()
  }
  await mapping.prefetch([10, 30].map((page) => page * constants.PAGE_SIZE))
  t.true(isResident(10) && isResident(30))
  t.false(whole.every(isResident))
  await mapping.prefetch()
  return t.true(whole.every(isResident))
})

const refusesToPrefetch = test.macro(async (t: ExecutionContext, what: unknown, options: unknown, code: string) => {
  await t.throwsAsync(counted(t).prefetch(what as number[], options as object), { code })
})

test('prefetch() of a range beyond the end rejects', refusesToPrefetch, { offset: LENGTH + 1 }, {}, 'ERR_OUT_OF_RANGE')
test('prefetch() of an offset beyond the end rejects', refusesToPrefetch, [0, LENGTH], {}, 'ERR_OUT_OF_RANGE')
test(
  'prefetch() of an item that ends beyond the end rejects',
  refusesToPrefetch,
  [LENGTH - 3],
  { size: 4 },
  'ERR_OUT_OF_RANGE',
)
test('prefetch() of a fractional offset rejects', refusesToPrefetch, Float64Array.of(0.5), {}, 'ERR_OUT_OF_RANGE')
test('prefetch() of a string rejects', refusesToPrefetch, 'all', {}, 'ERR_INVALID_ARG_TYPE')
test('prefetch() of offsets of another type rejects', refusesToPrefetch, new Uint32Array(0), {}, 'ERR_INVALID_ARG_TYPE')
test('prefetch() of a size without offsets rejects', refusesToPrefetch, {}, { size: 4 }, 'ERR_INVALID_ARG_TYPE')
test('prefetch() of items of size 0 rejects', refusesToPrefetch, [0], { size: 0 }, 'ERR_OUT_OF_RANGE')
test('prefetch() with a misspelt option rejects', refusesToPrefetch, [0], { sise: 1 }, 'ERR_INVALID_ARG_VALUE')
test('prefetch() with an invalid signal rejects', refusesToPrefetch, {}, { signal: 'x' }, 'ERR_INVALID_ARG_TYPE')

test('an abort or a close ends prefetch()', async (t) => {
  const memory = mmapAnonymous(2 ** 32, { noReserve: true })
  t.teardown(() => memory.close())
  const reason = new Error('because')
  t.is(await t.throwsAsync(memory.prefetch({}, { signal: AbortSignal.abort(reason) })), reason)
  const abort = new AbortController()
  const aborted = memory.prefetch({}, { signal: abort.signal })
  abort.abort(reason)
  t.is(await t.throwsAsync(aborted), reason)
  t.deepEqual(getEventListeners(abort.signal, 'abort'), [])
  const closed = memory.prefetch()
  void memory.close()
  await t.throwsAsync(closed, { code: 'ERR_MEMMAP_CLOSED' })
})

// Missing pages.

test('missing pages make gather() and prefetch() fail, and do not end the process', async (t) => {
  const file = tempFile(t, new Uint8Array(64 * 4096))
  const code = `
    import assert from 'node:assert'
    import { truncateSync } from 'node:fs'
    import { mmapSync } from 'memmap'
    const [gathered, fetched] = [mmapSync(process.argv[1]), mmapSync(process.argv[1])]
    truncateSync(process.argv[1], 4096)
    const into = Buffer.alloc(2)
    const fault = { code: 'ERR_MEMMAP_FAULT', reason: 'truncated' }
    assert.throws(() => gathered.gather([0, 60 * 4096], 1, into), fault)
    await assert.rejects(fetched.prefetch([60 * 4096]), { code: 'ERR_MEMMAP_FAULT' })
    await assert.rejects(fetched.prefetch(), { code: 'ERR_MEMMAP_FAULT' })
    await Promise.all([gathered.close(), fetched.close()])
    console.log('alive')`
  const { code: exit, signal, stdout, stderr } = await runCode(code, { args: [file] })
  t.deepEqual({ exit, signal, stdout }, { exit: 0, signal: null, stdout: 'alive\n' }, stderr)
})
