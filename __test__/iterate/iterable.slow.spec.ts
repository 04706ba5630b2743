import fc from 'fast-check'
import test from 'ava'
import { mmapSync } from '../../index.js'
import { entry, runCode } from '../helpers/child.js'
import { tempDir, tempFile } from '../helpers/temp.js'

// Behaviour of every iterable, whatever its items are.

const DONE = { done: true, value: undefined }

// Long enough for several batches of several items of each kind.
const text = 'ab\n'.repeat(30_000)

test('an iterator answers next(), return(), throw() and aborts in any order', async (t) => {
  const mapping = mmapSync(tempFile(t, text))
  const action = fc.constantFrom('next', 'next', 'next', 'return', 'throw', 'abort', 'turn')
  const property = fc.asyncProperty(fc.array(action, { maxLength: 12 }), async (actions) => {
    const controller = new AbortController()
    const iterator = mapping.chunks({ size: 7, signal: controller.signal })[Symbol.asyncIterator]()
    const answers: Promise<unknown>[] = []
    for (const one of actions) {
      if (one === 'abort') controller.abort(new Error('mine'))
      else if (one === 'turn') await new Promise(setImmediate)
      else answers.push(Promise.resolve(iterator[one]?.(one === 'throw' ? new Error('mine') : undefined)))
    }
    for (const answer of await Promise.allSettled(answers)) {
      if (answer.status === 'rejected') t.is((answer.reason as Error).message, 'mine')
    }
    t.deepEqual(await iterator.return?.(), DONE)
    t.deepEqual(await iterator.next(), DONE)
  })
  await fc.assert(property)
  mapping.closeSync()
})

test('items made from a page that was lost meanwhile are not returned', async (t) => {
  const lib = (name: string) => new URL(`lib/${name}.ts`, entry).href
  const outcome = await runCode(
    `
    import assert from 'node:assert'
    import { truncateSync, writeFileSync } from 'node:fs'
    import { mmapSync } from 'memmap'
    import { makeIterable } from '${lib('iterate/iterable')}'
    import { stateOf } from '${lib('state/mapping-state')}'
    writeFileSync('shrinks.bin', Buffer.alloc(2 ** 16, 7))
    const mapping = mmapSync('shrinks.bin')
    const view = mapping.buffer()
    const readBatch = () => {
      truncateSync('shrinks.bin', 0)
      return [view[2 ** 15]]
    }
    const range = { state: stateOf(mapping), start: 0, end: 1, dropBehind: false }
    const iterator = makeIterable(range, () => ({ position: 0, batchEnd: 1, done: false, readBatch }))[Symbol.iterator]()
    assert.throws(() => iterator.next(), { code: 'ERR_MEMMAP_FAULT' })
    `,
    { cwd: tempDir(t), node: ['--no-warnings'] },
  )
  t.deepEqual(outcome, { code: 0, signal: null, stdout: '', stderr: '' })
})

test('a program with abandoned loops ends by itself and has no unhandled rejection', async (t) => {
  const outcome = await runCode(
    `
    import assert from 'node:assert'
    import { truncateSync, writeFileSync } from 'node:fs'
    import { mmap } from 'memmap'
    writeFileSync('large.bin', '')
    truncateSync('large.bin', 2 ** 29)
    const mapping = await mmap('large.bin')
    const controller = new AbortController()
    const { signal } = controller
    for await (const chunk of mapping.chunks({ size: 2 ** 20 })) if (chunk.length > 0) break
    await assert.rejects(async () => {
      for await (const chunk of mapping.chunks({ size: 2 ** 20, dropBehind: true })) throw new Error(chunk.length)
    })
    // Steps without a listener, and iterators that are never ended.
    const left = [mapping.chunks(), mapping.windows({ signal }), mapping.records(2 ** 28, { signal }).batches()]
    for (const iterable of left) {
      const iterator = iterable[Symbol.asyncIterator]()
      for (let steps = 0; steps < 3; steps++) void iterator.next()
    }
    controller.abort()
    const iterator = mapping.windows({ size: 2 ** 29 })[Symbol.asyncIterator]()
    const step = iterator.next()
    void mapping.close()
    await assert.rejects(step, { code: 'ERR_MEMMAP_CLOSED' })
    console.log('end')
    `,
    { cwd: tempDir(t), node: ['--unhandled-rejections=strict', '--no-warnings'] },
  )
  t.deepEqual(outcome, { code: 0, signal: null, stdout: 'end\n', stderr: '' })
})

test('a loop that is ended while it waits for the disk stops, and the process continues', async (t) => {
  const code = `
    import assert from 'node:assert'
    import { writeFileSync } from 'node:fs'
    import { mmapSync } from 'memmap'
    writeFileSync('cold.bin', Buffer.alloc(2 ** 26, 'a'))
    const mapping = mmapSync('cold.bin')
    for (const iterable of [mapping.chunks(), mapping.lines({ encoding: 'buffer' }), mapping.records(64).batches()]) {
      mapping.evictSync()
      const iterator = iterable[Symbol.asyncIterator]()
      const waiting = iterator.next()
      await iterator.return()
      // The pages may be resident already: the system chooses what it evicts.
      await waiting
      assert.equal((await iterator.next()).done, true)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await mapping.close()
    console.log('closed')`
  const { code: exit, signal, stdout, stderr } = await runCode(code, { cwd: tempDir(t), timeout: 60_000 })
  t.deepEqual({ exit, signal, stdout, stderr }, { exit: 0, signal: null, stdout: 'closed\n', stderr: '' })
})
test('steps requested in advance are answered in order even if the global Promise was replaced', async (t) => {
  const outcome = await runCode(
    `
    import assert from 'node:assert'
    import { writeFileSync } from 'node:fs'
    import { mmapSync } from 'memmap'
    globalThis.Promise = class extends Promise {}
    const lines = Array.from({ length: 40_000 }, (_, number) => String(number))
    writeFileSync('numbers.txt', lines.join('\\n'))
    const mapping = mmapSync('numbers.txt')
    const iterator = mapping.lines()[Symbol.asyncIterator]()
    void mapping.lines()[Symbol.asyncIterator]().next()
    for (const end = performance.now() + 3; performance.now() < end;);
    const steps = await Promise.all(lines.map(() => iterator.next()))
    assert.deepEqual(steps.map(({ value }) => value), lines)
    mapping.closeSync()
    console.log('in order')`,
    { cwd: tempDir(t), node: ['--no-warnings'] },
  )
  t.deepEqual(outcome, { code: 0, signal: null, stdout: 'in order\n', stderr: '' })
})
