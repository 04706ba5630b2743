import { truncateSync } from 'node:fs'
import fc from 'fast-check'
import test, { type ExecutionContext } from 'ava'
import { mmapSync, type Mapping, type MappedIterable } from '../../index.js'
import { entry, runCode } from '../helpers/child.js'
import { tempDir, tempFile } from '../helpers/temp.js'
import { work } from '../helpers/turns.js'

// What holds for everything that is gone through, whatever is made of the bytes.

const CLOSED = { code: 'ERR_MEMMAP_CLOSED' }
const DONE = { done: true, value: undefined }

type Options = { signal?: AbortSignal; dropBehind?: boolean }
type Kind = (mapping: Mapping, options?: Options) => MappedIterable<unknown>

const kinds: Record<string, Kind> = {
  windows: (mapping, options) => mapping.windows({ size: 30, ...options }),
  chunks: (mapping, options) => mapping.chunks({ size: 30, ...options }),
  lines: (mapping, options) => mapping.lines(options),
  split: (mapping, options) => mapping.split('\n', options),
  records: (mapping, options) => mapping.records(30, options),
}

// Several batches of each kind, of several items each.
const text = 'ab\n'.repeat(30_000)

for (const [name, kind] of Object.entries(kinds)) {
  const opened = (t: ExecutionContext): Mapping => {
    const mapping = mmapSync(tempFile(t, text))
    t.teardown(() => mapping.close())
    return mapping
  }

  test(`${name}: steps asked for before the one before is there are answered in order`, async (t) => {
    const mapping = opened(t)
    const iterator = kind(mapping)[Symbol.asyncIterator]()
    const expected = [...kind(mapping)].slice(0, 2500)
    const steps = await Promise.all(expected.map(() => iterator.next()))
    t.deepEqual(steps.map((step) => step.value), expected) // prettier-ignore
  })

  test(`${name}: steps behind the end are done, as often as one asks`, async (t) => {
    const mapping = opened(t)
    const iterator = kind(mapping).batches()[Symbol.asyncIterator]()
    const count = [...kind(mapping).batches()].length
    const steps = await Promise.all(Array.from({ length: count + 3 }, () => iterator.next()))
    t.deepEqual(steps.slice(count), [DONE, DONE, DONE])
    const blocking = kind(mapping)[Symbol.iterator]()
    while (!blocking.next().done);
    t.deepEqual(blocking.next(), DONE)
  })

  test(`${name}: return() ends it, also for steps that still wait`, async (t) => {
    const mapping = opened(t)
    const iterator = kind(mapping)[Symbol.asyncIterator]()
    // What is in memory need not be waited for; but two milliseconds after the first step of a turn others come first.
    await kind(mapping)[Symbol.asyncIterator]().next()
    void kind(mapping)[Symbol.asyncIterator]().next()
    work(3)
    const [first, second] = [iterator.next(), iterator.next()]
    t.deepEqual(await iterator.return?.(), DONE)
    t.deepEqual(await Promise.all([first, second]), [DONE, DONE])
    t.deepEqual(await iterator.next(), DONE)
    const blocking = kind(mapping)[Symbol.iterator]()
    blocking.next()
    t.deepEqual(blocking.return?.(), DONE)
    t.deepEqual(blocking.next(), DONE)
  })

  test(`${name}: throw() ends it with the error`, async (t) => {
    const mapping = opened(t)
    const error = new Error('mine')
    const iterator = kind(mapping)[Symbol.asyncIterator]()
    await iterator.next()
    t.is(await t.throwsAsync(async () => iterator.throw?.(error)), error)
    t.deepEqual(await iterator.next(), DONE)
    const blocking = kind(mapping)[Symbol.iterator]()
    t.is(t.throws(() => blocking.throw?.(error)), error) // prettier-ignore
    t.deepEqual(blocking.next(), DONE)
  })

  test(`${name}: it can be gone through again, and two loops do not meet`, async (t) => {
    const mapping = opened(t)
    const walk = kind(mapping)
    const [first] = walk
    for (const item of walk) {
      t.deepEqual(item, first)
      for await (const other of walk) {
        t.deepEqual(other, first)
        break
      }
      break
    }
  })

  test(`${name}: an abort ends it at the next step, with the reason`, async (t) => {
    const mapping = opened(t)
    const reason = new Error('enough')
    const loops: ((signal: AbortSignal, abort: () => void) => unknown)[] = [
      async (signal, abort) => {
        for await (const _ of kind(mapping, { signal })) abort()
      },
      async (signal, abort) => {
        for await (const _ of kind(mapping, { signal }).batches()) abort()
      },
      async (signal, abort) => {
        for (const _ of kind(mapping, { signal })) abort()
      },
      async (signal, abort) => {
        for (const _ of kind(mapping, { signal }).batches()) abort()
      },
    ]
    for (const loop of loops) {
      const controller = new AbortController()
      let steps = 0
      const abort = () => {
        steps++
        controller.abort(reason)
      }
      t.is(await t.throwsAsync(Promise.resolve(loop(controller.signal, abort))), reason)
      t.is(steps, 1)
    }
  })

  test(`${name}: with a signal that is aborted already there is no step`, async (t) => {
    const mapping = opened(t)
    const signal = AbortSignal.abort(new Error('before'))
    t.throws(() => kind(mapping, { signal })[Symbol.iterator]().next(), { message: 'before' })
    await t.throwsAsync(kind(mapping, { signal })[Symbol.asyncIterator]().next(), { message: 'before' })
  })

  test(`${name}: closing in the middle ends it at the next step`, async (t) => {
    const loops: ((walk: MappedIterable<unknown>, close: () => unknown) => Promise<void>)[] = [
      async (walk, close) => {
        for await (const _ of walk) close()
      },
      async (walk, close) => {
        for await (const _ of walk.batches()) close()
      },
      async (walk, close) => {
        for (const _ of walk) close()
      },
    ]
    for (const loop of loops) {
      for (const how of ['close', 'closeSync'] as const) {
        const mapping = opened(t)
        let steps = 0
        const close = () => {
          steps++
          return mapping[how]()
        }
        await t.throwsAsync(loop(kind(mapping), close), CLOSED)
        t.is(steps, 1)
      }
    }
  })

  test(`${name}: dropping behind changes nothing of what is seen`, async (t) => {
    const mapping = opened(t)
    const expected = [...kind(mapping)]
    t.deepEqual([...kind(mapping, { dropBehind: true })], expected)
    const items: unknown[] = []
    for await (const batch of kind(mapping, { dropBehind: true }).batches()) items.push(...batch)
    t.deepEqual(items, expected)
  })
}

