import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import test from 'ava'
import { mmapAnonymous } from '../../index.js'
import { mapFile } from '../helpers/mapped.js'
import { survives } from '../helpers/survive.js'

const closed = { code: 'ERR_MEMMAP_CLOSED' }

// How it ends.

test('it is closed when it has ended, and emits that once', async (t) => {
  const { mapping } = mapFile(t, 10)
  const events: string[] = []
  const stream = mapping.createReadStream()
  for (const name of ['data', 'end', 'close', 'error']) stream.on(name, () => events.push(name))
  await once(stream, 'close')
  t.deepEqual(events, ['data', 'end', 'close'])
  t.true(stream.destroyed && stream.closed && stream.readableEnded)
})

test('without emitClose there is no such event', async (t) => {
  const { mapping } = mapFile(t, 10)
  const stream = mapping.createReadStream({ emitClose: false })
  stream.on('close', () => t.fail())
  await buffer(stream)
  await new Promise(setImmediate)
  t.true(stream.destroyed)
})

test('without autoClose it is not destroyed, and holds the mapping until it is', async (t) => {
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

test('destroy() with an error emits that error, and only once', async (t) => {
  const { mapping } = mapFile(t, 10)
  const stream = mapping.createReadStream()
  const errors: Error[] = []
  stream.on('error', (error) => errors.push(error)).on('data', () => t.fail())
  const reason = new Error('DESTROYED')
  stream.destroy(reason).destroy(new Error('AGAIN')).destroy()
  await new Promise((resolve) => stream.on('close', resolve))
  t.deepEqual(errors, [reason])
})

test('close() calls back, each time that it is called', async (t) => {
  const { mapping } = mapFile(t, 10)
  const stream = mapping.createReadStream()
  const ended = await Promise.all([1, 2].map(() => new Promise((resolve) => stream.close(resolve))))
  t.is(ended.length, 2)
  t.true(stream.destroyed)
  stream.close()
})

test('a loop that ends early destroys it', async (t) => {
  const { mapping } = mapFile(t, 1000)
  const stream = mapping.createReadStream({ highWaterMark: 10 })
  for await (const _ of stream) break
  t.true(stream.destroyed)
  t.notThrows(() => mapping.closeSync())
})

test(
  'what a listener throws is an uncaught exception, and no error of the stream',
  survives,
  'stream/throws.ts',
  'thrown',
)

// Signals.

test('an abort destroys it with an AbortError, whose cause is the reason', async (t) => {
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

test('a signal that was aborted before gives a stream that errors', async (t) => {
  const { mapping } = mapFile(t, 1000)
  const stream = mapping.createReadStream({ signal: AbortSignal.abort() })
  await t.throwsAsync(buffer(stream), { name: 'AbortError' })
  t.notThrows(() => mapping.closeSync())
})

test('an abort after the end changes nothing', async (t) => {
  const { mapping } = mapFile(t, 10)
  const controller = new AbortController()
  const stream = mapping.createReadStream({ signal: controller.signal })
  await buffer(stream)
  controller.abort()
  await new Promise(setImmediate)
  t.is(stream.errored, null)
})

// The mapping closes.

test('it is a pin until it has ended', async (t) => {
  const { mapping } = mapFile(t, 1000)
  const stream = mapping.createReadStream()
  t.throws(() => mapping.closeSync(), { code: 'ERR_MEMMAP_BUSY' })
  t.is((await buffer(stream)).length, 1000)
  t.notThrows(() => mapping.closeSync())
})

test('close() of the mapping destroys it, and waits for nobody', async (t) => {
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

test('close() of the mapping within a listener ends the stream there', async (t) => {
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

test('close() of the mapping leaves a stream alone that has ended', async (t) => {
  const { mapping } = mapFile(t, 10)
  const stream = mapping.createReadStream({ autoClose: false })
  stream.on('error', (error) => t.fail(error.message))
  stream.resume()
  await once(stream, 'end')
  await mapping.close()
  await new Promise(setImmediate)
  t.true(stream.destroyed)
})

test('a stream that nobody reads does not keep close() waiting', async (t) => {
  const mapping = mmapAnonymous(10)
  const stream = mapping.createReadStream()
  const failed = once(stream, 'error')
  await mapping.close()
  t.like((await failed)[0], closed)
})
