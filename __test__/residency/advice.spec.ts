import { readFileSync, statSync, writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import {
  type Advice,
  capabilities,
  constants,
  mmapAnonymous,
  mmapSync,
  type Protection,
  type Range,
} from '../../index.js'
import { ADVICE } from '../../lib/residency/advice.js'
import { runCode } from '../helpers/child.js'
import { counting, tempFile } from '../helpers/temp.js'

const page = constants.PAGE_SIZE

for (const advice of ADVICE.filter((name) => name !== 'hwpoison')) {
  test(`advice '${advice}' leaves the bytes unchanged, or is reported as unavailable`, (t) => {
    const mapping = mmapSync(tempFile(t, 3 * page + 5), { mode: 'c', offset: 5 })
    for (const range of [undefined, { offset: 1, length: 10 }, { offset: page }, { length: 0 }]) {
      try {
        mapping.advise(advice, range)
      } catch (error) {
        // The kernel refuses some advice for files, and a kernel may be built without some.
        const { code } = error as NodeJS.ErrnoException
        t.true(['ERR_MEMMAP_UNSUPPORTED', 'EINVAL', 'ENOMEM', 'EBUSY', 'EAGAIN'].includes(String(code)), String(error))
      }
    }
    t.deepEqual(mapping.read(), counting(3 * page + 5).subarray(5))
    mapping.closeSync()
  })
}

for (const advice of ['normal', 'random', 'sequential', 'willneed'] as const) {
  test(`advice '${advice}' is accepted on every platform, also by mmap()`, (t) => {
    const file = tempFile(t, 2 * page)
    const mapping = mmapSync(file, { advice })
    mapping.advise(advice)
    t.deepEqual(mapping.read(), counting(2 * page))
    mapping.closeSync()
  })
}

test('advice that the platform lacks throws ERR_MEMMAP_UNSUPPORTED', (t) => {
  const memory = mmapAnonymous(page)
  const foreign: Advice = process.platform === 'darwin' ? 'dontdump' : 'zerowired'
  t.throws(() => memory.advise(foreign), { code: 'ERR_MEMMAP_UNSUPPORTED', message: new RegExp(foreign) })
  memory.closeSync()
})

test('unknown advice is refused with a list of the known ones', (t) => {
  const memory = mmapAnonymous(page)
  t.throws(() => memory.advise('willned' as Advice), {
    instanceOf: TypeError,
    code: 'ERR_INVALID_ARG_VALUE',
    message: /'willneed'.*Received 'willned'/s,
  })
  t.throws(() => memory.advise('dontneed' as Advice), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => memory.advise(1 as unknown as Advice), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => memory.advise('normal', { offset: page + 1 }), { code: 'ERR_OUT_OF_RANGE' })
  memory.closeSync()
})

// discard().

test("discard('dontneed') zeroes the whole pages within a range of anonymous memory", (t) => {
  const memory = mmapAnonymous(4 * page).fill(1)
  memory.discard('dontneed', { offset: page - 1, length: 2 * page })
  const expected = Buffer.alloc(4 * page, 1)
  expected.fill(0, page, 2 * page)
  t.true(memory.read().equals(expected))
  memory.closeSync()
})

test("discard('dontneed') of a private mapping restores the bytes of the file", (t) => {
  const mapping = mmapSync(tempFile(t, 2 * page), { mode: 'c' })
  mapping.fill(9)
  mapping.discard('dontneed')
  t.deepEqual(mapping.read().subarray(0, 2 * page), counting(2 * page))
  mapping.closeSync()
})

// Where the system has no other way, the surrounding pages are mapped again.
const keepsStored = test.macro((t: ExecutionContext, frozen: Range) => {
  const mapping = mmapSync(tempFile(t, Buffer.alloc(4 * page, 'a')), { mode: 'c' })
  mapping.fill('b')
  mapping.protect('r', frozen)
  mapping.discard('dontneed', { offset: page, length: page })
  const expected = ['b', 'a', 'b', 'b'].map((letter) => letter.repeat(page)).join('')
  t.is(mapping.read().toString(), expected)
  mapping.closeSync()
})

test("discard('dontneed') keeps private stores in surrounding pages", keepsStored, { length: 0 })
test("discard('dontneed') keeps private stores in surrounding pages that are now read-only", keepsStored, {})

test("discard('dontneed') of a shared mapping loses no bytes", (t) => {
  const file = tempFile(t, 2 * page)
  const mapping = mmapSync(file, { mode: 'r+' })
  mapping.fill(9)
  mapping.discard('dontneed')
  t.true(mapping.read().equals(Buffer.alloc(2 * page, 9)))
  mapping.closeSync()
  t.true(readFileSync(file).equals(Buffer.alloc(2 * page, 9)))
})

test("discard('free') is accepted for anonymous memory", (t) => {
  const memory = mmapAnonymous(4 * page).fill(1)
  t.notThrows(() => memory.discard('free'))
  t.true([0, 1].includes(memory.buffer()[0] ?? -1))
  memory.closeSync()
})

test("discard('remove') punches a hole into the file", (t) => {
  const file = tempFile(t)
  writeFileSync(file, Buffer.alloc(16 * page, 1))
  const mapping = mmapSync(file, { mode: 'r+' })
  if (capabilities()['discard:remove'] === false) {
    t.throws(() => mapping.discard('remove'), { code: 'ERR_MEMMAP_UNSUPPORTED' })
    return
  }
  mapping.discard('remove', { offset: page, length: 8 * page })
  const expected = Buffer.alloc(16 * page, 1).fill(0, page, 9 * page)
  t.true(mapping.read().equals(expected))
  mapping.closeSync()
  t.true(readFileSync(file).equals(expected))
  t.is(statSync(file).size, 16 * page)
})

test('an unknown kind of discard() is refused', (t) => {
  const memory = mmapAnonymous(page).fill(1)
  t.throws(() => memory.discard('normal' as 'free'), { code: 'ERR_INVALID_ARG_VALUE' })
  t.is(memory.read()[0], 1)
  memory.closeSync()
})

// protect().

test('protect() forbids writes by the library and allows them again', (t) => {
  const mapping = mmapSync(tempFile(t, 3 * page), { mode: 'r+' })
  mapping.protect('r', { offset: page, length: page })
  t.throws(() => mapping.write('x', page), { code: 'ERR_MEMMAP_READ_ONLY' })
  t.throws(() => mapping.fill(1), { code: 'ERR_MEMMAP_READ_ONLY' })
  t.is(mapping.write('x', 2 * page), 1)
  mapping.protect('r+')
  t.is(mapping.write('x', page), 1)
  mapping.assertHealthy()
  mapping.closeSync()
})

test('a store into a protected page is caught and reported', async (t) => {
  const file = tempFile(t, 3 * page)
  const { code, signal, stdout, stderr } = await runCode(
    `
      import { mmapSync } from 'memmap'
      const mapping = mmapSync(process.argv.at(-1), { mode: 'r+' })
      const view = mapping.buffer()
      mapping.protect('r')
      view[${page} + 3] = 77
      try {
        mapping.buffer()
      } catch ({ code, reason, offset }) {
        console.log(code, reason, offset)
      }
    `,
    { args: [file] },
  )
  t.deepEqual([code, signal], [0, null], stderr)
  t.regex(stdout, new RegExp(`^ERR_MEMMAP_FAULT readonly ${page}(?:\\n|\\d)`))
  t.deepEqual(readFileSync(file), counting(3 * page))
})

const misaligned = test.macro((t: ExecutionContext, range: Range) => {
  const mapping = mmapSync(tempFile(t, 3 * page), { mode: 'r+' })
  t.throws(() => mapping.protect('r', range), { code: 'ERR_MEMMAP_MISALIGNED' })
  mapping.closeSync()
})

test('protect() of a range that begins within a page is refused', misaligned, { offset: 1, length: page - 1 })
test('protect() of a range that ends within a page is refused', misaligned, { length: page + 1 })

test('protect() aligns to pages of the file and accepts the ends of the mapping', (t) => {
  const mapping = mmapSync(tempFile(t, 3 * page + 7), { mode: 'c', offset: 100 })
  t.notThrows(() => mapping.protect('r'))
  t.notThrows(() => mapping.protect('r+', { length: page - 100 }))
  t.notThrows(() => mapping.protect('r', { offset: 2 * page - 100 }))
  t.throws(() => mapping.protect('r', { offset: page }), { code: 'ERR_MEMMAP_MISALIGNED' })
  mapping.closeSync()
})

test('protect() with an unknown protection is refused', (t) => {
  const memory = mmapAnonymous(page)
  t.throws(() => memory.protect('w' as Protection), { code: 'ERR_INVALID_ARG_VALUE' })
  memory.closeSync()
})
