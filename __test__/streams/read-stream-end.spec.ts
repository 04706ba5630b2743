import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import test from 'ava'
import { mmapAnonymous } from '../../index.js'
import { mapFile } from '../helpers/mapped.js'
import { survives } from '../helpers/survive.js'

const closed = { code: 'ERR_MEMMAP_CLOSED' }

// Ends.

test('a read stream is closed after its end, and emits close once', async (t) => {
  const { mapping } = mapFile(t, 10)
  const events: string[] = []
  const stream = mapping.createReadStream()
  for (const name of ['data', 'end', 'close', 'error']) stream.on(name, () => events.push(name))
  await once(stream, 'close')
  t.deepEqual(events, ['data', 'end', 'close'])
  t.true(stream.destroyed && stream.closed && stream.readableEnded)
})

test('without emitClose a read stream emits no close', async (t) => {
  const { mapping } = mapFile(t, 10)
  const stream = mapping.createReadStream({ emitClose: false })
  stream.on('close', () => t.fail())
  await buffer(stream)
  await new Promise(setImmediate)
  t.true(stream.destroyed)
})

test('without autoClose a read stream keeps its pin until it is destroyed', async (t) => {
  const { mapping } = mapFile(t, 10)
  const stream = mapping.createReadStream({ autoClose: false })
  stream.resume()
  await once(stream, 'end')
  await new Promise(setImmediate)
  t.false(stream.destroyed || stream.closed)
  t.throws(() => mapping.closeSync(), { code: 'ERR_MEMMAP_BUSY' })
  stream.close()
  mapping.closeSync()
  t.true(stream.destroyed)
})

test('destroy() with an error emits that error once', async (t) => {
  const { mapping } = mapFile(t, 10)
  const stream = mapping.createReadStream()
  const errors: Error[] = []
  stream.on('error', (error) => errors.push(error)).on('data', () => t.fail())
  const reason = new Error('DESTROYED')
  stream.destroy(reason).destroy(new Error('AGAIN')).destroy()
  await new Promise((resolve) => stream.on('close', resolve))
  t.deepEqual(errors, [reason])
})

test('each call of close() calls its callback', async (t) => {
  const { mapping } = mapFile(t, 10)
  const stream = mapping.createReadStream()
  const ended = await Promise.all([1, 2].map(() => new Promise((resolve) => stream.close(resolve))))
  t.is(ended.length, 2)
  t.true(stream.destroyed)
  stream.close()
})

test('a loop that ends early destroys the stream', async (t) => {
  const { mapping } = mapFile(t, 1000)
  const stream = mapping.createReadStream({ highWaterMark: 10 })
  for await (const _ of stream) break
  t.true(stream.destroyed)
  t.notThrows(() => mapping.closeSync())
})

test(
  'an error thrown by a listener is an uncaught exception, not an error of the stream',
  survives,
  'stream/throws.ts',
  'thrown',
)

// Signals.

test('an abort destroys the stream with an AbortError whose cause is the reason', async (t) => {
  const { mapping } = mapFile(t, 1000)
  const controller = new AbortController()
  const reason = new Error('enough')
  const stream = mapping.createReadStream({ signal: controller.signal, highWaterMark: 10 })
  let seen = 0
  const error = await t.throwsAsync<NodeJS.ErrnoException>(async () => {
    for await (const chunk of stream) {
      seen += (chunk as Buffer).length
      if (seen === 50) controller.abort(reason)
    }
  })
  t.deepEqual([error.name, error.code, error.cause], ['AbortError', 'ABORT_ERR', reason])
  t.true(seen < 1000)
  t.notThrows(() => mapping.closeSync())
})

test('with a signal that is already aborted the stream fails', async (t) => {
  const { mapping } = mapFile(t, 1000)
  const stream = mapping.createReadStream({ signal: AbortSignal.abort() })
  await t.throwsAsync(buffer(stream), { name: 'AbortError' })
  t.notThrows(() => mapping.closeSync())
})

test('an abort after the end has no effect', async (t) => {
  const { mapping } = mapFile(t, 10)
  const controller = new AbortController()
  const stream = mapping.createReadStream({ signal: controller.signal })
  await buffer(stream)
  controller.abort()
  await new Promise(setImmediate)
  t.is(stream.errored, null)
})

// Closing the mapping.

test('a read stream is a pin until its end', async (t) => {
  const { mapping } = mapFile(t, 1000)
  const stream = mapping.createReadStream()
  t.throws(() => mapping.closeSync(), { code: 'ERR_MEMMAP_BUSY' })
  t.is((await buffer(stream)).length, 1000)
  t.notThrows(() => mapping.closeSync())
})

test('close() of the mapping destroys its streams without waiting for their readers', async (t) => {
  const mapping = mmapAnonymous(10 * 2 ** 20)
  const streams = [mapping.createReadStream(), mapping.createReadStream(), mapping.createReadStream()] as const
  const [idle, waiting, flowing] = streams
  const errors = Promise.all(streams.map(async (stream) => (await once(stream, 'error'))[0] as Error))
  idle.pause()
  waiting.read(0)
  await new Promise<void>((resolve) => flowing.on('data', () => resolve()))
  await mapping.close()
  for (const error of await errors) t.like(error, closed)
  t.true(streams.every((stream) => stream.destroyed))
})

test('close() of the mapping within a loop ends the stream there', async (t) => {
  const mapping = mmapAnonymous(10 * 2 ** 20)
  let chunks = 0
  const error = await t.throwsAsync(async () => {
    for await (const chunk of mapping.createReadStream()) {
      chunks++
      await mapping.close()
      t.is((chunk as Buffer).length, 0)
    }
  })
  t.like(error, closed)
  t.is(chunks, 1)
})

test('close() of the mapping does not fail a stream that has ended', async (t) => {
  const { mapping } = mapFile(t, 10)
  const stream = mapping.createReadStream({ autoClose: false })
  stream.on('error', (error) => t.fail(error.message))
  stream.resume()
  await once(stream, 'end')
  await mapping.close()
  await new Promise(setImmediate)
  t.true(stream.destroyed)
})

test('a stream without a reader does not delay close()', async (t) => {
  const mapping = mmapAnonymous(10)
  const stream = mapping.createReadStream()
  const failed = once(stream, 'error')
  await mapping.close()
  t.like((await failed)[0], closed)
})
