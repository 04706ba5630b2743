import test, { type ExecutionContext } from 'ava'
import { type Mapping, mmapAnonymous, type Needle } from '../../index.js'
import { matches as matchesBy } from '../../lib/search/matches.js'
import { stateOf } from '../../lib/state/mapping-state.js'
import { collect, endless, holding } from '../helpers/mapped.js'

const MIB = 2 ** 20

// Random cases and large ranges are in search.slow.spec.ts.

// Fixed cases.

const counts = test.macro((t: ExecutionContext, text: string, needle: Needle, offsets: number[], last: number) => {
  const memory = holding(t, text)
  const found = [...memory.matchesSync(needle)]
  t.deepEqual(
    found.map(({ offset }) => offset),
    offsets,
  )
  t.is(memory.countSync(needle), offsets.length)
  t.is(memory.indexOfSync(needle), offsets[0] ?? -1)
  t.is(memory.lastIndexOfSync(needle), last)
})

test('matches do not overlap, but lastIndexOf() may find an overlapping one', counts, 'aaaaa', 'aa', [0, 2], 3)
test('an empty needle matches at every offset, as in matchAll', counts, 'abc', '', [0, 1, 2, 3], 3)
test('an empty needle matches once in an empty range', counts, '', '', [0], 0)
test('a needle does not match in an empty range', counts, '', 'a', [], -1)
test('a needle may be as long as the range', counts, 'abc', 'abc', [0], 0)
test('a needle longer than the range does not match', counts, 'abc', 'abcd', [], -1)
test('a string is searched for as UTF-8', counts, 'aéb😀', '😀', [4], 4)
test('bytes are searched for as they are', counts, 'aéb', Buffer.from([0xa9]), [2], 2)
test('a lone surrogate is searched for as U+FFFD, as in a Buffer', counts, 'a\ufffd', '\ud83d', [1], 1)
test('of two needles that match at one offset the first in the list counts', counts, 'abcabc', ['ab', 'abc'], [0, 3], 3)
test('lastIndexOf() finds the last match of an expression', counts, 'aaaaa', /aa/, [0, 2], 2)
test('an empty match may follow a longer one', counts, 'baac', /a*/, [0, 1, 3, 4], 4)
test('an empty match is never inside a character', counts, 'é😀', /x*/, [0, 2, 6], 6)

test('offsets count from the start of the mapping even for a range', async (t) => {
  const memory = holding(t, 'one two one two')
  t.is(await memory.indexOf('one', { offset: 1 }), 8)
  t.is(await memory.lastIndexOf('two', { length: 14n }), 4)
  t.is(await memory.indexOf('', { offset: 3 }), 3)
  t.is(await memory.lastIndexOf('', { offset: 3, length: 2 }), 5)
  t.is(await memory.count('one', { offset: 8, length: 2 }), 0)
  t.deepEqual([...memory.matchesSync('two', { offset: 5 })], [{ offset: 12, length: 3 }])
})

test('only matches of a list have the index of their needle', (t) => {
  const memory = holding(t, 'abc')
  t.deepEqual(
    [...memory.matchesSync(['c', 'a'])],
    [
      { offset: 0, length: 1, needle: 1 },
      { offset: 2, length: 1, needle: 0 },
    ],
  )
  t.deepEqual([...memory.matchesSync('a')], [{ offset: 0, length: 1 }])
  const [batch] = memory.matchesSync('a').batches()
  t.deepEqual(batch, { offsets: Float64Array.of(0), lengths: Float64Array.of(1) })
})

test('a needle may be a view of the mapping itself', (t) => {
  const memory = holding(t, 'abcabc')
  t.is(memory.lastIndexOfSync(memory.buffer(1, 2)), 4)
})

// Refused arguments.

const searches: Record<string, (memory: Mapping, needle: Needle, options?: object) => unknown> = {
  indexOf: (memory, needle, options) => memory.indexOf(needle, options),
  lastIndexOf: (memory, needle, options) => memory.lastIndexOf(needle, options),
  includes: (memory, needle, options) => memory.includes(needle, options),
  count: (memory, needle, options) => memory.count(needle, options),
  matches: async (memory, needle, options) => memory.matches(needle, options),
  indexOfSync: async (memory, needle, options) => memory.indexOfSync(needle, options),
  lastIndexOfSync: async (memory, needle, options) => memory.lastIndexOfSync(needle, options),
  includesSync: async (memory, needle, options) => memory.includesSync(needle, options),
  countSync: async (memory, needle, options) => memory.countSync(needle, options),
  matchesSync: async (memory, needle, options) => memory.matchesSync(needle, options),
}

const refuses = test.macro(async (t: ExecutionContext, needle: unknown, options: object | undefined, code: string) => {
  const memory = holding(t, 'text')
  for (const [name, search] of Object.entries(searches)) {
    await t.throwsAsync(async () => search(memory, needle as Needle, options), { code }, name)
  }
})

