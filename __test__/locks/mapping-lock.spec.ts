import test, { type ExecutionContext } from 'ava'
import { FileLock, type LockOptions, locks, type Mapping, mmapAnonymous, mmapSync } from '../../index.js'
import { tempFile } from '../helpers/temp.js'

function open(t: ExecutionContext, file = tempFile(t, 100), offset = 0): Mapping {
  const mapping = mmapSync(file, { mode: 'r+', offset })
  t.teardown(() => mapping.close())
  return mapping
}

const mine = (path: string | undefined) => locks().filter((one) => one.path === path)

// Modes and ranges.

test('an exclusive lock excludes every other lock, in each method', async (t) => {
  const mapping = open(t)
  const lock = await mapping.lock()
  for (const mode of ['exclusive', 'shared'] as const) {
    t.is(mapping.tryLock({ mode }), null)
    await t.throwsAsync(mapping.lock({ mode, timeout: 0 }), { code: 'ERR_MEMMAP_LOCK_BUSY' })
    await t.throwsAsync(mapping.lock({ mode, timeout: 5 }), { code: 'ERR_MEMMAP_LOCK_TIMEOUT' })
    t.throws(() => mapping.lockSync({ mode, timeout: 0 }), { code: 'ERR_MEMMAP_LOCK_BUSY' })
    t.throws(() => mapping.lockSync({ mode }), { code: 'ERR_MEMMAP_LOCK_DEADLOCK' })
  }
  t.is(mapping.testLock(), 'exclusive')
  lock.unlock()
  // Waits that timed out block no other lock.
  t.is(mapping.testLock(), 'free')
  t.true(mapping.tryLock()?.held)
})

test('shared locks coexist and exclude exclusive locks', (t) => {
  const mapping = open(t)
  const all = [1, 2, 3].map(() => mapping.lockSync({ mode: 'shared' }))
  t.is(mapping.tryLock(), null)
  t.is(mapping.testLock(), 'shared')
  for (const lock of all) lock.unlock()
  t.true(mapping.tryLock() instanceof FileLock)
})

const overlaps = test.macro((t: ExecutionContext, one: LockOptions, other: LockOptions, expected: boolean) => {
  const mapping = open(t)
  const lock = mapping.lockSync(one)
  const second = mapping.tryLock(other)
  t.is(second === null, expected)
  second?.unlock()
  t.is(mapping.testLock({ offset: other.offset, length: other.length }) !== 'free', expected)
  lock.unlock()
  t.not(mapping.tryLock(other), null)
})

const FAR = 2n ** 63n - 1n
test('ranges that touch do not overlap', overlaps, { offset: 0, length: 10 }, { offset: 10, length: 10 }, false)
test('ranges with one byte in common overlap', overlaps, { offset: 0, length: 11 }, { offset: 10, length: 1 }, true)
test('a length of 0 reaches to infinity', overlaps, { offset: 50, length: 0 }, { offset: FAR, length: 1 }, true)
test('a missing length reaches to infinity', overlaps, { offset: 50 }, { offset: FAR, length: 1n }, true)
test('the range before a lock is free', overlaps, { offset: 50 }, { offset: 0, length: 50 }, false)
test(
  'ranges may be beyond the end of the file',
  overlaps,
  { offset: 1e6, length: 5 },
  { offset: 1_000_004n, length: 1 },
  true,
)
test(
  'offsets of 64 bits are exact',
  overlaps,
  { offset: 2n ** 62n + 1n, length: 1n },
  { offset: 2n ** 62n, length: 1 },
  false,
)
test('the last byte can be locked', overlaps, { offset: FAR }, { offset: FAR, length: 1 }, true)
test('bigints reach to the last byte', overlaps, { offset: 0n, length: FAR }, { offset: FAR, length: 1n }, false)

test('offsets count from the start of the mapping', (t) => {
  const file = tempFile(t, 100)
  const [whole, part] = [open(t, file), open(t, file, 40)]
  const lock = part.lockSync({ offset: 2, length: 3 })
  t.deepEqual([lock.offset, lock.length], [2, 3])
  t.is(whole.testLock({ offset: 42, length: 3 }), 'exclusive')
  t.is(whole.testLock({ length: 42 }), 'free')
  t.is(whole.testLock({ offset: 45 }), 'free')
  const [line] = mine(file)
  t.deepEqual([line?.offset, line?.length], [42, 3])
})

test('a lock has the properties of its request, also after its release', (t) => {
  const mapping = open(t)
  const lock = mapping.lockSync({ mode: 'shared', offset: 2n ** 60n, length: 5 })
  const { path, mode, offset, length, held, method } = lock
  const expected = process.platform === 'win32' ? 'LockFileEx' : 'ofd'
  t.deepEqual([path, mode, offset, length, held, method], [mapping.path, 'shared', 2n ** 60n, 5, true, expected])
  lock.unlock()
  t.deepEqual([lock.mode, lock.held], ['shared', false])
})

// Release.

test('a second release has no effect, and using a released lock is an error', async (t) => {
  const mapping = open(t)
  const lock = mapping.lockSync({ mode: 'shared' })
  lock.unlock()
  lock.unlock()
  lock[Symbol.dispose]()
  await lock[Symbol.asyncDispose]()
  const released = { code: 'ERR_MEMMAP_LOCK_RELEASED', message: /released/ }
  t.throws(() => lock.tryUpgrade(), released)
  t.throws(() => lock.downgrade(), released)
  await t.throwsAsync(lock.upgrade(), released)
  await t.throwsAsync(lock.upgrade({ timeout: 0 }), released)
})

