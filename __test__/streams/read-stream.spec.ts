import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import test, { type ExecutionContext } from 'ava'
import { mmapAnonymous, mmapSync, type ReadStreamOptions } from '../../index.js'
import { mapFile } from '../helpers/mapped.js'
import { counting, tempFile } from '../helpers/temp.js'
import { countTurns } from '../helpers/turns.js'
import { until } from '../helpers/iterations.js'

// `fs.createReadStream` of the same file is the model where possible. docs/streams.md lists which behaviours that Node's own
// tests assert are tested here.

async function chunksOf(stream: Readable): Promise<(Buffer | string)[]> {
  const chunks: (Buffer | string)[] = []
  for await (const chunk of stream) chunks.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk as Buffer))
  return chunks
}

// Chunks.

const likeFs = test.macro(
  async (t: ExecutionContext, options: ReadStreamOptions | BufferEncoding | null | undefined) => {
    const { file, mapping } = mapFile(t, 1000)
    const model = createReadStream(file, options as BufferEncoding)
    const stream = mapping.createReadStream(options)
    const [chunks, modelChunks] = [await chunksOf(stream), await chunksOf(model)]
    // The rest that a decoder keeps comes alone or with the previous chunk.
    if (model.readableEncoding === null) t.deepEqual(chunks, modelChunks)
    else t.is(chunks.join(''), modelChunks.join(''))
    t.is(stream.bytesRead, model.bytesRead)
    t.is(stream.closed, model.closed)
  },
)

const sameAsFs: Record<string, ReadStreamOptions | BufferEncoding | null | undefined> = {
  'nothing given': undefined,
  null: null,
  'an empty object': {},
  'options that are inherited': Object.create({ start: 3, end: 12 }) as ReadStreamOptions,
  'undefined options': { start: undefined, end: undefined, highWaterMark: undefined, encoding: undefined },
  'a start': { start: 100 },
  'an end': { end: 99 },
  'a start and an end': { start: 10, end: 20 },
  'one byte': { start: 10, end: 10 },
  'the first byte': { start: 0, end: 0 },
  'an infinite end': { start: 990, end: Infinity },
  'an end beyond the last byte': { start: 990, end: 5000 },
  'a start at the end': { start: 1000 },
  'a start beyond the end': { start: 5000, end: 6000 },
  'small chunks': { highWaterMark: 7 },
  'chunks of one byte': { start: 5, end: 50, highWaterMark: 1 },
  'chunks that fill the file exactly': { highWaterMark: 250 },
  'an encoding as an option': { encoding: 'hex' },
  'an encoding instead of options': 'latin1',
  'an encoding across chunks': { encoding: 'base64', highWaterMark: 10 },
}

for (const [what, options] of Object.entries(sameAsFs)) test(`${what}: the same chunks as from fs`, likeFs, options)

test('bounds may be bigints', async (t) => {
  const { mapping } = mapFile(t, 100)
  t.deepEqual(await buffer(mapping.createReadStream({ start: 10n, end: 19n })), counting(100).subarray(10, 20))
})

test('a highWaterMark of 0 buffers nothing, and all bytes come', async (t) => {
  const { mapping } = mapFile(t, 1000)
  t.deepEqual(await buffer(mapping.createReadStream({ highWaterMark: 0 })), counting(1000))
  t.deepEqual(
    await text(mapping.createReadStream({ highWaterMark: 0, encoding: 'hex' })),
    counting(1000).toString('hex'),
  )
  const stream = mapping.createReadStream({ highWaterMark: 0 })
  let length = 0
  stream.on('data', (chunk: Buffer) => (length += chunk.length))
  await once(stream, 'end')
  t.is(length, 1000)
})

test('an empty mapping is an empty stream', async (t) => {
  const { mapping } = mapFile(t, '')
  t.deepEqual(await chunksOf(mapping.createReadStream()), [])
  t.deepEqual(await chunksOf(mapping.createReadStream({ start: 5, end: 7, encoding: 'utf8' })), [])
})

