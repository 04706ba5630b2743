/**
 * A Node stream that reads a mapping, as `fs.createReadStream` reads a file.
 */
import { addAbortSignal, finished, Readable } from 'node:stream'
import { constants } from '../base/constants.js'
import { parseEncoding, parseBounds, RangeCursor } from './range-cursor.js'
import type { MappingState } from '../state/mapping-state.js'
import { type Bytes, parseBoolean, parseOptions, parseSignal } from '../base/validate.js'

/** Options of `createReadStream`, with the names and meanings of `fs`. */
export interface ReadStreamOptions {
  /** The offset of the first byte. At or after the end of the mapping, the stream is empty. @default 0 */
  readonly start?: Bytes | undefined
  /** The offset of the last byte, **inclusive** as in `fs`. @default Infinity */
  readonly end?: Bytes | undefined
  /** The size of a chunk in bytes. @default 1 MiB */
  readonly highWaterMark?: number | undefined
  /** Deliver strings, as `setEncoding()` does. @default Buffers */
  readonly encoding?: BufferEncoding | undefined
  /** Destroys the stream with an `AbortError`. @default none */
  readonly signal?: AbortSignal | undefined
  /** Emit `close` when the stream is destroyed. @default true */
  readonly emitClose?: boolean | undefined
  /** Destroy the stream when it has ended. @default true */
  readonly autoClose?: boolean | undefined
  /**
   * Drop pages after they were read, so that little of the file stays in memory. In mode `r`, bytes that were stored into these
   * pages are lost, also in a chunk that is still in use. @default false
   */
  readonly dropBehind?: boolean | undefined
}

const OPTIONS = ['start', 'end', 'highWaterMark', 'encoding', 'signal', 'emitClose', 'autoClose', 'dropBehind']

// With chunks of 64 KiB, as in `fs`, a socket is half as fast: each chunk costs a system call and a turn of the event loop.
const CHUNK_SIZE = 2 ** 20

export function createReadStream(
  state: MappingState,
  options: ReadStreamOptions | BufferEncoding | null | undefined,
): ReadStream {
  if (typeof options === 'string') return new ReadStream(state, { encoding: options })
  return new ReadStream(state, parseOptions(options ?? undefined, 'options', OPTIONS))
}

/** A `Readable` over a range of a mapping. Its chunks are views, which become empty when the mapping closes. */
export class ReadStream extends Readable {
  /** The option `start`. */
  readonly start: number
  /** The option `end`. */
  readonly end: number
  /** The number of bytes that were delivered. */
  bytesRead = 0
  readonly #cursor: RangeCursor

  /** @internal */
  constructor(state: MappingState, options: ReadStreamOptions) {
    const { highWaterMark } = options
    const bounds = parseBounds(options.start, options.end)
    const encoding = parseEncoding(options.encoding)
    const signal = parseSignal(options.signal, 'options.signal')
    const emitClose = parseBoolean(options.emitClose, 'options.emitClose')
    const autoDestroy = parseBoolean(options.autoClose, 'options.autoClose')
    const dropBehind = parseBoolean(options.dropBehind, 'options.dropBehind')

    super({ highWaterMark: highWaterMark ?? CHUNK_SIZE, encoding, emitClose, autoDestroy })
    this.start = bounds.start
    this.end = bounds.end
    this.#cursor = new RangeCursor(state, bounds, {
      dropBehind,
      stop: (reason) => this.destroy(this.readableEnded ? undefined : (reason as Error)),
    })
    // The signal is not an option of the Readable. That would destroy an aborted stream at once, before `#cursor` exists.
    if (signal !== undefined) addAbortSignal(signal, this)
  }

  /** The offset of the next byte, counted from the start of the mapping. */
  get pos(): number {
    return this.#cursor.position
  }

  /** Destroys the stream, and calls back when that is done. */
  close(callback?: (error?: NodeJS.ErrnoException | null) => void): void {
    if (callback !== undefined) finished(this, callback)
    this.destroy()
  }

  // Each chunk, and the end, is fetched by this method. It checks again, because the file may have been truncated since the chunk
  // was queued. A consumer that was given zeros in place of a lost page must get an error and not the end of the stream.
  override read(size?: number): ReturnType<Readable['read']> {
    if (!this.destroyed) {
      try {
        // Strings are copies and need no check. Chunks that were put back with unshift() may not belong to the mapping.
        this.#cursor.check(this.readableEncoding === null ? Math.min(this.readableLength, this.bytesRead) : 0)
      } catch (error) {
        this.destroy(error as Error)
      }
    }
    return this.destroyed ? null : super.read(size)
  }

  override _read(size: number): void {
    const length = Math.min(size || CHUNK_SIZE, this.#cursor.left, constants.MAX_VIEW_LENGTH)
    if (length === 0) {
      this.push(null)
      return
    }
    const deliver = (): void => this.#deliver(length)
    // If this throws, the caller of `_read` destroys the stream.
    const waiting = this.#cursor.ready(length)
    // In a tick of its own, not in a promise: an error that a listener throws is an uncaught exception, as with `fs`.
    if (waiting !== undefined)
      waiting.then(
        () => process.nextTick(deliver),
        (error) => this.destroy(error),
      )
    // A Readable stops reading from a source that synchronously pushes only a part of a character.
    else if (this.readableEncoding !== null) process.nextTick(deliver)
    else deliver()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#cursor.end()
    callback(error)
  }

  #deliver(length: number): void {
    if (this.destroyed) return
    let chunk: Buffer
    try {
      chunk = this.#cursor.take(length)
    } catch (error) {
      this.destroy(error as Error)
      return
    }
    this.bytesRead += length
    this.push(chunk)
  }
}
