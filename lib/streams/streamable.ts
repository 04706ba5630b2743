import type { ReadStream, ReadStreamOptions } from './read-stream.js'
import type { WebStreamOptions } from './web-stream.js'
import type { WriteStream, WriteStreamOptions } from './write-stream.js'
import type { ReadableStream } from 'node:stream/web'

/** Streams that read from a mapping or write into it. */
export interface Streamable {
  /**
   * Creates a stream that reads a range, with the option names and the rules of `fs.createReadStream`. Chunks are views. Their
   * pages are in memory before they are delivered. With an `encoding`, or where the runtime refuses views, they are copies.
   *
   * A chunk stays valid until the mapping is closed. Closing destroys the stream with `ERR_MEMMAP_CLOSED`; bytes that a socket
   * still has to send are lost then, so wait for the pipeline first. The stream is a pin until it has ended or is destroyed.
   *
   * @param options - the options, or the name of an encoding
   * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, as `fs` does; `ERR_MEMMAP_CLOSED`;
   *   `ERR_MEMMAP_FAULT`. The stream fails with `ERR_MEMMAP_FAULT` when a page cannot be delivered or the file has become
   *   shorter, with `ERR_MEMMAP_CLOSED` when the mapping is closed, and with an `AbortError` when the signal aborts
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
   * Creates a stream that copies its input into the mapping, with the option names and the rules of `fs.createWriteStream`.
   * The mapping does not grow: a chunk that does not fit is an error, and none of it is written.
   *
   * Closing the mapping destroys the stream with `ERR_MEMMAP_CLOSED`. The stream is a pin until it has finished or is
   * destroyed.
   *
   * @param options - the options, or the name of an encoding
   * @throws `ERR_MEMMAP_READ_ONLY`; `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, as `fs` does;
   *   `ERR_MEMMAP_CLOSED`; `ERR_MEMMAP_FAULT`. The stream fails with `ERR_OUT_OF_RANGE` at the end of the mapping, with
   *   `ERR_MEMMAP_FAULT` when a page cannot be delivered or the disk is full, with `ERR_MEMMAP_CLOSED`, and with an
   *   `AbortError`
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
   * Creates a web stream of bytes that reads a range. A reader with a buffer of its own (`{ mode: 'byob' }`) gets the bytes
   * copied into it; other readers get copies of up to 1 MiB. The stream never transfers mapped memory itself.
   *
   * Closing the mapping makes the stream fail with `ERR_MEMMAP_CLOSED`. The stream is a pin until it has ended or is
   * cancelled.
   *
   * @throws `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_CLOSED`; `ERR_MEMMAP_FAULT`. The
   *   stream fails with `ERR_MEMMAP_FAULT` when a page cannot be delivered or the file has become shorter, with
   *   `ERR_MEMMAP_CLOSED`, and with the signal's reason
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
