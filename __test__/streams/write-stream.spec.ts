import { once } from 'node:events'
import { createReadStream, createWriteStream, readFileSync } from 'node:fs'
import { finished, pipeline } from 'node:stream/promises'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { mmapAnonymous, type Mapping, type WriteStreamOptions } from '../../index.js'
import { mapFile } from '../helpers/mapped.js'
import { counting, tempFile } from '../helpers/temp.js'
import { countTurns } from '../helpers/turns.js'

// `fs.createWriteStream` of a file with the same contents, opened with 'r+', is the model where possible.

const outOfRange = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }

const textOf = (mapping: Mapping): string => mapping.read().toString()

// Writes.

interface Story {
  readonly options?: WriteStreamOptions | BufferEncoding | null
  readonly chunks: readonly (string | Uint8Array | [text: string, encoding: BufferEncoding])[]
}

const likeFs = test.macro(async (t: ExecutionContext, { options, chunks }: Story) => {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz'
  const { file, mapping } = mapFile(t, alphabet, { mode: 'r+' })
  const modelFile = tempFile(t, alphabet)
  const asGiven = typeof options === 'string' ? { encoding: options } : options
  const model = createWriteStream(modelFile, { ...asGiven, flags: 'r+' } as object)
  const stream = mapping.createWriteStream(options)
  for (const target of [model, stream]) {
    for (const chunk of chunks) {
      if (Array.isArray(chunk)) target.write(...(chunk as [string, BufferEncoding]))
      else target.write(chunk)
    }
    target.end()
    await finished(target)
  }
  t.is(textOf(mapping), readFileSync(modelFile, 'utf8'))
  t.is(readFileSync(file, 'utf8'), readFileSync(modelFile, 'utf8'))
  t.is(stream.bytesWritten, model.bytesWritten)
  t.is(stream.pos, stream.start + stream.bytesWritten)
})

const stories: Record<string, Story> = {
  'nothing at all': { chunks: [] },
  'a buffer': { chunks: [Buffer.from('ABC')] },
  'a slice of a Uint8Array': { chunks: [new Uint8Array([1, 65, 66, 2]).subarray(1, 3)] },
  'the whole mapping': { chunks: ['ABCDEFGHIJKLMNOPQRSTUVWXYZ'] },
  'many chunks': { chunks: ['A', 'BC', 'DEF', Buffer.from('GHIJ'), '', 'K'] },
  'a start': { options: { start: 10 }, chunks: ['123456'] },
  'a start, and characters of several bytes': { options: { start: 10 }, chunks: [['……', 'utf8']] },
  'encodings by chunk': {
    chunks: [
      ['4142', 'hex'],
      ['Q0Q=', 'base64'],
      ['é', 'latin1'],
    ],
  },
  'an encoding by default': { options: { encoding: 'base64' }, chunks: ['QUJD', ['zz', 'utf8']] },
  'an encoding instead of options': { options: 'hex', chunks: ['414243'] },
  'null for options': { options: null, chunks: ['A'] },
  'a small highWaterMark': { options: { highWaterMark: 3 }, chunks: ['ABCD', 'EF', 'GHIJKL'] },
}

for (const [what, story] of Object.entries(stories)) test(`${what}: the same bytes as fs writes`, likeFs, story)

test('chunks of any sizes are written one after the other', async (t) => {
  const memory = mmapAnonymous(20_000)
  const part = fc.uint8Array({ minLength: 0, maxLength: 1500 })
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 10 }), fc.nat(5000), fc.nat(2000), async (parts, start, size) => {
      memory.fill(0)
      const stream = memory.createWriteStream({ start, highWaterMark: size })
      for (const bytes of parts) if (!stream.write(bytes)) await once(stream, 'drain')
      stream.end()
      await finished(stream)
      const expected = Buffer.alloc(20_000)
      Buffer.concat(parts).copy(expected, start)
      t.true(memory.read().equals(expected))
    }),
    { numRuns: 100 },
  )
  await memory.close()
})

test('a chunk of many MiB is written whole', async (t) => {
  const memory = mmapAnonymous(10 * 2 ** 20)
  const bytes = Buffer.alloc(7.5 * 2 ** 20, counting(251))
  const stream = memory.createWriteStream({ start: 5 })
  stream.end(bytes)
  await finished(stream)
  t.true(memory.read({ offset: 5, length: bytes.length }).equals(bytes))
  t.is(stream.bytesWritten, bytes.length)
  await memory.close()
})