test('start and end count from the start of the mapping', async (t) => {
  const mapping = mmapSync(tempFile(t, 10_000), { offset: 5001, length: 3000 })
  t.deepEqual(await buffer(mapping.createReadStream({ start: 2 })), counting(10_000).subarray(5003, 8001))
  await mapping.close()
})

test('chunks are views of 1 MiB, without a copy', async (t) => {
  const memory = mmapAnonymous(2.5 * 2 ** 20)
  const lengths: number[] = []
  const whole = memory.buffer()
  for await (const chunk of memory.createReadStream()) {
    const { buffer: found, byteOffset, length } = chunk as Buffer
    t.is(found, whole.buffer)
    t.is(byteOffset - whole.byteOffset, lengths.length * 2 ** 20)
    lengths.push(length)
  }
  t.deepEqual(lengths, [2 ** 20, 2 ** 20, 2 ** 19])
  await memory.close()
})

// Refused options.

const refusals: Record<string, unknown> = {
  'a start of -1': { start: -1 },
  'a start of 1.5': { start: 1.5 },
  'a start of NaN': { start: NaN },
  'a start of Infinity': { start: Infinity },
  'an end of -1': { end: -1 },
  'an end of NaN': { end: NaN },
  'a start and an end of NaN': { start: NaN, end: NaN },
  'a start beyond 2^53': { start: 2 ** 53 },
  'a start after the end': { start: 10, end: 2 },
  'a chunk size of -1': { highWaterMark: -1 },
  'a chunk size of 1.5': { highWaterMark: 1.5 },
  'an unknown encoding': { encoding: 'utf-7' },
  'an unknown encoding instead of options': 'utf-7',
}

for (const [what, options] of Object.entries(refusals)) {
  test(`${what} is refused with the error of fs`, (t) => {
    const { file, mapping } = mapFile(t, 'xyz\n')
    const { name, message, code } = t.throws<NodeJS.ErrnoException>(() => createReadStream(file, options as never))
    const error = t.throws<NodeJS.ErrnoException>(() => mapping.createReadStream(options as never))
    t.deepEqual([error.name, error.message, error.code], [name, message, code])
  })
}

const wrongTypes: Record<string, unknown> = {
  'a start that is a string': { start: '4' },
  'an end that is a string': { end: '6' },
  'a start that is null': { start: null },
  'an invalid signal': { signal: 1 },
  'a number for options': 123,
  'zero for options': 0,
  'true for options': true,
  'false for options': false,
}

for (const [what, options] of Object.entries(wrongTypes)) {
  test(`${what} is refused with a TypeError, as by fs`, (t) => {
    const { file, mapping } = mapFile(t, 'xyz\n')
    const wrong = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
    t.throws(() => createReadStream(file, options as never), wrong)
    t.throws(() => mapping.createReadStream(options as never), wrong)
  })
}

test('unknown options, which fs ignores, are refused', (t) => {
  const { mapping } = mapFile(t, 'xyz\n')
  const create = (options: object) => () => mapping.createReadStream(options)
  t.throws(create({ begin: 1 }), { code: 'ERR_INVALID_ARG_VALUE', message: /is unknown/ })
  t.throws(create({ higWaterMark: 1 }), { code: 'ERR_INVALID_ARG_VALUE', message: /did you mean 'highWaterMark'/ })
  for (const name of ['emitClose', 'autoClose', 'dropBehind']) {
    t.throws(create({ [name]: 1 }), { code: 'ERR_INVALID_ARG_TYPE' })
  }
})

test('a refused stream does not pin the mapping', (t) => {
  const memory = mmapAnonymous(10)
  for (const options of [...Object.values(refusals), ...Object.values(wrongTypes)]) {
    t.throws(() => memory.createReadStream(options as never))
  }
  t.notThrows(() => memory.closeSync())
})

// Flow.

