import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import test from 'ava'
import { type Mapping, mmapAnonymous, type WriteStream } from '../../index.js'
import { mapFile } from '../helpers/mapped.js'

// Ends.

test('a write stream finishes, then closes', async (t) => {
  const { mapping } = mapFile(t, 10, { mode: 'r+' })
  const stream = mapping.createWriteStream()
  const events: string[] = []
  for (const name of ['finish', 'close', 'error']) stream.on(name, () => events.push(`${name} ${stream.destroyed}`))
  stream.end('asd')
  await once(stream, 'close')
  t.deepEqual(events, ['finish false', 'close true'])
  t.true(stream.closed)
})

test('a write after the end is an error', async (t) => {
  const { mapping } = mapFile(t, 10, { mode: 'r+' })
  const stream = mapping.createWriteStream()
  stream.end('a')
  stream.write('b')
  t.like((await once(stream, 'error'))[0], { code: 'ERR_STREAM_WRITE_AFTER_END' })
  t.is(mapping.read({ length: 2 })[1], 1)
})

test('without autoClose a write stream keeps its pin until it is closed', async (t) => {
  const { mapping } = mapFile(t, 10, { mode: 'r+' })
  const stream = mapping.createWriteStream({ autoClose: false })
  stream.on('close', () => t.true(stream.destroyed))
  stream.end('Test1')
  await once(stream, 'finish')
  await new Promise(setImmediate)
  t.false(stream.closed)
  t.throws(() => mapping.closeSync(), { code: 'ERR_MEMMAP_BUSY' })
  await new Promise<void>((resolve) => stream.close(() => resolve()))
  t.true(stream.closed)
  t.notThrows(() => mapping.closeSync())
})

test('without emitClose a write stream emits no close', async (t) => {
  const { mapping } = mapFile(t, 10, { mode: 'r+' })
  const stream = mapping.createWriteStream({ emitClose: false })
  stream.on('close', () => t.fail())
  stream.end('x')
  await once(stream, 'finish')
  await new Promise(setImmediate)
  t.true(stream.destroyed)
})

test('close() writes pending chunks, then calls back, at each call', async (t) => {
  const { mapping } = mapFile(t, 10, { mode: 'r+' })
  const stream = mapping.createWriteStream()
  let closes = 0
  stream.on('close', () => closes++)
  stream.write('hello')
  const close = () => new Promise<void>((resolve) => stream.close(() => resolve()))
  await Promise.all([close(), close()])
  await close()
  t.is(closes, 1)
  t.is(mapping.read({ length: 5 }).toString(), 'hello')
})

test('close() after end() needs no callback', async (t) => {
  const { mapping } = mapFile(t, 20, { mode: 'r+' })
  const stream = mapping.createWriteStream()
  stream.end('hello world')
  stream.close()
  await once(stream, 'close')
  t.is(mapping.read({ length: 11 }).toString(), 'hello world')
})

test('close() without autoClose destroys the stream', async (t) => {
  const { mapping } = mapFile(t, 20, { mode: 'r+' })
  const stream = mapping.createWriteStream({ autoClose: false })
  const close = () => new Promise<void>((resolve) => stream.close(() => resolve()))
  await Promise.all([close(), close()])
  t.true(stream.destroyed)
})

test('destroy() with an error emits that error', async (t) => {
  const { mapping } = mapFile(t, 10, { mode: 'r+' })
  const stream = mapping.createWriteStream()
  const reason = new Error('DESTROYED')
  stream.destroy(reason)
  t.is((await once(stream, 'error'))[0], reason)
  stream.destroy()
})

test('destroy() in the middle of a long chunk stops there', async (t) => {
  const memory = mmapAnonymous(64 * 2 ** 20)
  const stream = memory.createWriteStream()
  stream.write(Buffer.alloc(64 * 2 ** 20, 1))
  await new Promise(setImmediate)
  stream.destroy()
  await once(stream, 'close')
  const { bytesWritten } = stream
  t.true(bytesWritten < 64 * 2 ** 20)
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.is(memory.buffer(bytesWritten).indexOf(1), -1)
  await memory.close()
})

