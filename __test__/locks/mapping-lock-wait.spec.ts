import { setImmediate, setTimeout } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { locks, type Mapping, mmapSync } from '../../index.js'
import { tempFile } from '../helpers/temp.js'

function open(t: ExecutionContext, file = tempFile(t, 100), offset = 0): Mapping {
  const mapping = mmapSync(file, { mode: 'r+', offset })
  t.teardown(() => mapping.close())
  return mapping
}

const mine = (path: string | undefined) => locks().filter((one) => one.path === path)

// Waits that a close ends.

test('close() releases locks after the pins, and rejects waiters at once', async (t) => {
  const mapping = open(t)
  const lock = await mapping.lock()
  const waits = [mapping.lock(), mapping.lock({ mode: 'shared' })]
  const pin = mapping.pin()
  const closing = mapping.close()
  for (const wait of waits) await t.throwsAsync(wait, { code: 'ERR_MEMMAP_CLOSED' })
  t.true(lock.held)
  pin.release()
  await closing
  t.false(lock.held)
})

test('closeSync() rejects waiters', async (t) => {
  const mapping = open(t)
  mapping.lockSync()
  const wait = mapping.lock()
  mapping.closeSync()
  await t.throwsAsync(wait, { code: 'ERR_MEMMAP_CLOSED' })
})

// Waiting.

test('a waiter gets the lock', async (t) => {
  const mapping = open(t)
  const first = mapping.lockSync()
  const wait = mapping.lock()
  t.deepEqual(
    mine(mapping.path).map(({ state }) => state),
    ['held', 'waiting'],
  )
  first.unlock()
  const second = await wait
  t.true(second.held)
  t.deepEqual(
    mine(mapping.path).map(({ state }) => state),
    ['held'],
  )
})

test('a hundred waiters get the lock one after the other', async (t) => {
  const mapping = open(t)
  let inside = 0
  let turns = 0
  const work = async (): Promise<void> => {
    const lock = await mapping.lock()
    t.is(++inside, 1)
    await setImmediate()
    inside--
    turns++
    lock.unlock()
  }
  await Promise.all(Array.from({ length: 100 }, work))
  t.is(turns, 100)
  t.is(mapping.testLock(), 'free')
})

test('an abort rejects with the reason, before and during the wait', async (t) => {
  const mapping = open(t)
  const reason = new Error('Enough')
  await t.throwsAsync(mapping.lock({ signal: AbortSignal.abort(reason) }), { is: reason })
  t.is(mapping.testLock(), 'free')
  const lock = mapping.lockSync()
  const controller = new AbortController()
  const wait = mapping.lock({ signal: controller.signal })
  controller.abort(reason)
  await t.throwsAsync(wait, { is: reason })
  lock.unlock()
  const again = await mapping.lock({ signal: new AbortController().signal })
  t.true(again.held)
})

test('an abandoned wait for a lock or an upgrade blocks no other lock', async (t) => {
  const mapping = open(t)
  for (let round = 0; round < 30; round++) {
    const lock = mapping.lockSync()
    const controller = new AbortController()
    const waits = (['exclusive', 'shared'] as const).map((mode) => mapping.lock({ mode, signal: controller.signal }))
    if (round % 2 === 0) await setTimeout(1)
    controller.abort()
    lock.unlock()
    await Promise.allSettled(waits)
    t.is(mapping.testLock(), 'free')

    // The waiting thread may have the lock before its promise is settled.
    const next = mapping.lockSync()
    const late = new AbortController()
    const ended = Promise.allSettled([mapping.lock({ signal: late.signal })])
    next.unlock()
    const until = performance.now() + round / 10
    while (performance.now() < until);
    late.abort()
    t.is(mapping.testLock(), 'free')
    await ended

    const [one, other] = [mapping.lockSync({ mode: 'shared' }), mapping.lockSync({ mode: 'shared' })]
    const upgrading = one.upgrade({ timeout: 1 })
    await t.throwsAsync(upgrading, { code: 'ERR_MEMMAP_LOCK_TIMEOUT' })
    other.unlock()
    const third = mapping.tryLock({ mode: 'shared' })
    t.true(third?.held)
    for (const held of [one, third]) held?.unlock()
  }
})

test('an abort at the moment of the grant leaves no lock', async (t) => {
  const mapping = open(t)
  for (let round = 0; round < 50; round++) {
    const lock = mapping.lockSync()
    const controller = new AbortController()
    const wait = mapping.lock({ signal: controller.signal })
    lock.unlock()
    if (round % 2 === 0) await setTimeout(1)
    controller.abort()
    const [end] = await Promise.allSettled([wait])
    if (end.status === 'fulfilled') end.value.unlock()
    const next = await mapping.lock()
    next.unlock()
  }
  t.deepEqual(mine(mapping.path), [])
})

test('a time-out names its length, the lock and the holder', async (t) => {
  const mapping = open(t)
  mapping.lockSync({ offset: 10, length: 10 })
  const error = await t.throwsAsync(mapping.lock({ offset: 15, length: 2, timeout: 20 }))
  t.regex(error?.message ?? '', /exclusive lock of 2 bytes at offset 15 .*within 20 ms: this process/)
})

test('a lock granted before its time-out is held', async (t) => {
  const mapping = open(t)
  const lock = await mapping.lock({ timeout: 10_000 })
  t.true(lock.held)
  const sync = open(t).lockSync({ timeout: 10_000 })
  t.true(sync.held)
})