test('closing a mapping releases its own locks only', (t) => {
  const file = tempFile(t, 100)
  const [one, other] = [open(t, file), open(t, file)]
  const locksOfOne = [one.lockSync({ length: 1 }), one.lockSync({ offset: 1, length: 1 })]
  const kept = other.lockSync({ offset: 2, length: 1 })
  one.closeSync()
  t.deepEqual(
    locksOfOne.map(({ held }) => held),
    [false, false],
  )
  t.true(kept.held)
  t.is(other.testLock({ length: 2 }), 'free')
})

// Refused calls.

for (const mode of ['r', 'c'] as const) {
  test(`in mode '${mode}' only shared locks are allowed, and the error says why`, async (t) => {
    const mapping = mmapSync(tempFile(t, 10), { mode })
    const lock = mapping.lockSync({ mode: 'shared' })
    const refused = {
      code: 'EBADF',
      message: /(fcntl|LockFileEx) '.*': an exclusive lock needs a file opened for writing/,
    }
    t.throws(() => mapping.lockSync(), refused)
    t.throws(() => mapping.tryLock(), refused)
    await t.throwsAsync(mapping.lock(), refused)
    await t.throwsAsync(lock.upgrade(), refused)
    t.throws(() => lock.tryUpgrade(), refused)
    t.true(lock.held)
    mapping.closeSync()
  })
}

test('anonymous memory has no file to lock', async (t) => {
  const memory = mmapAnonymous(10)
  const refused = { code: 'ERR_MEMMAP_UNSUPPORTED', message: /no file/ }
  t.throws(() => memory.lockSync(), refused)
  t.throws(() => memory.tryLock(), refused)
  t.throws(() => memory.testLock(), refused)
  await t.throwsAsync(memory.lock(), refused)
  memory.closeSync()
})

test('an empty mapping can be locked', (t) => {
  const mapping = mmapSync(tempFile(t), { mode: 'r+' })
  t.true(mapping.lockSync().held)
  t.is(mapping.testLock(), 'exclusive')
  mapping.closeSync()
})

const refuses = test.macro(async (t: ExecutionContext, options: unknown, code: string) => {
  const mapping = open(t)
  await t.throwsAsync(mapping.lock(options as LockOptions), { code })
  t.throws(() => mapping.lockSync(options as LockOptions), { code })
  t.is(mapping.testLock(), 'free')
})

const OUT = 'ERR_OUT_OF_RANGE'
const TYPE = 'ERR_INVALID_ARG_TYPE'
const VALUE = 'ERR_INVALID_ARG_VALUE'
test('a negative offset is refused', refuses, { offset: -1 }, OUT)
test('a negative bigint is refused', refuses, { offset: -1n }, OUT)
test('an offset of 2^63 is refused', refuses, { offset: 2n ** 63n }, OUT)
test('an offset of 2^53 as a number is refused', refuses, { offset: 2 ** 53 }, OUT)
test('a fractional length is refused', refuses, { length: 0.5 }, OUT)
test('a range that ends beyond 2^63 is refused', refuses, { offset: 2n ** 63n - 1n, length: 2 }, OUT)
test('a length of 2^63 is refused', refuses, { length: 2n ** 63n }, OUT)
test('a length of 2^64 + 1 is refused', refuses, { length: 2n ** 64n + 1n }, OUT)
test('an offset that is a string is refused', refuses, { offset: '1' }, TYPE)
test('an unknown mode is refused', refuses, { mode: 'Exclusive' }, VALUE)
test('a mode that is not a string is refused', refuses, { mode: 1 }, TYPE)
test('a negative timeout is refused', refuses, { timeout: -1 }, OUT)
test('a timeout that is a string is refused', refuses, { timeout: '5' }, TYPE)
test('a timeout of NaN is refused', refuses, { timeout: NaN }, OUT)
test('a timeout of infinity is refused', refuses, { timeout: Infinity }, OUT)
test('an unknown option is refused', refuses, { size: 1 }, VALUE)
test('options that are a number are refused', refuses, 5, TYPE)

test('an invalid signal is refused, as are options that a method does not have', async (t) => {
  const mapping = open(t)
  await t.throwsAsync(mapping.lock({ signal: {} as AbortSignal }), { code: TYPE })
  await t.throwsAsync(mapping.lock({ signal: { aborted: false } as AbortSignal }), { code: TYPE })
  t.throws(() => mapping.lockSync({ mode: null as never }), { code: TYPE })
  t.throws(() => mapping.lockSync({ signal: new AbortController().signal } as object), { code: VALUE })
  t.throws(() => mapping.tryLock({ timeout: 5 } as object), { code: VALUE })
  t.throws(() => mapping.testLock({ mode: 'shared' } as object), { code: VALUE })
})

test('a range that ends beyond 2^63 with the offset of the mapping is refused', (t) => {
  const mapping = open(t, tempFile(t, 100), 40)
  t.throws(() => mapping.lockSync({ offset: 2n ** 63n - 1n }), { code: OUT })
  t.true(mapping.lockSync({ offset: 2n ** 63n - 41n }).held)
})

test('a getter that closes the mapping causes an error', (t) => {
  const mapping = open(t)
  const trap = {
    get mode() {
      mapping.closeSync()
      return 'shared' as const
    },
  }
  t.throws(() => mapping.lockSync(trap), { code: 'ERR_MEMMAP_CLOSED' })
  t.deepEqual(mine(mapping.path), [])
})
