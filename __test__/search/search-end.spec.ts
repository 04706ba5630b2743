import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { truncateSync } from 'node:fs'
import test from 'ava'
import { type Mapping, mmapAnonymous, mmapSync, type Progress } from '../../index.js'
import { collect, endless, holding } from '../helpers/mapped.js'
import { drain, ends, reason } from '../helpers/search-end.js'
import { tempFile } from '../helpers/temp.js'

const MIB = 2 ** 20

// Progress, aborts and closes.

test('progress grows up to the total and is reported at the end', async (t) => {
  const memory = mmapAnonymous(64 * MIB)
  t.teardown(() => memory.close())
  const range = { offset: 5, length: 60 * MIB }
  for (const search of [
    (onProgress: (progress: Progress) => void) => memory.count('a', { ...range, onProgress }),
    (onProgress: (progress: Progress) => void) => memory.indexOf(/a|b/, { ...range, onProgress }),
    (onProgress: (progress: Progress) => void) => memory.includes('\0', { ...range, onProgress }),
    (onProgress: (progress: Progress) => void) => collect(memory.matches('a', { ...range, onProgress })),
  ]) {
    const reports: Progress[] = []
    await search((progress) => reports.push(progress))
    t.deepEqual(reports.at(-1), { done: range.length, total: range.length })
    t.true(reports.every(({ done, total }, index) => total === range.length && done >= (reports[index - 1]?.done ?? 0)))
  }
})

test('progress is reported during a search', async (t) => {
  const memory = endless(t)
  const abort = new AbortController()
  const reports: Progress[] = []
  const onProgress = (progress: Progress): void => {
    reports.push(progress)
    if (progress.done > 0 && reports.length > 2) abort.abort()
  }
  await t.throwsAsync(memory.count('a', { onProgress, signal: abort.signal }), { any: true, name: 'AbortError' })
  t.true(reports.length > 2)
  t.true(reports.at(-1)!.done < 2 ** 40)
})

test('an abort or a close ends count()', ends, (memory, signal) => memory.count('a', { signal }))
test('an abort or a close ends indexOf()', ends, (memory, signal) => memory.indexOf('abc', { signal }))
test('an abort or a close ends lastIndexOf()', ends, (memory, signal) => memory.lastIndexOf(['a', 'b'], { signal }))
test('an abort or a close ends includes()', ends, (memory, signal) => memory.includes(/a.c/, { signal }))
test('an abort or a close ends count() of a pattern that matches everywhere', ends, (memory, signal) =>
  memory.count(/[^]/, { signal }),
)
test('an abort or a close ends matches()', ends, (memory, signal) => drain(memory.matches('a', { signal })))
test('an abort or a close ends matches() with very many matches', ends, (memory, signal) =>
  drain(memory.matches('\0', { signal })),
)
test('an abort or a close ends batches()', ends, (memory, signal) =>
  drain(memory.matches(/a|\0b/, { signal }).batches()),
)

test('progress is reported during a search for one endless match', async (t) => {
  const memory = endless(t)
  memory.write('a')
  const abort = new AbortController()
  const reports: number[] = []
  const onProgress = ({ done }: Progress): void => {
    reports.push(done)
    if (done > 0) abort.abort(reason)
  }
  const options = { onProgress, signal: abort.signal }
  const endings = [memory.count(/a[^]*b/, options), drain(memory.matches(/a[^]*b/, options))]
  for (const ending of endings) t.is(await t.throwsAsync(ending), reason)
  t.true(reports.at(-1)! < 2 ** 40)
  await t.throwsAsync(drain(memory.matches(/a[^]*b/, { onProgress: ({ done }) => assert(done === 0, reason) })), {
    is: reason,
  })
})

test('an onProgress that throws ends the search with its error', async (t) => {
  const memory = endless(t)
  const onProgress = (): never => {
    throw reason
  }
  t.is(await t.throwsAsync(memory.count('a', { onProgress })), reason)
  t.is(await t.throwsAsync(memory.indexOf('a', { length: 10, onProgress })), reason)
  t.is(await t.throwsAsync(drain(memory.matches('\0', { onProgress }))), reason)
  await memory.close()
})

