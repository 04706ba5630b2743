import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream, readFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { PassThrough, Readable, Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import {
  CompressionStream,
  DecompressionStream,
  type ReadableStream,
  TextDecoderStream,
  type TransformStream,
} from 'node:stream/web'
import { createGunzip, createGzip, gunzipSync, gzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import { capabilities, type Mapping, mmapSync } from '../../index.js'
import { mapFile } from '../helpers/mapped.js'
import { counting, tempDir, tempFile } from '../helpers/temp.js'

// Streams of mappings together with streams of the runtime.

const contents = Buffer.concat(Array.from({ length: 50 }, (_, index) => counting(65_521).fill(index, 7, 99)))

// createReadStream.

test('a read stream writes a file through pipe() and pipeline()', async (t) => {
  const { mapping } = mapFile(t, contents)
  const target = path.join(tempDir(t), 'copy')
  await pipeline(mapping.createReadStream(), createWriteStream(target))
  t.true(readFileSync(target).equals(contents))
  const piped = mapping.createReadStream({ start: 7 }).pipe(createWriteStream(target))
  await once(piped, 'close')
  t.true(readFileSync(target).equals(contents.subarray(7)))
})

test('a read stream is the body of an HTTP response and of a request', async (t) => {
  const { mapping } = mapFile(t, contents)
  const received: Buffer[] = []
  const server = http.createServer(async (request, response) => {
    if (request.method === 'GET') return pipeline(mapping.createReadStream(), response)
    received.push(await buffer(request))
    return response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const answer = await fetch(url)
  t.true(Buffer.from(await answer.arrayBuffer()).equals(contents))
  const request = http.request(url, { method: 'POST', agent: false })
  const answered = once(request, 'response')
  await pipeline(mapping.createReadStream(), request)
  ;((await answered)[0] as Readable).resume()
  t.true(received[0]?.equals(contents))
})

test('a read stream is the body of a Response, which gets copies', async (t) => {
  const { mapping } = mapFile(t, contents)
  const view = mapping.buffer()
  const response = new Response(mapping.createReadStream() as unknown as ReadableStream)
  t.true(Buffer.from(await response.arrayBuffer()).equals(contents))
  t.is(view.length, contents.length)
})

test('a read stream goes through gzip, a hash and a transform', async (t) => {
  const { mapping } = mapFile(t, contents)
  t.true(gunzipSync(await buffer(mapping.createReadStream().pipe(createGzip({ level: 1 })))).equals(contents))
  const hash = createHash('sha256')
  await pipeline(mapping.createReadStream({ highWaterMark: 1000 }), hash)
  t.is(hash.digest('hex'), createHash('sha256').update(contents).digest('hex'))
  const upper = new Transform({
    transform: (chunk: Buffer, _, callback) =>
      callback(
        null,
        chunk.map((byte) => byte ^ 1),
      ),
  })
  t.true((await buffer(mapping.createReadStream().pipe(upper))).equals(contents.map((byte) => byte ^ 1)))
})

test('a read stream works with compose(), iterator helpers and toWeb()', async (t) => {
  const { mapping } = mapFile(t, contents)
  t.true((await buffer(mapping.createReadStream().compose(new PassThrough()))).equals(contents))
  const lengths = await mapping
    .createReadStream()
    .map((chunk: Buffer) => chunk.length)
    .toArray()
  t.is(
    lengths.reduce((sum: number, length: number) => sum + length, 0),
    contents.length,
  )
  const view = mapping.buffer()
  t.true((await buffer(Readable.toWeb(mapping.createReadStream()))).equals(contents))
  t.is(view.length, contents.length)
})

test('the mapping can be closed right after a pipeline', async (t) => {
  const mapping = mmapSync(tempFile(t, contents))
  await pipeline(mapping.createReadStream(), new PassThrough().resume())
  t.notThrows(() => mapping.closeSync())
})

test('a read stream over shared memory writes a file and a hash', async (t) => {
  const { mapping } = mapFile(t, contents, { shared: capabilities().sharedArrayBuffer === true })
  const target = path.join(tempDir(t), 'copy')
  await pipeline(mapping.createReadStream(), createWriteStream(target))
  t.true(readFileSync(target).equals(contents))
  const hash = createHash('sha256')
  await pipeline(mapping.createReadStream(), hash)
  t.is(hash.digest('hex'), createHash('sha256').update(contents).digest('hex'))
})

// createWriteStream.

const fills = test.macro(
  async (t: ExecutionContext, fill: (mapping: Mapping, t: ExecutionContext) => Promise<unknown>) => {
    const { file, mapping } = mapFile(t, contents.length, { mode: 'r+' })
    await fill(mapping, t)
    t.true(mapping.read().equals(contents))
    await mapping.close()
    t.true(readFileSync(file).equals(contents))
  },
)

test('a write stream takes a file', fills, (mapping, t) =>
  pipeline(createReadStream(tempFile(t, contents)), mapping.createWriteStream()),
)

test('a write stream takes another mapping', fills, async (mapping, t) => {
  const source = mmapSync(tempFile(t, contents))
  await pipeline(source.createReadStream(), mapping.createWriteStream())
  await source.close()
})

test('a write stream takes the output of gunzip', fills, (mapping, t) =>
  pipeline(createReadStream(tempFile(t, gzipSync(contents))), createGunzip(), mapping.createWriteStream()),
)

test('a write stream takes an HTTP request', fills, async (mapping) => {
  const server = http.createServer(async (request, response) => {
    await pipeline(request, mapping.createWriteStream())
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await (await fetch(url, { method: 'POST', body: new Uint8Array(contents) })).arrayBuffer()
  server.close()
})

test('a write stream takes an earlier range of its own mapping', async (t) => {
  const { mapping } = mapFile(t, contents, { mode: 'r+' })
  await pipeline(
    mapping.createReadStream({ end: 999_999, highWaterMark: 100_000 }),
    mapping.createWriteStream({ start: 2_000_000 }),
  )
  t.true(mapping.read({ offset: 2_000_000, length: 1_000_000 }).equals(contents.subarray(0, 1_000_000)))
})

// readableStream.

test('a web stream is the body of a Response', async (t) => {
  const { mapping } = mapFile(t, contents)
  t.true(Buffer.from(await new Response(mapping.readableStream()).arrayBuffer()).equals(contents))
  t.is((await (await new Response(mapping.readableStream()).blob()).arrayBuffer()).byteLength, contents.length)
  const json = mmapSync(tempFile(t, '{"a": [1, 2]}'))
  t.deepEqual(await new Response(json.readableStream()).json(), { a: [1, 2] })
  await json.close()
})

test('a web stream is the body of a fetch', async (t) => {
  const { mapping } = mapFile(t, contents)
  const received: Buffer[] = []
  const server = http.createServer(async (request, response) => {
    received.push(await buffer(request))
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const request = { method: 'POST', body: mapping.readableStream(), duplex: 'half' } as RequestInit
  await (await fetch(url, request)).arrayBuffer()
  t.true(received[0]?.equals(contents))
})

test('both branches of tee() give the same bytes', async (t) => {
  const [one, two] = mapFile(t, contents).mapping.readableStream().tee()
  const both = await Promise.all([buffer(one), buffer(two)])
  t.true(both.every((bytes) => bytes.equals(contents)))
})

test('a web stream goes through transform streams', async (t) => {
  const { mapping } = mapFile(t, contents)
  const there = mapping.readableStream().pipeThrough(new CompressionStream('gzip') as TransformStream)
  const back = there.pipeThrough(new DecompressionStream('gzip') as TransformStream)
  t.true((await buffer(back)).equals(contents))
  const { mapping: letters } = mapFile(t, 'aé€𝄞'.repeat(200_000))
  const decoded = letters.readableStream().pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
  let joined = ''
  for await (const part of decoded) joined += part
  t.is(joined, 'aé€𝄞'.repeat(200_000))
})

test('a web stream goes into streams of Node', async (t) => {
  const { mapping } = mapFile(t, contents)
  const target = path.join(tempDir(t), 'copy')
  await pipeline(mapping.readableStream(), createWriteStream(target))
  t.true(readFileSync(target).equals(contents))
  const hash = createHash('sha256')
  await pipeline(Readable.fromWeb(mapping.readableStream()), hash)
  t.is(hash.digest('hex'), createHash('sha256').update(contents).digest('hex'))
})

test('the mapping can be closed once a web stream has read all of it', async (t) => {
  const mapping = mmapSync(tempFile(t, 10))
  const reader = mapping.readableStream().getReader()
  const { value } = await reader.read()
  mapping.closeSync()
  t.is(value?.length, 10)
  t.true((await reader.read()).done)
})
