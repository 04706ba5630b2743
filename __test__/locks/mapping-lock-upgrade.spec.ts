import test, { type ExecutionContext } from 'ava'
import { locks, type Mapping, mmapSync } from '../../index.js'
import { tempFile } from '../helpers/temp.js'

function open(t: ExecutionContext, file = tempFile(t, 100), offset = 0): Mapping {
  const mapping = mmapSync(file, { mode: 'r+', offset })
  t.teardown(() => mapping.close())
  return mapping
}

const mine = (path: string | undefined) => locks().filter((one) => one.path === path)

// Upgrades and downgrades.

test('a lock is upgraded and downgraded', async (t) => {
  const mapping = open(t)
  const lock = await mapping.lock({ mode: 'shared' })
  const other = mapping.lockSync({ mode: 'shared' })
  t.false(lock.tryUpgrade())
  t.is(lock.mode, 'shared')
  await t.throwsAsync(lock.upgrade({ timeout: 0 }), { code: 'ERR_MEMMAP_LOCK_BUSY' })
  await t.throwsAsync(lock.upgrade({ timeout: 5 }), { code: 'ERR_MEMMAP_LOCK_TIMEOUT' })
  const upgrading = lock.upgrade()
  t.deepEqual(
    mine(mapping.path).map(({ state, mode }) => [state, mode]),
    [
      ['held', 'shared'],
      ['held', 'shared'],
      ['upgrading', 'exclusive'],
    ],
  )
  other.unlock()
  await upgrading
  t.is(lock.mode, 'exclusive')
  t.true(lock.tryUpgrade())
  await lock.upgrade()
  lock.downgrade()
  lock.downgrade()
  t.is(mapping.testLock(), 'shared')
  t.not(mapping.tryLock({ mode: 'shared' }), null)
})

test('two upgrades do not wait for each other: the second is refused', async (t) => {
  const mapping = open(t)
  const [one, other] = [mapping.lockSync({ mode: 'shared' }), mapping.lockSync({ mode: 'shared' })]
  const upgrading = one.upgrade()
  await t.throwsAsync(one.upgrade(), { code: 'ERR_MEMMAP_LOCK_DEADLOCK' })
  await t.throwsAsync(other.upgrade(), { code: 'ERR_MEMMAP_LOCK_DEADLOCK' })
  t.true(other.held)
  other.unlock()
  await upgrading
  t.is(one.mode, 'exclusive')
})

test('an upgrade that is aborted leaves the shared lock', async (t) => {
  const mapping = open(t)
  const [one, other] = [mapping.lockSync({ mode: 'shared' }), mapping.lockSync({ mode: 'shared' })]
  const reason = new Error('Enough')
  const controller = new AbortController()
  const upgrading = one.upgrade({ signal: controller.signal })
  controller.abort(reason)
  await t.throwsAsync(upgrading, { is: reason })
  other.unlock()
  t.deepEqual([one.mode, one.held], ['shared', true])
  const next = await mapping.lock({ mode: 'shared' })
  next.unlock()
  await one.upgrade()
  t.is(one.mode, 'exclusive')
})

test('an abort at the moment of the grant leaves a shared lock, or a requested exclusive one', async (t) => {
  const mapping = open(t)
  const lock = mapping.lockSync({ mode: 'shared' })
  for (let round = 0; round < 60; round++) {
    const other = mapping.lockSync({ mode: 'shared' })
    const controller = new AbortController()
    const upgrading = lock.upgrade({ signal: controller.signal })
    other.unlock()
    // The waiting thread may have the lock already, while the promise is still pending.
    const until = performance.now() + (round % 10) / 10
    while (performance.now() < until);
    controller.abort()
    if (round % 2 === 0) await lock.upgrade()
    await Promise.allSettled([upgrading])
    t.is(lock.mode, round % 2 === 0 ? 'exclusive' : 'shared')
    if (round % 2 === 0) t.is(mapping.tryLock({ mode: 'shared' }), null)
    else (await mapping.lock({ mode: 'shared' })).unlock()
    if (round % 2 === 0) lock.downgrade()
  }
  t.true(lock.held)
})

test('releasing a lock ends its upgrade', async (t) => {
  const mapping = open(t)
  const [one, other] = [mapping.lockSync({ mode: 'shared' }), mapping.lockSync({ mode: 'shared' })]
  const upgrading = one.upgrade()
  one.unlock()
  await t.throwsAsync(upgrading, { code: 'ERR_MEMMAP_LOCK_RELEASED' })
  t.true(other.tryUpgrade())
  other.unlock()
  const next = await mapping.lock()
  next.unlock()
})

test('closing the mapping ends an upgrade', async (t) => {
  const mapping = open(t)
  const [one] = [mapping.lockSync({ mode: 'shared' }), mapping.lockSync({ mode: 'shared' })]
  const upgrading = one.upgrade()
  mapping.closeSync()
  await t.throwsAsync(upgrading, { code: 'ERR_MEMMAP_CLOSED' })
})
