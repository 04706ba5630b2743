/**
 * A Node stream that writes into a mapping, as `fs.createWriteStream` writes into a file.
 */
import { addAbortSignal, Writable } from 'node:stream'
import { withCode } from '../base/errors.js'
import { flush } from '../durability/flush.js'
import { parseEncoding, parseBounds, RangeCursor } from './range-cursor.js'
import type { MappingState } from '../state/mapping-state.js'
import { type Bytes, invalidArgValue, outOfRange, parseBoolean, parseOptions, parseSignal } from '../base/validate.js'

/** Options of `createWriteStream`, with the names and meanings of `fs`. */
export interface WriteStreamOptions {
  /** The offset of the first byte to write, at most the length of the mapping. @default 0 */
  readonly start?: Bytes | undefined
  /** The encoding of strings that are written without one. @default 'utf8' */
  readonly encoding?: BufferEncoding | undefined
  /** The number of queued bytes from which on `write()` returns false. @default that of Node's streams */
  readonly highWaterMark?: number | undefined
  /** Destroys the stream with an `AbortError`. @default none */
  readonly signal?: AbortSignal | undefined
  /** Make the written bytes durable before `finish`, as `flush()` does. @default false */
  readonly flush?: boolean | undefined
  /** Emit `close` when the stream is destroyed. @default true */
  readonly emitClose?: boolean | undefined
  /** Destroy the stream when it has finished. @default true */
  readonly autoClose?: boolean | undefined
}

const OPTIONS = ['start', 'encoding', 'highWaterMark', 'signal', 'flush', 'emitClose', 'autoClose']

// A longer chunk is copied in steps of this length, between which the event loop runs. Read-ahead is limited to it too, because
// the number of bytes to come is unknown.
const STEP_SIZE = 2 ** 20

export function createWriteStream(
  state: MappingState,
  options: WriteStreamOptions | BufferEncoding | null | undefined,
): WriteStream {
  if (typeof options === 'string') return new WriteStream(state, { encoding: options })
  return new WriteStream(state, parseOptions(options ?? undefined, 'options', OPTIONS))
}

/** A `Writable` that copies its input into a mapping, from `start` on. */
export class WriteStream extends Writable {
  /** The offset of the first byte that it writes. */
  readonly start: number
  /** The number of bytes that were written. */
  bytesWritten = 0
  readonly #state: MappingState
  readonly #cursor: RangeCursor
  readonly #durable: boolean

  /** @internal */
  constructor(state: MappingState, options: WriteStreamOptions) {
    // Validate arguments
    const { highWaterMark } = options
    const { start } = parseBounds(options.start, undefined)
    const defaultEncoding = parseEncoding(options.encoding)
    const signal = parseSignal(options.signal, 'options.signal')
    const durable = parseBoolean(options.flush, 'options.flush') ?? false
    const emitClose = parseBoolean(options.emitClose, 'options.emitClose')
    const autoDestroy = parseBoolean(options.autoClose, 'options.autoClose')

    // Validate interpreted options
    state.checkWritable()
    if (start > state.length) {
      throw outOfRange('start', `>= 0 && <= ${state.length}, the length of the mapping`, start)
    }

    super({ highWaterMark: highWaterMark ?? undefined, defaultEncoding, emitClose, autoDestroy })
    this.start = start
    this.#state = state
    this.#durable = durable
    this.#cursor = new RangeCursor(
      state,
      { start, end: Infinity },
      {
        maxStep: STEP_SIZE,
        stop: (reason) => this.destroy(this.writableFinished ? undefined : (reason as Error)),
      },
    )
    // The signal is not an option of the Writable: see ReadStream.
    if (signal !== undefined) addAbortSignal(signal, this)
  }

  /** The offset of the next byte that it writes, counted from the start of the mapping. */
  get pos(): number {
    return this.#cursor.position
  }

  /** Ends the stream after everything is written, and calls back when that is done. */
  close(callback?: (error?: Error | null) => void): void {
    if (callback !== undefined) {
      if (this.closed) {
        process.nextTick(callback)
        return
      }
      this.on('close', callback)
    }
    // Without autoClose the stream does not destroy itself.
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy()).end()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    const { length } = chunk
    let waiting: Promise<void> | undefined
    try {
      this.#checkFits(length)
      waiting = length > STEP_SIZE ? this.#writeLong(chunk, length) : this.#writeStep(chunk, 0, length, length)
    } catch (error) {
      // Not synchronously, because the Writable would then write the next chunk.
      process.nextTick(callback, error)
      return
    }
    if (waiting === undefined) callback()
    else settle(waiting, callback)
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (!this.#durable) callback()
    else settle(flush(this.#state, { offset: this.start, length: this.bytesWritten }), callback)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#cursor.end()
    callback(error)
  }

  #checkFits(length: number): void {
    const { left, position } = this.#cursor
    if (length <= left) return
    const limit = `<= ${left}, the rest of the mapping of ${this.#state.length} bytes from offset ${position} on`
    throw outOfRange('the length of chunk', `${limit}; no byte of it was written`, length)
  }

  async #writeLong(chunk: Buffer, length: number): Promise<void> {
    for (let at = 0; at < length; at += STEP_SIZE)
      await this.#writeStep(chunk, at, Math.min(at + STEP_SIZE, length), length)
  }

  // The event loop may run before the copy, and code may then destroy the stream or detach the bytes.
  #writeStep(chunk: Buffer, from: number, to: number, length: number): Promise<void> | undefined {
    const copy = (): void => {
      if (this.destroyed) throw this.errored ?? destroyed()
      if (chunk.length !== length) {
        throw invalidArgValue('chunk', chunk, 'was detached, or has changed its length, before it was written')
      }
      this.#cursor.copyFrom(chunk.subarray(from, to))
      this.bytesWritten += to - from
    }
    const waiting = this.#cursor.ready(to - from)
    if (waiting !== undefined) return waiting.then(copy)
    copy()
    return undefined
  }
}

// The error of `fs`.
function destroyed(): Error {
  return withCode(new Error('Cannot call write after a stream was destroyed'), 'ERR_STREAM_DESTROYED')
}

// In a tick of its own, not in a promise: an error that a listener throws is an uncaught exception, as with `fs`.
function settle(work: Promise<unknown>, callback: (error?: Error | null) => void): void {
  work.then(
    () => process.nextTick(callback),
    (error) => process.nextTick(callback, error),
  )
}
