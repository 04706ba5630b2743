import { arrayBuffer, buffer, text } from 'node:stream/consumers'
import type { ReadableStream } from 'node:stream/web'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { mmapAnonymous, type WebStreamOptions } from '../../index.js'
import { mapFile } from '../helpers/mapped.js'
import { counting } from '../helpers/temp.js'
import { countTurns } from '../helpers/turns.js'

// Truncated files and runtimes without views are tested in stream-danger.slow.spec.ts.

const closed = { code: 'ERR_MEMMAP_CLOSED' }

/** Reads with a BYOB reader into buffers of these lengths in turn. */
async function readByob(stream: ReadableStream<Uint8Array>, sizes: readonly number[]): Promise<Buffer[]> {
  const reader = stream.getReader({ mode: 'byob' })
  const parts: Buffer[] = []
  for (let turn = 0; ; turn++) {
    const { done, value } = await reader.read(new Uint8Array(sizes[turn % sizes.length] ?? 1))
    if (done) return parts
    parts.push(Buffer.from(value))
  }
}

// Chunks.

const gives = test.macro(
  async (t: ExecutionContext, options: WebStreamOptions | undefined, start: number, end: number) => {
    const expected = counting(1000).subarray(start, end)
    const { mapping } = mapFile(t, 1000)
    t.deepEqual(await buffer(mapping.readableStream(options)), expected)
    t.deepEqual(Buffer.concat(await readByob(mapping.readableStream(options), [7, 300])), expected)
  },
)

test('without options the stream gives the whole mapping', gives, undefined, 0, 1000)
test('a start is respected', gives, { start: 100 }, 100, 1000)
test('an end is inclusive', gives, { end: 99 }, 0, 100)
test('a start and an end give a range', gives, { start: 10, end: 20 }, 10, 21)
test('an equal start and end give one byte', gives, { start: 10, end: 10 }, 10, 11)
test('bounds may be bigints', gives, { start: 10n, end: 20n }, 10, 21)
test('an end beyond the last byte gives the rest', gives, { start: 990, end: 5000 }, 990, 1000)
test('an infinite end gives the rest', gives, { start: 990, end: Infinity }, 990, 1000)
test('a start at the end gives nothing', gives, { start: 1000 }, 1000, 1000)
test('a start beyond the end gives nothing', gives, { start: 5000, end: 6000 }, 1000, 1000)
test('dropBehind does not change the bytes', gives, { dropBehind: true }, 0, 1000)

test('the stream of an empty mapping has ended', async (t) => {
  const reader = mapFile(t, '').mapping.readableStream().getReader()
  await reader.closed
  t.deepEqual(await reader.read(), { done: true, value: undefined })
})

test('a default reader gets copies of up to 1 MiB', async (t) => {
  const memory = mmapAnonymous(2.5 * 2 ** 20)
  const view = memory.buffer()
  const lengths: number[] = []
  for await (const chunk of memory.readableStream()) {
    t.is(chunk.constructor, Uint8Array)
    t.not(chunk.buffer, view.buffer)
    t.is(chunk.buffer.byteLength, chunk.length)
    chunk.fill(1)
    lengths.push(chunk.length)
  }
  t.deepEqual(lengths, [2 ** 20, 2 ** 20, 2 ** 19])
  t.is(view.length, 2.5 * 2 ** 20)
  t.is(view.indexOf(1), -1)
  await memory.close()
})

test('a BYOB reader gets its own buffer back, filled', async (t) => {
  const { mapping } = mapFile(t, 1000)
  const reader = mapping.readableStream().getReader({ mode: 'byob' })
  const target = new Uint8Array(new ArrayBuffer(500), 100, 300)
  const { value } = await reader.read(target)
  t.is(target.length, 0)
  t.deepEqual([value?.byteOffset, value?.length, value?.buffer.byteLength], [100, 300, 500])
  t.deepEqual(Buffer.from(value ?? []), counting(300))
  t.is(mapping.buffer().length, 1000)
  await reader.cancel()
})

test('a BYOB reader may pass views of any type', async (t) => {
  const mapping = mmapAnonymous(64)
  mapping.dataView().setFloat64(8, Math.PI, true)
  const reader = mapping.readableStream({ start: 8 }).getReader({ mode: 'byob' })
  const numbers = await reader.read(new Float64Array(2))
  t.is(numbers.value?.[0], Math.PI)
  const { value } = await reader.read(new DataView(new ArrayBuffer(100)))
  t.is(value?.byteLength, 40)
  t.true((await reader.read(new Uint8Array(1))).done)
  await mapping.close()
})

test('a BYOB read pending at the end gets its buffer back', async (t) => {
  const { mapping } = mapFile(t, 10)
  const reader = mapping.readableStream().getReader({ mode: 'byob' })
  const [first, second, third] = await Promise.all([
    reader.read(new Uint8Array(6)),
    reader.read(new Uint8Array(6)),
    reader.read(new Uint8Array(6)),
  ])
  t.deepEqual([first.value?.length, second.value?.length, second.done], [6, 4, false])
  t.deepEqual([third.value?.length, third.value?.buffer.byteLength, third.done], [0, 6, true])
  await reader.closed
})

test('all bytes come in order for any range and any buffers', async (t) => {
  const { mapping } = mapFile(t, 3000)
  const bound = fc.nat(3100)
  const sizes = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(bound, bound, sizes, async (a, b, lengths) => {
      const [start, end] = [Math.min(a, b), Math.max(a, b)]
      const parts = await readByob(mapping.readableStream({ start, end }), lengths)
      t.true(Buffer.concat(parts).equals(counting(3000).subarray(start, end + 1)))
      t.true(parts.slice(0, -1).every((part, index) => part.length === lengths[index % lengths.length]))
    }),
    { numRuns: 100 },
  )
})

