import type { ReadStream, ReadStreamOptions } from './read-stream.js'
import type { WebStreamOptions } from './web-stream.js'
import type { WriteStream, WriteStreamOptions } from './write-stream.js'
import type { ReadableStream } from 'node:stream/web'

/** Streams over a range. */
export interface Streamable {
  /**
   * Makes a stream that reads a range, with the names and the rules of `fs.createReadStream`. Its chunks are views, in memory
   * before they are handed out; where the runtime refuses views, or with an `encoding`, they are copies.
   *
   * A chunk stays valid until the mapping is closed. Closing it destroys the stream with `ERR_MEMMAP_CLOSED`: what a socket
   * still has to send is then lost, so wait for the pipeline first. Until it has ended or is destroyed it is a pin.
   *
   * @param options - or the name of an encoding
   * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, as `fs` does. The stream errors with
   *   `ERR_MEMMAP_FAULT` when a page can't be delivered or the file has become shorter, with `ERR_MEMMAP_CLOSED`, and with
   *   an `AbortError`
   * @see https://nodejs.org/api/fs.html#fscreatereadstreampath-options
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { createWriteStream, readFileSync, writeFileSync } from 'node:fs'
   * import { pipeline } from 'node:stream/promises'
   * import { mmap } from 'memmap'
   *
   * writeFileSync('hello.txt', 'hello world')
   * const mapping = await mmap('hello.txt')
   * await pipeline(mapping.createReadStream({ start: 6 }), createWriteStream('world.txt'))
   * await mapping.close()
   * assert.equal(readFileSync('world.txt', 'utf8'), 'world')
   * ```
   */
  createReadStream(options?: ReadStreamOptions | BufferEncoding | null): ReadStream

  /**
   * Makes a stream that copies what it gets into the mapping, with the names and the rules of `fs.createWriteStream`. The
   * mapping does not grow: a chunk that does not fit is an error, and nothing of it is written.
   *
   * Closing the mapping destroys the stream with `ERR_MEMMAP_CLOSED`. Until it has finished or is destroyed it is a pin.
   *
   * @param options - or the name of an encoding
   * @throws `ERR_MEMMAP_READ_ONLY`; `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, as `fs` does. The
   *   stream errors with `ERR_OUT_OF_RANGE` at the end of the mapping, with `ERR_MEMMAP_FAULT` when a page can't be delivered
   *   or the disk is full, with `ERR_MEMMAP_CLOSED`, and with an `AbortError`
   * @see https://nodejs.org/api/fs.html#fscreatewritestreampath-options
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { readFileSync, writeFileSync } from 'node:fs'
   * import { pipeline } from 'node:stream/promises'
   * import { mmap } from 'memmap'
   *
   * writeFileSync('hello.txt', 'hello world')
   * const mapping = await mmap('hello.txt', { mode: 'r+' })
   * await pipeline(['mun', 'do'], mapping.createWriteStream({ start: 6 }))
   * await mapping.close()
   * assert.equal(readFileSync('hello.txt', 'utf8'), 'hello mundo')
   * ```
   */
  createWriteStream(options?: WriteStreamOptions | BufferEncoding | null): WriteStream

  /**
   * Makes a web stream of bytes that reads a range. A reader that brings its own buffer (`{ mode: 'byob' }`) has the bytes
   * copied into that; any other gets copies of up to 1 MiB. Nothing of the mapping itself is ever given away.
   *
   * Closing the mapping makes the stream error with `ERR_MEMMAP_CLOSED`. Until it has ended or is cancelled it is a pin.
   *
   * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`. The stream errors with `ERR_MEMMAP_FAULT` when a
   *   page can't be delivered or the file has become shorter, with `ERR_MEMMAP_CLOSED`, and with the signal's reason
   * @see https://streams.spec.whatwg.org/#rbs-class
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFileSync } from 'node:fs'
   * import { mmap } from 'memmap'
   *
   * writeFileSync('hello.txt', 'hello world')
   * const mapping = await mmap('hello.txt')
   * assert.equal(await new Response(mapping.readableStream({ end: 4 })).text(), 'hello')
   * await mapping.close()
   * ```
   */
  readableStream(options?: WebStreamOptions): ReadableStream<Uint8Array>
}