test('steps, ends and aborts in any order leave an iterator that answers each of them', async (t) => {
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

test('items that were made of a page that was lost meanwhile are not handed out', async (t) => {
  const lib = (name: string) => new URL(`lib/${name}.ts`, entry).href
  const outcome = await runCode(
    `
    import assert from 'node:assert'
    import { truncateSync, writeFileSync } from 'node:fs'
    import { mmapSync } from 'memmap'
    import { makeIterable } from '${lib('iterate/iterable')}'
    import { stateOf } from '${lib('memory')}'
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

test('a program that leaves loops in the middle ends by itself, and nothing is rejected unheard', async (t) => {
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
    // Steps that nobody hears of, and iterators that nobody ends.
    const left = [mapping.chunks(), mapping.windows({ signal }), mapping.records(2 ** 28, { signal }).batches()]
    for (const walk of left) {
      const iterator = walk[Symbol.asyncIterator]()
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

test('a loop that is left while it waits for the disk ends, and the process goes on', async (t) => {
  const code = `
    import assert from 'node:assert'
    import { writeFileSync } from 'node:fs'
    import { mmapSync } from 'memmap'
    writeFileSync('cold.bin', Buffer.alloc(2 ** 26, 'a'))
    const mapping = mmapSync('cold.bin')
    for (const walk of [mapping.chunks(), mapping.lines({ encoding: 'buffer' }), mapping.records(64).batches()]) {
      mapping.evictSync()
      const iterator = walk[Symbol.asyncIterator]()
      const waiting = iterator.next()
      await iterator.return()
      // It may have been there already: the system evicts what it likes.
      await waiting
      assert.equal((await iterator.next()).done, true)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await mapping.close()
    console.log('closed')`
  const { code: exit, signal, stdout, stderr } = await runCode(code, { cwd: tempDir(t), timeout: 60_000 })
  t.deepEqual({ exit, signal, stdout, stderr }, { exit: 0, signal: null, stdout: 'closed\n', stderr: '' })
})
test('lines as Buffers are handed out no more when a page is known to be gone', async (t) => {
  for (const kind of ['for', 'for await']) {
    const file = tempFile(t, text)
    const mapping = mmapSync(file)
    let late = 0
    const take = (line: Buffer, index: number): void => {
      if (mapping.faults.length > 0) late += line.length
      if (index !== 3) return
      truncateSync(file, 10)
      t.throws(() => mapping.read(), { code: 'ERR_MEMMAP_FAULT' })
    }
    await t.throwsAsync(
      async () => {
        let index = 0
        const lines = mapping.lines({ encoding: 'buffer' })
        if (kind === 'for') for (const line of lines) take(line, index++)
        else for await (const line of lines) take(line, index++)
      },
      { code: 'ERR_MEMMAP_FAULT' },
    )
    t.is(late, 0, kind)
    await mapping.close()
  }
})

test('steps asked for in advance are in order also where the global Promise is somebody else’s', async (t) => {
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
