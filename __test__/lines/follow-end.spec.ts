import { writeFileSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type Mapping, mmapSync } from '../../index.js'
import { tempDir } from '../helpers/temp.js'

// How following loops end.

const waiting = async (t: ExecutionContext, stop: (mapping: Mapping, iterator: AsyncIterator<string>) => unknown) => {
  const file = path.join(tempDir(t), 'a.log')
  writeFileSync(file, 'one\nhel')
  const mapping = mmapSync(file)
  const iterator = mapping.lines({ follow: true })[Symbol.asyncIterator]()
  await iterator.next()
  const step = iterator.next()
  // Long enough for the loop to reach the end of the file and wait there.
  await new Promise((resolve) => setTimeout(resolve, 300))
  void stop(mapping, iterator)
  return { step, iterator, mapping }
}

test('closing the mapping ends a waiting step', async (t) => {
  const { step, mapping } = await waiting(t, (it) => it.close())
  await t.throwsAsync(step, { code: 'ERR_MEMMAP_CLOSED' })
  await mapping.close()
})

test('return() ends a waiting step', async (t) => {
  const { step, iterator, mapping } = await waiting(t, (_, it) => it.return?.())
  t.deepEqual(await step, { done: true, value: undefined })
  t.deepEqual(await iterator.next(), { done: true, value: undefined })
  mapping.closeSync()
})

test('with a signal that is already aborted the first step fails', async (t) => {
  const file = path.join(tempDir(t), 'a.log')
  writeFileSync(file, 'one\n')
  const mapping = mmapSync(file)
  const signal = AbortSignal.abort(new Error('before'))
  await t.throwsAsync(mapping.lines({ follow: true, signal })[Symbol.asyncIterator]().next(), { message: 'before' })
  mapping.closeSync()
})
