import { getEventListeners } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import type { Mapping } from '../../index.js'
import { endless } from './mapped.js'

/** The reason with which the tests abort a search. */
export const reason = new Error('because')

/** Checks that a search of endless memory ends by an abort before it, by an abort during it, and by a close during it. */
export const ends = test.macro(
  async (t: ExecutionContext, search: (memory: Mapping, signal: AbortSignal) => Promise<unknown>) => {
    const memory = endless(t)

    const early = new AbortController()
    early.abort(reason)
    t.is(await t.throwsAsync(search(memory, early.signal)), reason)

    const late = new AbortController()
    const searching = search(memory, late.signal)
    setImmediate(() => late.abort(reason))
    t.is(await t.throwsAsync(searching), reason)
    t.deepEqual(getEventListeners(late.signal, 'abort'), [])

    const closed = search(memory, new AbortController().signal)
    setImmediate(() => void memory.close())
    await t.throwsAsync(closed, { code: 'ERR_MEMMAP_CLOSED' })
    await memory.close()
  },
)

/** Iterates to the end and ignores the items. */
export const drain = async (iterable: AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of iterable);
}