test('the callback of an unwritten chunk gets an error when the stream ends', async (t) => {
  const ways = [
    { end: (stream: WriteStream) => stream.destroy(), expected: { code: 'ERR_STREAM_DESTROYED' } },
    { end: (stream: WriteStream) => stream.destroy(new Error('enough')), expected: { message: 'enough' } },
    { end: (_: WriteStream, memory: Mapping) => memory.close(), expected: { code: 'ERR_MEMMAP_CLOSED' } },
  ]
  for (const { end, expected } of ways) {
    const memory = mmapAnonymous(64 * 2 ** 20)
    const stream = memory.createWriteStream().on('error', () => {})
    const called = new Promise<unknown>((resolve) => stream.write(Buffer.alloc(64 * 2 ** 20, 1), resolve))
    await new Promise(setImmediate)
    await end(stream, memory)
    t.like(await called, expected)
    t.true(stream.bytesWritten < 64 * 2 ** 20)
    await memory.close()
  }
})

test('a chunk detached before it was written is an error and is not counted', async (t) => {
  for (const length of [600 * 2 ** 10, 8 * 2 ** 20]) {
    const source = new ArrayBuffer(length)
    const target = mmapAnonymous(length + 2 ** 18)
    const stream = target.createWriteStream()
    const failed = once(stream, 'error')
    // After this many bytes the stream yields to the event loop.
    await new Promise((resolve) => stream.write(Buffer.alloc(2 ** 18), resolve))
    const called = new Promise<unknown>((resolve) => stream.write(Buffer.from(source), resolve))
    structuredClone(source, { transfer: [source] })
    t.like(await called, { code: 'ERR_INVALID_ARG_VALUE' })
    t.like((await failed)[0], { code: 'ERR_INVALID_ARG_VALUE' })
    t.true(stream.bytesWritten < length)
    await target.close()
  }
})

test('an abort destroys the stream with an AbortError whose cause is the reason', async (t) => {
  const { mapping } = mapFile(t, 10, { mode: 'r+' })
  const controller = new AbortController()
  const reason = new Error('enough')
  const stream = mapping.createWriteStream({ signal: controller.signal })
  stream.write('a')
  controller.abort(reason)
  t.like((await once(stream, 'error'))[0], { name: 'AbortError', code: 'ABORT_ERR', cause: reason })
  const aborted = mapping.createWriteStream({ signal: AbortSignal.abort() })
  t.like((await once(aborted, 'error'))[0], { name: 'AbortError' })
  t.notThrows(() => mapping.closeSync())
})

test('a write stream is a pin until it has finished, and close() of the mapping destroys it', async (t) => {
  const { mapping } = mapFile(t, 10, { mode: 'r+' })
  const stream = mapping.createWriteStream()
  stream.write('a')
  t.throws(() => mapping.closeSync(), { code: 'ERR_MEMMAP_BUSY' })
  const failed = once(stream, 'error')
  await mapping.close()
  t.like((await failed)[0], { code: 'ERR_MEMMAP_CLOSED' })
  t.true(stream.destroyed)
})

test('close() of the mapping stops a long chunk', async (t) => {
  const memory = mmapAnonymous(64 * 2 ** 20)
  const writing = pipeline([Buffer.alloc(64 * 2 ** 20)], memory.createWriteStream())
  const failed = t.throwsAsync(writing, { code: 'ERR_MEMMAP_CLOSED' })
  await new Promise(setImmediate)
  await memory.close()
  await failed
})

test('the mapping can be closed right after a pipeline', async (t) => {
  const { file, mapping } = mapFile(t, 10, { mode: 'r+' })
  await pipeline(['abc'], mapping.createWriteStream())
  t.notThrows(() => mapping.closeSync())
  t.is(readFileSync(file, 'latin1').slice(0, 3), 'abc')
})
