import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import test from 'ava'
import fc from 'fast-check'
import { mapFile } from '../helpers/mapped.js'
import { counting } from '../helpers/temp.js'

// `fs.createReadStream` of the same file is the model where possible. docs/streams.md lists which behaviours that Node's own
// tests assert are tested here.

async function chunksOf(stream: Readable): Promise<(Buffer | string)[]> {
  const chunks: (Buffer | string)[] = []
  for await (const chunk of stream) chunks.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk as Buffer))
  return chunks
}

// Chunks.

test('a read stream gives the chunks of fs for any bounds, chunk size and encoding', async (t) => {
  const { file, mapping } = mapFile(t, Buffer.from('aé€𝄞\0\n'.repeat(60)))
  const bound = fc.option(fc.nat(900), { nil: undefined })
  const encoding = fc.constantFrom<(BufferEncoding | undefined)[]>(undefined, 'utf8', 'utf16le', 'base64', 'hex')
  await fc.assert(
    fc.asyncProperty(bound, bound, fc.integer({ min: 1, max: 300 }), encoding, async (start, end, size, name) => {
      fc.pre(end === undefined || (start ?? 0) <= end)
      const options = {
        ...(start !== undefined && { start }),
        ...(end !== undefined && { end }),
        ...(name !== undefined && { encoding: name }),
        highWaterMark: size,
      }
      const [chunks, model] = await Promise.all([
        chunksOf(mapping.createReadStream(options)),
        chunksOf(createReadStream(file, options)),
      ])
      if (name === undefined) t.deepEqual(chunks, model, JSON.stringify(options))
      else t.is(chunks.join(''), model.join(''), JSON.stringify(options))
    }),
    { numRuns: 150 },
  )
})

test('all bytes come in order however the stream is consumed', async (t) => {
  const { mapping } = mapFile(t, 5000)
  const step = fc.oneof(fc.constant('pause' as const), fc.constant('turn' as const), fc.integer({ min: 1, max: 700 }))
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 900 }), fc.array(step, { maxLength: 30 }), async (size, steps) => {
      const stream = mapping.createReadStream({ highWaterMark: size })
      const seen: Buffer[] = []
      for (const act of steps) {
        if (typeof act === 'number') {
          const chunk = stream.read(act) as Buffer | null
          if (chunk !== null) seen.push(Buffer.from(chunk))
        } else if (act === 'pause') stream.pause()
        else await new Promise(setImmediate)
      }
      for await (const chunk of stream) seen.push(Buffer.from(chunk as Buffer))
      t.true(Buffer.concat(seen).equals(counting(5000)))
    }),
    { numRuns: 100 },
  )
})

// Flow.

test('dropBehind does not change the bytes', async (t) => {
  const { mapping } = mapFile(t, Buffer.alloc(40 * 2 ** 20, counting(251)))
  const plain = createHash('sha1').update(mapping.buffer()).digest('hex')
  const hash = createHash('sha1')
  await pipeline(mapping.createReadStream({ dropBehind: true }), hash)
  t.is(hash.digest('hex'), plain)
})