test('a needle that is a number is refused', refuses, 5, undefined, 'ERR_INVALID_ARG_TYPE')
test('a missing needle is refused', refuses, undefined, undefined, 'ERR_INVALID_ARG_TYPE')
test('a needle that is a Float64Array is refused', refuses, new Float64Array(1), undefined, 'ERR_INVALID_ARG_TYPE')
test('an expression in a list is refused', refuses, ['a', /a/], undefined, 'ERR_INVALID_ARG_TYPE')
test('an empty list is refused', refuses, [], undefined, 'ERR_INVALID_ARG_VALUE')
test('an empty needle among others is refused', refuses, ['a', ''], undefined, 'ERR_INVALID_ARG_VALUE')
test('a range beyond the end is refused', refuses, 'a', { offset: 2, length: 3 }, 'ERR_OUT_OF_RANGE')
test('an offset beyond the end is refused', refuses, 'a', { offset: 5 }, 'ERR_OUT_OF_RANGE')
test('a negative offset is refused', refuses, 'a', { offset: -1 }, 'ERR_OUT_OF_RANGE')
test('an offset that is a string is refused', refuses, 'a', { offset: '1' }, 'ERR_INVALID_ARG_TYPE')
test('zero threads are refused', refuses, 'a', { threads: 0 }, 'ERR_OUT_OF_RANGE')
test('a fractional number of threads is refused', refuses, 'a', { threads: 1.5 }, 'ERR_OUT_OF_RANGE')
test('more than 1024 threads are refused', refuses, 'a', { threads: 1025 }, 'ERR_OUT_OF_RANGE')
test('threads that are a bigint are refused', refuses, 'a', { threads: 1n }, 'ERR_INVALID_ARG_TYPE')
test('a misspelt option is refused', refuses, 'a', { offsett: 1 }, 'ERR_INVALID_ARG_VALUE')
test('options that are a number are refused', refuses, 'a', 1 as never, 'ERR_INVALID_ARG_TYPE')

test('an invalid signal and an invalid onProgress are refused', async (t) => {
  const memory = holding(t, 'text')
  for (const options of [{ signal: 1 }, { signal: {} }, { onProgress: {} }] as object[]) {
    await t.throwsAsync(memory.count('a', options), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => memory.matches('a', options), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => memory.countSync('a', options), { code: 'ERR_INVALID_ARG_VALUE' })
  }
})

test('a list that closes the mapping when it is read causes an error', (t) => {
  const memory = mmapAnonymous(100)
  const list = ['a', 'b']
  Object.defineProperty(list, 1, {
    get() {
      memory.closeSync()
      return 'b'
    },
  })
  t.throws(() => memory.countSync(list), { code: 'ERR_MEMMAP_CLOSED' })
})

// Iteration.

test('two loops over the same matches are independent', async (t) => {
  const memory = holding(t, 'abab')
  const matches = memory.matches('b')
  const sync = memory.matchesSync('b')
  const first = sync[Symbol.iterator]()
  first.next()
  t.deepEqual([...sync], [...sync])
  t.is(first.next().value?.offset, 3)
  t.deepEqual(await collect(matches), await collect(matches))
})

test('steps requested at once are answered in order', async (t) => {
  const memory = holding(t, 'a-'.repeat(5))
  const iterator = matchesBy(stateOf(memory), 'a', {}, { first: 1, min: 1, max: 3, targetMatches: 1 })[
    Symbol.asyncIterator
  ]()
  const steps = await Promise.all(Array.from({ length: 7 }, () => iterator.next()))
  t.deepEqual(
    steps.map(({ value }) => value?.offset),
    [0, 2, 4, 6, 8, undefined, undefined],
  )
})

test('break ends the search', async (t) => {
  const memory = endless(t)
  memory.write('a', 100)
  for await (const { offset } of memory.matches('a')) {
    t.is(offset, 100)
    break
  }
  const iterator = memory.matches('a')[Symbol.asyncIterator]()
  t.false((await iterator.next()).done)
  const waiting = iterator.next()
  t.deepEqual(await iterator.return?.(), { done: true, value: undefined })
  t.deepEqual(await waiting, { done: true, value: undefined })
  t.deepEqual(await iterator.next(), { done: true, value: undefined })
  for (const { offset } of memory.matchesSync('a')) {
    t.is(offset, 100)
    break
  }
  await memory.close()
})

test('closing in the middle of a loop makes the next step fail', async (t) => {
  const memory = mmapAnonymous(100)
  t.throws(
    () => {
      for (const _ of memory.matchesSync('\0')) memory.closeSync()
    },
    { code: 'ERR_MEMMAP_CLOSED' },
  )
  const other = mmapAnonymous(MIB)
  const closes = async (): Promise<void> => {
    for await (const _ of other.matches('\0')) void other.close()
  }
  await t.throwsAsync(closes, { code: 'ERR_MEMMAP_CLOSED' })
  await other.close()
})
