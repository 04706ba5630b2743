import { isDeepStrictEqual } from 'node:util'
import { truncateSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { mmapSync, type Mapping, type MappedIterable } from '../../index.js'
import { tempFile } from '../helpers/temp.js'
import { work } from '../helpers/turns.js'

// Behaviour of every iterable, whatever its items are.

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

// Long enough for several batches of several items of each kind.
const text = 'ab\n'.repeat(30_000)

for (const [name, kind] of Object.entries(kinds)) {
  const opened = (t: ExecutionContext): Mapping => {
    const mapping = mmapSync(tempFile(t, text))
    t.teardown(() => mapping.close())
    return mapping
  }

  test(`${name}: steps requested before earlier ones are answered come in order`, async (t) => {
    const mapping = opened(t)
    const iterator = kind(mapping)[Symbol.asyncIterator]()
    const expected = [...kind(mapping)].slice(0, 2500)
    const steps = await Promise.all(expected.map(() => iterator.next()))
    t.true(
      isDeepStrictEqual(
        steps.map((step) => step.value),
        expected,
      ),
    )
  })

  test(`${name}: every step after the end is done`, async (t) => {
    const mapping = opened(t)
    const iterator = kind(mapping).batches()[Symbol.asyncIterator]()
    const count = [...kind(mapping).batches()].length
    const steps = await Promise.all(Array.from({ length: count + 3 }, () => iterator.next()))
    t.deepEqual(steps.slice(count), [DONE, DONE, DONE])
    const blocking = kind(mapping)[Symbol.iterator]()
    while (!blocking.next().done);
    t.deepEqual(blocking.next(), DONE)
  })

  test(`${name}: return() ends the iterator, including steps that still wait`, async (t) => {
    const mapping = opened(t)
    const iterator = kind(mapping)[Symbol.asyncIterator]()
    // Resident pages need no wait, but 2 ms after the first step of a turn of the event loop a step yields.
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

  test(`${name}: throw() ends the iterator with the error`, async (t) => {
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

  test(`${name}: two loops over one iterable are independent`, async (t) => {
    const mapping = opened(t)
    const iterable = kind(mapping)
    const [first] = iterable
    for (const item of iterable) {
      t.deepEqual(item, first)
      for await (const other of iterable) {
        t.deepEqual(other, first)
        break
      }
      break
    }
  })

  test(`${name}: an abort makes the next step fail with the reason`, async (t) => {
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

  test(`${name}: with a signal that is already aborted the first step fails`, async (t) => {
    const mapping = opened(t)
    const signal = AbortSignal.abort(new Error('before'))
    t.throws(() => kind(mapping, { signal })[Symbol.iterator]().next(), { message: 'before' })
    await t.throwsAsync(kind(mapping, { signal })[Symbol.asyncIterator]().next(), { message: 'before' })
  })

  test(`${name}: closing the mapping makes the next step fail`, async (t) => {
    const loops: ((iterable: MappedIterable<unknown>, close: () => unknown) => Promise<void>)[] = [
      async (iterable, close) => {
        for await (const _ of iterable) close()
      },
      async (iterable, close) => {
        for await (const _ of iterable.batches()) close()
      },
      async (iterable, close) => {
        for (const _ of iterable) close()
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

  test(`${name}: dropBehind does not change the items`, async (t) => {
    const mapping = opened(t)
    const expected = [...kind(mapping)]
    t.true(isDeepStrictEqual([...kind(mapping, { dropBehind: true })], expected))
    const items: unknown[] = []
    for await (const batch of kind(mapping, { dropBehind: true }).batches()) items.push(...batch)
    t.true(isDeepStrictEqual(items, expected))
  })
}

test('lines as Buffers are not returned after a page was lost', async (t) => {
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
