import { truncateSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { mmapAnonymous, mmapSync, type WindowOptions } from '../../index.js'
import { counting, tempFile } from '../helpers/temp.js'

const yields = test.macro(
  (t: ExecutionContext, options: WindowOptions, expected: [offset: number, length: number][]) => {
    const mapping = mmapSync(tempFile(t, 100))
    const found = [...mapping.windows(options)]
    t.deepEqual(
      found.map(({ offset, length }) => [offset, length]),
      expected,
    )
    for (const { offset, length, view } of found) t.deepEqual(view, counting(100).subarray(offset, offset + length))
    mapping.closeSync()
  },
)

test('by default one window holds a small mapping', yields, {}, [[0, 100]])
test('windows are consecutive', yields, { size: 40 }, [
  [0, 40],
  [40, 40],
  [80, 20],
])
test('windows may fill the mapping exactly', yields, { size: 50 }, [
  [0, 50],
  [50, 50],
])
test('windows take bigints', yields, { size: 60n, overlap: 10n }, [
  [0, 60],
  [50, 50],
])
test('windows overlap', yields, { size: 40, overlap: 10 }, [
  [0, 40],
  [30, 40],
  [60, 40],
])
test('no window consists of overlap alone', yields, { size: 60, overlap: 20 }, [
  [0, 60],
  [40, 60],
])
test('windows may move by one byte', yields, { size: 99, overlap: 98 }, [
  [0, 99],
  [1, 99],
])
test('windows cover a range', yields, { size: 4, offset: 90, length: 6 }, [
  [90, 4],
  [94, 2],
])
test('windows cover the end', yields, { size: 4, offset: 97 }, [[97, 3]])
test('an empty range has no windows', yields, { offset: 50, length: 0 }, [])
test('a range at the end has no windows', yields, { offset: 100 }, [])

test('chunks are consecutive Buffers', (t) => {
  const mapping = mmapSync(tempFile(t, 100))
  t.deepEqual(Buffer.concat([...mapping.chunks({ size: 7 })]), counting(100))
  t.deepEqual(
    [...mapping.chunks({ size: 40 })].map((chunk) => chunk.length),
    [40, 40, 20],
  )
  t.deepEqual(
    [...mapping.chunks({ size: 3, offset: 98n })].map((chunk) => [...chunk]),
    [[98, 99]],
  )
  t.is([...mapping.chunks()].length, 1)
  mapping.closeSync()
})

test('windows and chunks are views, not copies', (t) => {
  const memory = mmapAnonymous(10)
  for (const { view } of memory.windows({ size: 5 })) view.fill(7)
  for (const chunk of memory.chunks({ size: 3, offset: 1, length: 3 })) chunk.fill(8)
  t.deepEqual([...memory.read()], [7, 8, 8, 8, 7, 7, 7, 7, 7, 7])
  memory.closeSync()
})

test('two loops over one iterable are independent', (t) => {
  const memory = mmapAnonymous(10)
  const windows = memory.windows({ size: 4 })
  const offsets = () => [...windows].map((window) => window.offset)
  t.deepEqual(offsets(), offsets())
  const first = windows[Symbol.iterator]()
  first.next()
  t.is(windows[Symbol.iterator]().next().value?.offset, 0)
  t.is(first.next().value?.offset, 4)
  memory.closeSync()
})

test('break ends the iterator and releases the mapping', (t) => {
  const memory = mmapAnonymous(10)
  const iterator = memory.chunks({ size: 4 })[Symbol.iterator]()
  iterator.next()
  t.deepEqual(iterator.return?.(), { done: true, value: undefined })
  t.deepEqual(iterator.next(), { done: true, value: undefined })
  for (const chunk of memory.chunks({ size: 4 })) if (chunk.length === 4) break
  memory.closeSync()
})

test('closing in the middle of a loop detaches its views, and the next step throws', async (t) => {
  const memory = mmapAnonymous(10)
  const seen: Buffer[] = []
  t.throws(
    () => {
      for (const { view } of memory.windows({ size: 4 })) {
        seen.push(view)
        memory.closeSync()
      }
    },
    { code: 'ERR_MEMMAP_CLOSED' },
  )
  t.is(seen.length, 1)
  t.is(seen[0]?.length, 0)
  await memory.close()
})

test('batches have at most 1024 windows', (t) => {
  const memory = mmapAnonymous(2 ** 20)
  const longest = (size: number) => Math.max(...[...memory.chunks({ size }).batches()].map((batch) => batch.length))
  t.deepEqual([longest(1), longest(2 ** 10), longest(2 ** 17), longest(2 ** 20)], [1024, 256, 2, 1])
  memory.closeSync()
})

const refuses = test.macro((t: ExecutionContext, options: object, code: string) => {
  const memory = mmapAnonymous(100)
  t.throws(() => memory.windows(options), { code })
  t.throws(() => memory.chunks({ size: 0, ...options }), { message: /./ })
  memory.closeSync()
})

test('a size of 0 is refused', refuses, { size: 0 }, 'ERR_OUT_OF_RANGE')
test('a size of 2^31 is refused', refuses, { size: 2 ** 31 }, 'ERR_OUT_OF_RANGE')
test('a size that is a string is refused', refuses, { size: '4' }, 'ERR_INVALID_ARG_TYPE')
test('an overlap as large as the size is refused', refuses, { size: 4, overlap: 4 }, 'ERR_OUT_OF_RANGE')
test('a negative overlap is refused', refuses, { size: 4, overlap: -1 }, 'ERR_OUT_OF_RANGE')
test('a range beyond the end is refused', refuses, { offset: 90, length: 11 }, 'ERR_OUT_OF_RANGE')
test('an unknown option is refused', refuses, { sise: 4 }, 'ERR_INVALID_ARG_VALUE')

test('windows cross every boundary of a file that is longer than any ArrayBuffer', (t) => {
  const file = tempFile(t)
  truncateSync(file, 2 ** 43)
  const mapping = mmapSync(file, { mode: 'r+' })
  const offset = 2 ** 42 - 2 ** 20
  mapping.write('boundary', 2 ** 42 - 4)
  const found = []
  for (const window of mapping.windows({ size: 2 ** 19 + 13, overlap: 7, offset, length: 2 ** 21 })) {
    const at = window.view.indexOf('boundary')
    if (at !== -1) found.push(window.offset + at)
  }
  t.deepEqual(found, [2 ** 42 - 4])
  t.is([...mapping.windows({ size: 2 ** 31 - 1, length: 2 ** 34 })].length, 9)
  mapping.closeSync()
})
