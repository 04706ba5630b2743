import test from 'ava'
import { mmapAnonymous, mmapSync } from '../../index.js'
import { ReadAhead } from '../../lib/iterate/read-ahead.js'
import { stateOf } from '../../lib/state/mapping-state.js'
import { coldMapping, MIB } from '../helpers/cold-mapping.js'
import { tempFile } from '../helpers/temp.js'

// A system short of memory may reclaim a page between the read-ahead and the check. So a few may be missing; without
// read-ahead all would be.
test('for await returns resident pages of a file that was not resident', async (t) => {
  const mapping = coldMapping(t, 64)
  if (mapping === undefined) return
  const { native } = stateOf(mapping)
  let cold = 0
  for await (const { offset, length } of mapping.windows({ size: MIB })) if (!native.isResident(offset, length)) cold++
  t.true(cold <= 8, `${cold} of 64`)
})

test('a loop without await reads nothing by itself', (t) => {
  const mapping = coldMapping(t, 4)
  if (mapping === undefined) return
  const { native } = stateOf(mapping)
  for (const { offset, length } of mapping.windows({ size: MIB })) t.false(native.isResident(offset, length))
})

test('resident pages are not waited for', (t) => {
  const mapping = mmapSync(tempFile(t, 1000))
  mapping.read()
  const readAhead = new ReadAhead(stateOf(mapping), 0, 1000)
  t.is(readAhead.prepare(0, 1000), undefined)
  readAhead.end()
  mapping.closeSync()
})

test('anonymous memory is neither waited for nor touched', (t) => {
  const memory = mmapAnonymous(2 ** 40, { noReserve: true })
  const readAhead = new ReadAhead(stateOf(memory), 0, memory.length)
  t.is(readAhead.prepare(0, memory.length), undefined)
  readAhead.end()
  memory.closeSync()
})

test('an abort ends a wait with its reason', async (t) => {
  const mapping = coldMapping(t, 64)
  if (mapping === undefined) return
  const controller = new AbortController()
  const readAhead = new ReadAhead(stateOf(mapping), 0, mapping.length, { signal: controller.signal })
  const waiting = readAhead.prepare(0, mapping.length)
  controller.abort(new Error('enough'))
  await t.throwsAsync(waiting!, { message: 'enough' })
  readAhead.end()
})

test('close() and closeSync() end a wait', async (t) => {
  for (const how of ['close', 'closeSync'] as const) {
    let code: unknown
    // All pages may be resident before the mapping is closed, but not in each attempt.
    for (let attempt = 0; attempt < 5 && code === undefined; attempt++) {
      const mapping = coldMapping(t, 32)
      if (mapping === undefined) return
      const readAhead = new ReadAhead(stateOf(mapping), 0, mapping.length)
      const waiting = readAhead.prepare(0, mapping.length)
      const closing = mapping[how]()
      code = await waiting!.then(
        () => undefined,
        (error: NodeJS.ErrnoException) => error.code,
      )
      await closing
      readAhead.end()
    }
    t.is(code, 'ERR_MEMMAP_CLOSED', how)
  }
})

test('ending the read-ahead ends a wait', async (t) => {
  const mapping = coldMapping(t, 64)
  if (mapping === undefined) return
  const readAhead = new ReadAhead(stateOf(mapping), 0, mapping.length)
  const waiting = readAhead.prepare(0, mapping.length)
  readAhead.end()
  await t.notThrowsAsync(waiting!)
})

test('closing during a read-ahead that has no waiter causes no error', async (t) => {
  const mapping = coldMapping(t, 64)
  if (mapping === undefined) return
  const { native } = stateOf(mapping)
  const readAhead = new ReadAhead(stateOf(mapping), 0, mapping.length)
  await readAhead.prepare(0, MIB)
  // Busy, since a turn of the event loop would start the read-ahead after the next one.
  for (const start = performance.now(); !native.isResident(MIB, 2 * MIB) && performance.now() - start < 5000;);
  await Promise.all([mapping.close(), new Promise((resolve) => setTimeout(resolve, 50))])
  t.throws(() => mapping.read(), { code: 'ERR_MEMMAP_CLOSED' })
})

test('dropBehind keeps private stores', (t) => {
  const mapping = mmapSync(tempFile(t, Buffer.alloc(40 * MIB)), { mode: 'c' })
  for (const chunk of mapping.chunks({ size: MIB, dropBehind: true })) chunk[0] = 7
  t.true([...mapping.chunks({ size: MIB })].every((chunk) => chunk[0] === 7))
  mapping.closeSync()
})
