import { closeSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { capabilities, constants, type Mapping, mmap, mmapAnonymous, mmapSync, type Range } from '../../index.js'
import { counting, tempFile } from '../helpers/temp.js'
import { countTurns } from '../helpers/turns.js'

const page = constants.PAGE_SIZE
const MIB = 2 ** 20
// Reports: counts, buckets, ranges.

function mapped(t: ExecutionContext, length: number, offset = 0): Mapping {
  const mapping = mmapSync(tempFile(t, length), { mode: 'r+', offset })
  t.teardown(() => mapping.close())
  return mapping
}

const touches = test.macro(async (t: ExecutionContext, range: Range | undefined, pages: number) => {
  const mapping = mapped(t, 10 * page + 5, 100)
  for (const report of [mapping.residencySync(range), await mapping.residency(range)]) {
    t.deepEqual([report.pages, report.pageSize, report.lockedPages], [pages, page, 0])
    t.is(report.buckets, undefined)
  }
})
test('a report counts the pages that the mapping touches', touches, undefined, 11)
test('an empty range touches no page', touches, { offset: 5, length: 0 }, 0)
test('one byte touches one page', touches, { offset: page - 101, length: 1 }, 1)
test('two bytes may touch two pages', touches, { offset: page - 101, length: 2 }, 2)

test('only memory that was stored into is resident', (t) => {
  const memory = mmapAnonymous(64 * page)
  memory.fill(1, { offset: 8 * page, length: 16 * page })
  const { resident, residentPages, buckets, dirtyPages } = memory.residencySync({}, { bucket: 8 * page })
  t.is(resident, 'no')
  t.true(residentPages! >= 16)
  t.deepEqual([...buckets!.subarray(0, 3)], [0, 100, 100])
  t.is(dirtyPages, undefined)
  t.is(memory.residencySync({ offset: 8 * page, length: 16 * page }).resident, 'yes')
  memory.closeSync()
})

test('a partly resident bucket is neither 0 nor 100 per cent', (t) => {
  const memory = mmapAnonymous(1000 * page)
  memory.advise('nohugepage')
  memory.fill(1, { offset: 0, length: page })
  memory.fill(1, { offset: 501 * page, length: 499 * page })
  t.deepEqual([...memory.residencySync({}, { bucket: 500 * page }).buckets!], [1, 99])
  memory.closeSync()
})

test('buckets may have any size from one byte and begin anywhere', (t) => {
  const memory = mmapAnonymous(4 * page)
  memory.advise('nohugepage')
  memory.fill(1, { offset: page, length: page })
  const expected = (offset: number, length: number, bucket: number) =>
    Array.from({ length: Math.ceil(length / bucket) }, (_, index) => {
      const start = offset + index * bucket
      const end = Math.min(start + bucket, offset + length) - 1
      const first = Math.floor(start / page)
      const last = Math.floor(end / page)
      const there = first <= 1 && last >= 1 ? 1 : 0
      return there === 0 ? 0 : Math.floor(100 / (last - first + 1))
    })
  for (const bucket of [1, 7, page - 1, page, page + 1, 3 * page, 100 * page]) {
    for (const [offset, length] of [
      [0, 4 * page],
      [5, 3 * page],
      [page - 1, 2],
      [2 * page - 1, page + 1],
    ] as const) {
      const { buckets } = memory.residencySync({ offset, length }, { bucket })
      t.deepEqual([...buckets!], expected(offset, length, bucket), `${length} at ${offset} by ${bucket}`)
    }
  }
  t.is(memory.residencySync({ length: 0 }, { bucket: 5 }).buckets!.length, 0)
  memory.closeSync()
})

test('residency() of a hole of 1 TiB returns', async (t) => {
  const file = tempFile(t)
  const size = 2 ** 40
  try {
    truncateSync(file, size)
  } catch (error) {
    t.log(`Left out: the file system does not allow such a file (${String(error)})`)
    t.pass()
    return
  }
  const mapping = mmapSync(file, { mode: 'r+' })
  mapping.write('x', 2 ** 39 + 2 ** 29)
  const { resident, pages, buckets } = await mapping.residency({}, { bucket: 2 ** 30 })
  t.deepEqual([resident, pages, buckets!.length], ['no', size / page, 1024])
  t.deepEqual(
    [...buckets!.keys()].filter((index) => buckets![index] !== 0),
    [512],
  )
  await mapping.close()
})

const report = ['buckets', 'dirtyPages', 'evictedPages', 'lockedPages', 'pages', 'pageSize']
const more = ['recentlyEvictedPages', 'resident', 'residentPages', 'writebackPages']
test('a report always has the same properties', async (t) => {
  const mapping = mapped(t, 100)
  for (const each of [mapping.residencySync(), await mapping.residency(), mmapAnonymous(0).residencySync()]) {
    t.deepEqual(Object.keys(each).toSorted(), [...report, ...more].toSorted())
  }
})

test('dirty pages are counted until they are flushed, where the system counts them', async (t) => {
  const mapping = mapped(t, 64 * page)
  mapping.fill(5)
  const before = await mapping.residency()
  if (capabilities()['residency:cache'] !== true || before.dirtyPages === undefined) {
    t.log('Left out: the system does not count dirty pages')
    t.pass()
    return
  }
  await mapping.evict()
  t.is((await mapping.residency()).dirtyPages, 0)
  t.is(mapping.read({ offset: 63 * page, length: 1 })[0], 5)
})

// Aborts and closes.

test('a signal that is already aborted rejects with its reason before anything begins', async (t) => {
  const mapping = mapped(t, 10 * page)
  const reason = new Error('enough')
  const signal = AbortSignal.abort(reason)
  for (const attempt of [
    mapping.residency({}, { signal }),
    mapping.evict({}, { signal }),
    mapping.lockMemory({}, { signal }),
    mapping.verify({}, { signal }),
  ]) {
    t.is(await t.throwsAsync(attempt), reason)
  }
  t.is(mapping.residencySync().lockedPages, 0)
})

test('close() cancels pending operations and waits for them', async (t) => {
  const file = tempFile(t)
  closeSync(openSync(file, 'w'))
  truncateSync(file, 4 * 2 ** 30)
  const mapping = await mmap(file)
  const all = [mapping.verify(), mapping.evict(), mapping.residency({}, { bucket: page }), mapping.prefetch()]
  const outcomes = Promise.allSettled(all)
  await mapping.close()
  for (const outcome of await outcomes) {
    if (outcome.status === 'rejected') t.is(outcome.reason.code, 'ERR_MEMMAP_CLOSED')
  }
  t.true(mapping.closed)
  t.is(statSync(file).size, 4 * 2 ** 30)
})

test('the event loop runs during verify()', async (t) => {
  const file = tempFile(t)
  truncateSync(file, 256 * MIB)
  const mapping = await mmap(file)
  let maxTurns = 0
  // This thread may be stopped meanwhile, but not in each round.
  for (let round = 0; round < 20 && maxTurns <= 1; round++) {
    const turns = countTurns()
    await mapping.verify().finally(() => turns.stop())
    maxTurns = Math.max(maxTurns, turns.count)
  }
  t.true(maxTurns > 1)
  await mapping.close()
})

// Refused arguments.

const refuses = test.macro(
  async (t: ExecutionContext, call: (mapping: Mapping) => Promise<unknown>, code: string, words?: RegExp) => {
    const mapping = mapped(t, 3 * page)
    await t.throwsAsync(async () => call(mapping), { code, ...(words && { message: words }) })
    t.deepEqual(mapping.read(), counting(3 * page))
  },
)
const range = { offset: 3 * page, length: 1 }
const outside = 'ERR_OUT_OF_RANGE'
test('residency() of a range beyond the end is refused', refuses, (mapping) => mapping.residency(range), outside)
test('evict() of a range beyond the end is refused', refuses, (mapping) => mapping.evict(range), outside)
test('lockMemory() of a range beyond the end is refused', refuses, (mapping) => mapping.lockMemory(range), outside)
test(
  'unlockMemory() of a range beyond the end is refused',
  refuses,
  async (mapping) => mapping.unlockMemory(range),
  outside,
)
test('verify() of a range beyond the end is refused', refuses, (mapping) => mapping.verify(range), outside)
test('a bucket of 0 bytes is refused', refuses, (mapping) => mapping.residency({}, { bucket: 0 }), outside)
test(
  'a bucket that is a string is refused',
  refuses,
  (mapping) => mapping.residency({}, { bucket: '1' as never }),
  'ERR_INVALID_ARG_TYPE',
)
test(
  'an onFault that is a string is refused',
  refuses,
  (mapping) => mapping.lockMemory({}, { onFault: 'no' as never }),
  'ERR_INVALID_ARG_TYPE',
)
test(
  'a forWriting that is a number is refused',
  refuses,
  (mapping) => mapping.verify({}, { forWriting: 1 as never }),
  'ERR_INVALID_ARG_TYPE',
)
test(
  'an invalid signal is refused',
  refuses,
  (mapping) => mapping.evict({}, { signal: 1 as never }),
  'ERR_INVALID_ARG_TYPE',
)
test(
  'a misspelt option is refused',
  refuses,
  (mapping) => mapping.lockMemory({}, { onfault: true } as never),
  'ERR_INVALID_ARG_VALUE',
  /onFault/,
)
test(
  'a synchronous method has no option signal',
  refuses,
  async (mapping) => mapping.verifySync({}, { signal: undefined } as never),
  'ERR_INVALID_ARG_VALUE',
)

test('more than 2^31 - 1 buckets are refused', async (t) => {
  const file = tempFile(t)
  truncateSync(file, 3 * 2 ** 31)
  const mapping = await mmap(file)
  t.throws(() => mapping.residencySync({}, { bucket: 3 }), {
    code: 'ERR_OUT_OF_RANGE',
    message: /options.bucket.*>= 4/,
  })
  await t.throwsAsync(mapping.residency({}, { bucket: 1 }), { code: 'ERR_OUT_OF_RANGE' })
  await mapping.close()
})

test('an empty mapping is always resident', async (t) => {
  const mapping = await mmap(tempFile(t))
  t.is((await mapping.residency()).resident, 'yes')
  t.deepEqual(await mapping.evict(), { evicted: 0, resident: 0 })
  await mapping.lockMemory()
  mapping.unlockMemory()
  await mapping.verify({}, {})
  await mapping.close()
})

test('discard() of locked pages is refused and keeps their contents', (t) => {
  const memory = mmapAnonymous(8 * page).fill(3)
  memory.lockMemorySync({ offset: 4 * page, length: 1 })
  t.throws(() => memory.discard('dontneed'), { code: 'EINVAL', message: /unlockMemory/ })
  t.throws(() => memory.advise('pageout'))
  t.true(memory.read().equals(Buffer.alloc(8 * page, 3)))
  memory.discard('dontneed', { offset: 0, length: 4 * page })
  t.is(memory.read({ offset: 4 * page, length: 1 })[0], 3)
  memory.unlockMemory()
  memory.discard('dontneed')
  t.true(memory.read().equals(Buffer.alloc(8 * page)))
  memory.closeSync()
})

// Huge pages.

test('hugePages requests huge pages for memory and for files', (t) => {
  if (!/\[(?:always|madvise)\]/.test(transparentHugePages())) {
    t.log('Left out: the system gives no transparent huge pages')
    t.pass()
    return
  }
  const memory = mmapAnonymous(16 * MIB, { hugePages: true, populate: true, label: 'huge' })
  const mapping = mmapSync(tempFile(t, 4 * MIB, 'huge.bin'), { hugePages: true })
  const areas = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[\da-f]+-)/m)
  const isHuge = (area: string) => /^VmFlags:.* hg\b/m.test(area)
  t.true(areas.some((area) => area.includes('huge.bin') && isHuge(area)))
  const anonymous = areas.filter((area) => isHuge(area) && !area.includes('huge.bin'))
  t.true(anonymous.length > 0)
  const got = anonymous.map((area) => Number(/^AnonHugePages:\s+(\d+) kB$/m.exec(area)?.[1])).reduce((a, b) => a + b, 0)
  if (got === 0) t.log('The system had no huge page to give')
  t.is(memory.residencySync().resident, 'yes')
  memory.closeSync()
  mapping.closeSync()
})

function transparentHugePages(): string {
  try {
    return readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8')
  } catch {
    return ''
  }
}