test('bytesRead and pos follow the stream', async (t) => {
  const { mapping } = mapFile(t, 1000)
  const stream = mapping.createReadStream({ start: 100, end: 899, highWaterMark: 300 })
  t.deepEqual([stream.start, stream.end, stream.pos, stream.bytesRead], [100, 899, 100, 0])
  let seen = 0
  for await (const chunk of stream) {
    seen += (chunk as Buffer).length
    t.true(stream.bytesRead >= seen)
    t.is(stream.pos, 100 + stream.bytesRead)
  }
  t.deepEqual([seen, stream.bytesRead, stream.pos], [800, 800, 900])
})

test('nothing comes while the stream is paused, and all bytes come in the end', async (t) => {
  const { mapping } = mapFile(t, 1000)
  const stream = mapping.createReadStream({ highWaterMark: 100 })
  // Repeated calls have no effect.
  stream.pause().resume().pause().resume()
  let paused = false
  let seen = 0
  stream.on('data', (chunk: Buffer) => {
    t.false(paused)
    seen += chunk.length
    paused = true
    stream.pause()
    setTimeout(() => {
      paused = false
      stream.resume()
    }, 1)
  })
  await once(stream, 'end')
  t.is(seen, 1000)
})

test('resume() within a listener is harmless', async (t) => {
  const { mapping } = mapFile(t, 'xyz\n')
  const stream = mapping.createReadStream().setEncoding('utf8')
  let seen = ''
  stream.on('data', (chunk: string) => {
    seen += chunk
    stream.resume()
  })
  process.nextTick(() => stream.pause())
  setTimeout(() => stream.resume(), 10)
  await once(stream, 'end')
  t.is(seen, 'xyz\n')
})

test('a paused empty stream does not end', async (t) => {
  const { mapping } = mapFile(t, '')
  const stream = mapping.createReadStream()
  stream.pause()
  let ended = false
  stream.on('data', () => t.fail()).on('end', () => (ended = true))
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.false(ended)
  stream.destroy()
})

test('characters of several bytes are whole at any chunk size', async (t) => {
  const { mapping } = mapFile(t, '…𝄞'.repeat(500))
  for (const highWaterMark of [1, 2, 3, 4, 1000]) {
    const stream = mapping.createReadStream({ encoding: 'utf8', highWaterMark })
    let length = 0
    for await (const chunk of stream) {
      t.regex(chunk as string, /^[…𝄞]+$/u)
      length += (chunk as string).length
    }
    t.is(length, 1500)
  }
})

test('setEncoding() has the effect of the option encoding', async (t) => {
  const { mapping } = mapFile(t, '…'.repeat(10))
  t.is(await text(mapping.createReadStream({ highWaterMark: 4 }).setEncoding('utf8')), '…'.repeat(10))
})

test('unshift() puts back read and other bytes', async (t) => {
  const { mapping } = mapFile(t, 1000)
  const stream = mapping.createReadStream({ highWaterMark: 100 })
  await new Promise((resolve) => stream.once('readable', resolve))
  stream.unshift(stream.read(50))
  stream.unshift(Buffer.alloc(300, 7))
  t.deepEqual(await buffer(stream), Buffer.concat([Buffer.alloc(300, 7), counting(1000)]))
})

test('the next chunk is not read before the last one is requested', async (t) => {
  const { mapping } = mapFile(t, 1000)
  const stream = mapping.createReadStream({ highWaterMark: 100 })
  stream.read(0)
  await until(() => stream.readableLength > 0)
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.deepEqual([stream.readableLength, stream.pos], [100, 100])
  stream.destroy()
})

test('the event loop runs while a fast consumer reads resident bytes', async (t) => {
  const memory = mmapAnonymous(16 * 2 ** 20)
  const turns = countTurns()
  await pipeline(memory.createReadStream(), createHash('md5'))
  turns.stop()
  t.true(turns.count >= 8, `${turns.count} turns`)
  await memory.close()
})

test('many streams of one mapping are independent', async (t) => {
  const { mapping } = mapFile(t, 3000)
  const all = Array.from({ length: 200 }, (_, index) =>
    buffer(mapping.createReadStream({ start: index, highWaterMark: 100 + index })),
  )
  for (const [index, bytes] of (await Promise.all(all)).entries()) t.true(bytes.equals(counting(3000).subarray(index)))
})
