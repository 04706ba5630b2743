/**
 * A stream of Node's that writes into a mapping, as `fs.createWriteStream` writes into a file.
 */
import { addAbortSignal, Writable } from 'node:stream'
import { withCode } from '../base/errors.js'
import { flush } from '../durability/flush.js'
import { parseEncoding, parseSpan, Passage } from './range-cursor.js'
import type { MappingState } from '../state/mapping-state.js'
import { type Bytes, invalidArgValue, outOfRange, parseBoolean, parseOptions, parseSignal } from '../base/validate.js'

/** Options of `createWriteStream`, with the names and the meaning that they have in `fs`. */
export interface WriteStreamOptions {
  /** Where to write first; at most the length of the mapping. @default 0 */
  readonly start?: Bytes | undefined
  /** The encoding of strings for which none is named. @default 'utf8' */
  readonly encoding?: BufferEncoding | undefined
  /** Bytes that may wait before `write()` returns false. @default that of Node's streams */
  readonly highWaterMark?: number | undefined
  /** Destroys the stream with an `AbortError`. @default none */
  readonly signal?: AbortSignal | undefined
  /** Make what was written durable before `finish`, as by `flush()`. @default false */
  readonly flush?: boolean | undefined
  /** Emit `close` when it is destroyed. @default true */
  readonly emitClose?: boolean | undefined
  /** Destroy it when it has finished. @default true */
  readonly autoClose?: boolean | undefined
}

const OPTIONS = ['start', 'encoding', 'highWaterMark', 'signal', 'flush', 'emitClose', 'autoClose']

// A longer chunk is copied by parts of this length, with a turn of the event loop between them. Nor is more of the file read
// ahead than that, since nobody knows how much will be written.
const PART = 2 ** 20

export function createWriteStream(
  state: MappingState,
  options: WriteStreamOptions | BufferEncoding | null | undefined,
): WriteStream {
  if (typeof options === 'string') return new WriteStream(state, { encoding: options })
  return new WriteStream(state, parseOptions(options ?? undefined, 'options', OPTIONS))
}

/** A `Writable` that copies what it gets into a mapping, from front to back. */
export class WriteStream extends Writable {
  /** Where it began to write. */
  readonly start: number
  /** How many bytes were written. */
  bytesWritten = 0
  readonly #state: MappingState
  readonly #passage: Passage
  readonly #durable: boolean

  /** @internal */
  constructor(state: MappingState, options: WriteStreamOptions) {
    // Validate arguments
    const { highWaterMark } = options
    const { start } = parseSpan(options.start, undefined)
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
    this.#passage = new Passage(
      state,
      { start, end: Infinity },
      {
        maxStep: PART,
        stop: (reason) => this.destroy(this.writableFinished ? undefined : (reason as Error)),
      },
    )
    // Not as an option of the Writable: see ReadStream.
    if (signal !== undefined) addAbortSignal(signal, this)
  }

  /** Where it will write next, counted from the start of the mapping. */
  get pos(): number {
    return this.#passage.position
  }

  /** Ends it, when all is written; calls back when that is done. */
  close(callback?: (error?: Error | null) => void): void {
    if (callback !== undefined) {
      if (this.closed) {
        process.nextTick(callback)
        return
      }
      this.on('close', callback)
    }
    // Without autoClose it would not destroy itself.
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy()).end()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    const { length } = chunk
    let waiting: Promise<void> | undefined
    try {
      this.#checkFits(length)
      waiting = length > PART ? this.#putLong(chunk, length) : this.#put(chunk, 0, length, length)
    } catch (error) {
      // Not at once: that would be an invitation to write the next one.
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
    this.#passage.end()
    callback(error)
  }

  #checkFits(length: number): void {
    const { left, position } = this.#passage
    if (length <= left) return
    const most = `<= ${left}, what is left of the mapping of ${this.#state.length} bytes at offset ${position}`
    throw outOfRange('the length of chunk', `${most}; nothing of it was written`, length)
  }

  async #putLong(chunk: Buffer, length: number): Promise<void> {
    for (let at = 0; at < length; at += PART) await this.#put(chunk, at, Math.min(at + PART, length), length)
  }

  // The event loop may have its turn before the copy, and may end the stream then, or take the bytes away.
  #put(chunk: Buffer, from: number, to: number, length: number): Promise<void> | undefined {
    const copy = (): void => {
      if (this.destroyed) throw this.errored ?? destroyed()
      if (chunk.length !== length) {
        throw invalidArgValue('chunk', chunk, 'was detached, or has changed its length, before it was written')
      }
      this.#passage.copyFrom(chunk.subarray(from, to))
      this.bytesWritten += to - from
    }
    const waiting = this.#passage.ready(to - from)
    if (waiting !== undefined) return waiting.then(copy)
    copy()
    return undefined
  }
}

// As `fs` has it.
function destroyed(): Error {
  return withCode(new Error('Cannot call write after a stream was destroyed'), 'ERR_STREAM_DESTROYED')
}

// On a tick of its own, not in a promise's job: what a listener throws is an uncaught exception, as it is with `fs`.
function settle(work: Promise<unknown>, callback: (error?: Error | null) => void): void {
  work.then(
    () => process.nextTick(callback),
    (error) => process.nextTick(callback, error),
  )
}