test('a signal shared by many searches keeps no listener', async (t) => {
  const memory = holding(t, 'abc'.repeat(100))
  const { signal } = new AbortController()
  await Promise.all(Array.from({ length: 50 }, () => memory.count('b', { signal })))
  await drain(memory.matches('a', { signal }))
  t.deepEqual(getEventListeners(signal, 'abort'), [])
})

test('closeSync() during a search is refused', async (t) => {
  const memory = endless(t)
  const abort = new AbortController()
  const search = memory.count('a', { signal: abort.signal })
  t.throws(() => memory.closeSync(), { code: 'ERR_MEMMAP_BUSY' })
  abort.abort()
  await t.throwsAsync(search, { any: true, name: 'AbortError' })
})

// Released mappings and truncated files.

test('a loop over matches releases the mapping however it ends', async (t) => {
  const ways: [string, (memory: Mapping, controller: AbortController) => Promise<void>][] = [
    ['break', async (memory) => { for await (const _ of memory.matches('\0').batches()) break }],
    ['throw', async (memory) => {
      const loop = async () => { for await (const _ of memory.matches('\0')) throw new Error('enough') }
      await t.throwsAsync(loop, { message: 'enough' })
    }],
    ['abort', async (memory, controller) => {
      const { signal } = controller
      const loop = async () => { for await (const _ of memory.matches('\0', { signal })) controller.abort(new Error('off')) }
      await t.throwsAsync(loop, { message: 'off' })
    }],
  ] // prettier-ignore
  for (const [name, leave] of ways) {
    const memory = mmapAnonymous(256 * MIB)
    await leave(memory, new AbortController())
    t.notThrows(() => memory.closeSync(), name)
  }
})

test('a file truncated within its last page is a fault for every search, loop and stream', async (t) => {
  const length = 2 * 65536 + 100
  const cut = length - 50
  const uses: Record<string, (mapping: Mapping) => unknown> = {
    count: (mapping) => mapping.count('x'),
    countSync: (mapping) => mapping.countSync(/x/),
    indexOf: (mapping) => mapping.indexOf('x'),
    lastIndexOf: (mapping) => mapping.lastIndexOf(/a/),
    matches: (mapping) => collect(mapping.matches('x')),
    matchesSync: (mapping) => [...mapping.matchesSync('x')],
    lineIndex: (mapping) => mapping.lineIndex(),
    windows: (mapping) => [...mapping.windows()],
    chunks: (mapping) => collect(mapping.chunks({ size: 4096 })),
    lines: (mapping) => [...mapping.lines({ offsets: true })],
    records: (mapping) => [...mapping.records(4, { partial: true }).batches()],
    createReadStream: (mapping) => collect(mapping.createReadStream()),
    readableStream: (mapping) => collect(mapping.readableStream()),
  }
  for (const [name, use] of Object.entries(uses)) {
    const file = tempFile(t, Buffer.alloc(length, 'a'))
    const mapping = mmapSync(file)
    t.is(mapping.indexOfSync('a'), 0)
    truncateSync(file, cut)
    // A match before the new end of the file is still found.
    t.is(mapping.indexOfSync('a', { length: cut }), 0)
    t.deepEqual(mapping.faults, [])
    const expected = { code: 'ERR_MEMMAP_FAULT', reason: 'truncated', path: file, offset: cut }
    const error = await t.throwsAsync(async () => use(mapping), { code: expected.code }, name)
    t.like(error, expected, name)
    t.true(error?.message.startsWith(`'${file}' became shorter while bytes 0 to ${length} `), error?.message)
    t.deepEqual(mapping.faults, [{ offset: cut, reason: 'truncated' }], name)
    t.throws(() => mapping.assertHealthy(), { code: expected.code })
    await mapping.close()
  }
})