test('in mode c bytes are written privately', async (t) => {
  const { file, mapping } = mapFile(t, 'abc', { mode: 'c' })
  await pipeline(['X'], mapping.createWriteStream())
  t.is(textOf(mapping), 'Xbc')
  t.is(readFileSync(file, 'utf8'), 'abc')
})

test('flush: true makes the bytes durable before finish', async (t) => {
  const { mapping } = mapFile(t, 10_000, { mode: 'r+' })
  await pipeline([Buffer.alloc(5000, 1)], mapping.createWriteStream({ start: 3000, flush: true }))
  t.notThrows(() => mapping.closeSync())
})

// The end of the mapping.

test('a chunk that does not fit causes an error with the offset, and none of it is written', async (t) => {
  const { mapping } = mapFile(t, 'abcdefgh', { mode: 'r+' })
  const stream = mapping.createWriteStream({ start: 2 })
  const called: (Error | null | undefined)[] = []
  stream.write('XY', (error) => called.push(error))
  stream.write('0123456', (error) => called.push(error))
  const [error] = (await once(stream, 'error')) as [Error]
  t.like(error, { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
  t.regex(error.message, /<= 4, the rest of the mapping of 8 bytes from offset 4 on.* Received 7/)
  t.deepEqual([called[0] ?? null, called[1]], [null, error])
  t.is(textOf(mapping), 'abXYefgh')
  t.deepEqual([stream.bytesWritten, stream.pos], [2, 4])
  t.true(stream.destroyed)
})

test('after a chunk that does not fit, no later chunk is written', async (t) => {
  const { mapping } = mapFile(t, 'abcd', { mode: 'r+' })
  const stream = mapping.createWriteStream()
  stream.cork()
  stream.write('12345')
  stream.write('6')
  stream.uncork()
  await once(stream, 'error')
  t.is(textOf(mapping), 'abcd')
})

test('a pipeline of more bytes than fit fails and destroys its source', async (t) => {
  const { mapping } = mapFile(t, 100, { mode: 'r+' })
  const source = createReadStream(tempFile(t, 1000), { highWaterMark: 30 })
  await t.throwsAsync(pipeline(source, mapping.createWriteStream()), outOfRange)
  t.true(source.destroyed)
  t.deepEqual(mapping.read({ length: 90 }), counting(90))
})

test('a stream at the end of the mapping accepts only empty chunks', async (t) => {
  const { mapping } = mapFile(t, 10, { mode: 'r+' })
  await pipeline([''], mapping.createWriteStream({ start: 10 }))
  await t.throwsAsync(pipeline(['x'], mapping.createWriteStream({ start: 10 })), outOfRange)
})

test('an empty mapping accepts no bytes', async (t) => {
  const { mapping } = mapFile(t, '', { mode: 'r+' })
  await pipeline([], mapping.createWriteStream())
  await t.throwsAsync(pipeline(['x'], mapping.createWriteStream()), outOfRange)
})

// Refused options.

test('mode r is refused', (t) => {
  const { mapping } = mapFile(t, 'abc', { mode: 'r' })
  t.throws(() => mapping.createWriteStream(), { code: 'ERR_MEMMAP_READ_ONLY' })
  t.notThrows(() => mapping.closeSync())
})

test('pages under protect("r") cause an error', async (t) => {
  const { mapping } = mapFile(t, 65_536, { mode: 'r+' })
  mapping.protect('r')
  await t.throwsAsync(pipeline(['x'], mapping.createWriteStream()), { code: 'ERR_MEMMAP_READ_ONLY' })
})

const refusals: Record<string, unknown> = {
  'a start of -5': { start: -5 },
  'a start of 1.5': { start: 1.5 },
  'a start of NaN': { start: NaN },
  'an unknown encoding': { encoding: 'utf-7' },
  'a highWaterMark of -1': { highWaterMark: -1 },
}

for (const [what, options] of Object.entries(refusals)) {
  test(`${what} is refused with the error of fs`, (t) => {
    const { file, mapping } = mapFile(t, 'abc', { mode: 'r+' })
    const model = t.throws<NodeJS.ErrnoException>(() =>
      createWriteStream(file, { flags: 'r+', ...(options as object) }),
    )
    const error = t.throws<NodeJS.ErrnoException>(() => mapping.createWriteStream(options as never))
    t.deepEqual([error.name, error.message, error.code], [model.name, model.message, model.code])
    t.notThrows(() => mapping.closeSync())
  })
}

const wrongTypes: Record<string, unknown> = {
  'a start that is a string': { start: '4' },
  'a flush that is not a boolean': { flush: 'true' },
  'an invalid signal': { signal: {} },
  'a number for options': 123,
  'true for options': true,
}

for (const [what, options] of Object.entries(wrongTypes)) {
  test(`${what} is refused with a TypeError, as by fs`, (t) => {
    const { file, mapping } = mapFile(t, 'abc', { mode: 'r+' })
    const wrong = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
    const given = typeof options === 'object' ? { flags: 'r+', ...options } : options
    t.throws(() => createWriteStream(file, given as never), wrong)
    t.throws(() => mapping.createWriteStream(options as never), wrong)
    t.notThrows(() => mapping.closeSync())
  })
}

test('a start beyond the mapping is refused at once, since a write stream does not grow it', (t) => {
  const { mapping } = mapFile(t, 10, { mode: 'r+' })
  t.throws(() => mapping.createWriteStream({ start: 11 }), {
    ...outOfRange,
    message: /<= 10, the length of the mapping/,
  })
  t.throws(() => mapping.createWriteStream({ start: 11n }), outOfRange)
  t.notThrows(() => mapping.closeSync())
})

test('unknown options are refused', (t) => {
  const { mapping } = mapFile(t, 10, { mode: 'r+' })
  const create = (options: object) => () => mapping.createWriteStream(options)
  t.throws(create({ flags: 'w' }), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(create({ strat: 1 }), { code: 'ERR_INVALID_ARG_VALUE', message: /did you mean 'start'/ })
})

test('a chunk that is neither text nor bytes is refused', (t) => {
  const { mapping } = mapFile(t, 10, { mode: 'r+' })
  const stream = mapping.createWriteStream()
  t.throws(() => stream.write(5 as never), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => stream.write(null as never), { code: 'ERR_STREAM_NULL_VALUES' })
  stream.on('error', () => {}).destroy()
})

// Flow.

test('write() returns false when the buffer is full, and drain follows', async (t) => {
  const memory = mmapAnonymous(3 * 2 ** 20)
  const stream = memory.createWriteStream({ highWaterMark: 11 })
  let drains = 0
  stream.on('drain', () => drains++)
  const half = 2 ** 19
  // After this many bytes the stream yields to the event loop, so the next chunk waits.
  stream.write(Buffer.alloc(half, 1))
  t.false(stream.write(Buffer.alloc(half, 2)))
  t.is(memory.buffer(half, 1)[0], 0)
  await once(stream, 'drain')
  t.is(stream.bytesWritten, 2 * half)
  t.false(stream.write(Buffer.alloc(half, 3)))
  await once(stream, 'drain')
  t.is(stream.bytesWritten, 3 * half)
  t.is(drains, 2)
  stream.end()
  await finished(stream)
  t.deepEqual(
    [0, 1, 2, 3, 4, 5].map((index) => memory.buffer(index * half)[0]),
    [1, 2, 3, 0, 0, 0],
  )
  await memory.close()
})

test('a stream without writes emits no drain', async (t) => {
  const { mapping } = mapFile(t, 10, { mode: 'r+' })
  const stream = mapping.createWriteStream()
  stream.on('drain', () => t.fail())
  stream.destroy()
  await once(stream, 'close')
  t.pass()
})

test('cork() and uncork() write all chunks', async (t) => {
  const { mapping } = mapFile(t, 10, { mode: 'r+' })
  const stream = mapping.createWriteStream()
  stream.cork()
  const written = new Promise((resolve) => stream.write('data', resolve))
  stream.uncork()
  stream.end()
  await written
  await finished(stream)
  t.is(mapping.read({ length: 4 }).toString(), 'data')
})

test('the event loop runs while many bytes are written', async (t) => {
  const memory = mmapAnonymous(16 * 2 ** 20)
  const turns = countTurns()
  const chunk = Buffer.alloc(2 ** 20)
  await pipeline(
    Array.from({ length: 16 }, () => chunk),
    memory.createWriteStream(),
  )
  t.true(turns.count >= 8, `${turns.count} turns`)
  const before = turns.count
  await pipeline([Buffer.alloc(16 * 2 ** 20)], memory.createWriteStream())
  turns.stop()
  t.true(turns.count >= before + 8, `${turns.count - before} turns in one chunk`)
  await memory.close()
})