test('default and BYOB readers may alternate', async (t) => {
  const stream = mapFile(t, 5 * 2 ** 20).mapping.readableStream()
  const byob = stream.getReader({ mode: 'byob' })
  const first = await byob.read(new Uint8Array(100))
  byob.releaseLock()
  const reader = stream.getReader()
  const second = await reader.read()
  reader.releaseLock()
  const third = await stream.getReader({ mode: 'byob' }).read(new Uint8Array(100))
  t.deepEqual(Buffer.from(first.value ?? []), counting(100))
  t.is(second.value?.length, 2 ** 20)
  t.deepEqual([...(third.value ?? [])], [...counting(200).subarray(100)])
})

test('nothing is read before it is requested', async (t) => {
  const { mapping } = mapFile(t, 100)
  const stream = mapping.readableStream()
  await new Promise((resolve) => setTimeout(resolve, 20))
  const view = mapping.buffer()
  view[0] = 77
  const { value } = await stream.getReader().read()
  t.is(value?.[0], 77)
})

test('the event loop runs while resident bytes are read', async (t) => {
  const memory = mmapAnonymous(16 * 2 ** 20)
  const turns = countTurns()
  let length = 0
  for await (const chunk of memory.readableStream()) length += chunk.length
  turns.stop()
  t.is(length, 16 * 2 ** 20)
  t.true(turns.count >= 8, `${turns.count} turns`)
  await memory.close()
})

// Refused options.

const refusals: Record<string, [unknown, string]> = {
  'a start of -1': [{ start: -1 }, 'ERR_OUT_OF_RANGE'],
  'a start of NaN': [{ start: NaN }, 'ERR_OUT_OF_RANGE'],
  'a start after the end': [{ start: 10, end: 2 }, 'ERR_OUT_OF_RANGE'],
  'a start that is a string': [{ start: '1' }, 'ERR_INVALID_ARG_TYPE'],
  'an end that is null': [{ end: null }, 'ERR_INVALID_ARG_TYPE'],
  'an invalid signal': [{ signal: 'SIGTERM' }, 'ERR_INVALID_ARG_TYPE'],
  'a dropBehind that is not a boolean': [{ dropBehind: 1 }, 'ERR_INVALID_ARG_TYPE'],
  'a misspelt option': [{ sginal: undefined }, 'ERR_INVALID_ARG_VALUE'],
  'a string for options': ['utf8', 'ERR_INVALID_ARG_TYPE'],
}

for (const [what, [options, code]] of Object.entries(refusals)) {
  test(`${what} is refused and pins nothing`, (t) => {
    const { mapping } = mapFile(t, 10)
    t.throws(() => mapping.readableStream(options as WebStreamOptions), { code })
    t.notThrows(() => mapping.closeSync())
  })
}

// Ends.

test('the stream is a pin until its end', async (t) => {
  const { mapping } = mapFile(t, 1000)
  const stream = mapping.readableStream()
  t.throws(() => mapping.closeSync(), { code: 'ERR_MEMMAP_BUSY' })
  t.is((await arrayBuffer(stream)).byteLength, 1000)
  t.notThrows(() => mapping.closeSync())
})

test('cancel() releases the mapping', async (t) => {
  const { mapping } = mapFile(t, 1000)
  await mapping.readableStream().cancel()
  const reader = mapping.readableStream().getReader({ mode: 'byob' })
  await reader.read(new Uint8Array(10))
  await reader.cancel('enough')
  t.notThrows(() => mapping.closeSync())
})

test('a loop that ends early releases the mapping', async (t) => {
  const { mapping } = mapFile(t, 3 * 2 ** 20)
  for await (const _ of mapping.readableStream()) break
  t.notThrows(() => mapping.closeSync())
})

test('an abort fails the stream with the reason itself', async (t) => {
  const { mapping } = mapFile(t, 3 * 2 ** 20)
  const controller = new AbortController()
  const reason = new Error('enough')
  const reader = mapping.readableStream({ signal: controller.signal }).getReader()
  await reader.read()
  controller.abort(reason)
  t.is(await t.throwsAsync(reader.read()), reason)
  t.is(await t.throwsAsync(reader.closed), reason)
  t.notThrows(() => mapping.closeSync())
})

test('with a signal that is already aborted the stream fails', async (t) => {
  const { mapping } = mapFile(t, 1000)
  const reason = new Error('never')
  t.is(await t.throwsAsync(text(mapping.readableStream({ signal: AbortSignal.abort(reason) }))), reason)
  t.notThrows(() => mapping.closeSync())
})

test('an abort after the end has no effect', async (t) => {
  const { mapping } = mapFile(t, 10)
  const controller = new AbortController()
  const reader = mapping.readableStream({ signal: controller.signal }).getReader()
  await reader.read()
  controller.abort()
  t.true((await reader.read()).done)
})

test('close() of the mapping fails its streams without waiting for their readers', async (t) => {
  const mapping = mmapAnonymous(3 * 2 ** 20)
  const idle = mapping.readableStream()
  const reader = mapping.readableStream().getReader()
  const waiting = mapping.readableStream().getReader({ mode: 'byob' })
  await reader.read()
  const pending = t.throwsAsync(
    waiting.read(new Uint8Array(2 ** 20)).then(() => waiting.read(new Uint8Array(10))),
    closed,
  )
  await mapping.close()
  await pending
  await t.throwsAsync(reader.read(), closed)
  await t.throwsAsync(text(idle), closed)
})
