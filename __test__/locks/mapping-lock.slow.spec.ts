import test, { type ExecutionContext } from 'ava'
import { type Mapping, mmapSync } from '../../index.js'
import { startHolder } from '../helpers/holder.js'
import { tempFile } from '../helpers/temp.js'

function open(t: ExecutionContext, file = tempFile(t, 100), offset = 0): Mapping {
  const mapping = mmapSync(file, { mode: 'r+', offset })
  t.teardown(() => mapping.close())
  return mapping
}

// Other processes.

test('locks exclude another process, and its changes are seen here', async (t) => {
  const mapping = open(t)
  const path = mapping.path ?? ''
  const holder = await startHolder(t, path, { offset: 5, length: 10 })
  t.is(mapping.testLock(), 'exclusive')
  t.is(mapping.tryLock({ offset: 14, length: 1 }), null)
  t.true(mapping.lockSync({ length: 5 }).held)
  const error = t.throws(() => mapping.lockSync({ offset: 5, timeout: 30 }), { code: 'ERR_MEMMAP_LOCK_TIMEOUT' })
  t.regex(error?.message ?? '', /another process/)
  await holder.tell('downgrade')
  t.is(mapping.testLock({ offset: 5 }), 'shared')
  const reader = await mapping.lock({ mode: 'shared', offset: 5 })
  const upgrading = reader.upgrade()
  await holder.tell('unlock')
  await upgrading
  t.is(reader.mode, 'exclusive')
})

for (const how of ['mapping', 'path']) {
  test(`the lock of a killed process is free at once (${how})`, async (t) => {
    const mapping = open(t)
    const holder = await startHolder(t, mapping.path ?? '', {}, how)
    const wait = mapping.lock()
    await holder.end('SIGKILL')
    const lock = await wait
    t.true(lock.held)
  })
}
