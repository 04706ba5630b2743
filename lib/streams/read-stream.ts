/**
 * A stream of Node's that reads a mapping, as `fs.createReadStream` reads a file.
 */
import { addAbortSignal, finished, Readable } from 'node:stream'
import { constants } from '../base/constants.js'
import { parseEncoding, parseSpan, Passage } from './range-cursor.js'
import type { MappingState } from '../state/mapping-state.js'
import { type Bytes, parseBoolean, parseOptions, parseSignal } from '../base/validate.js'

/** Options of `createReadStream`, with the names and the meaning that they have in `fs`. */
export interface ReadStreamOptions {
  /** The first byte. From the end of the mapping on there is nothing to read. @default 0 */
  readonly start?: Bytes | undefined
  /** The last byte: **inclusive**, as in `fs`. @default Infinity */
  readonly end?: Bytes | undefined
  /** Bytes of a chunk. @default 1 MiB */
  readonly highWaterMark?: number | undefined
  /** Give strings, as `setEncoding()` does. @default Buffers */
  readonly encoding?: BufferEncoding | undefined
  /** Destroys the stream with an `AbortError`. @default none */
  readonly signal?: AbortSignal | undefined
  /** Emit `close` when it is destroyed. @default true */
  readonly emitClose?: boolean | undefined
  /** Destroy it when it has ended. @default true */
  readonly autoClose?: boolean | undefined
  /**
   * Let go of pages that were read, so that little of the file stays in memory. In mode `r` what was stored into them is gone
   * then, also from a chunk that is still in use. @default false
   */
  readonly dropBehind?: boolean | undefined
}

const OPTIONS = ['start', 'end', 'highWaterMark', 'encoding', 'signal', 'emitClose', 'autoClose', 'dropBehind']

// With 64 KiB, which is what `fs` takes, a socket gets half as much: each chunk is a system call and a turn of the loop.
const CHUNK = 2 ** 20

export function createReadStream(
  state: MappingState,
  options: ReadStreamOptions | BufferEncoding | null | undefined,
): ReadStream {
  if (typeof options === 'string') return new ReadStream(state, { encoding: options })
  return new ReadStream(state, parseOptions(options ?? undefined, 'options', OPTIONS))
}

/** A `Readable` over a range of a mapping. Its chunks are views, which closing the mapping empties. */
export class ReadStream extends Readable {
  /** The first byte, as given. */
  readonly start: number
  /** The last byte, as given. */
  readonly end: number
  /** How many bytes were given out. */
  bytesRead = 0
  readonly #passage: Passage

  /** @internal */
  constructor(state: MappingState, options: ReadStreamOptions) {
    const { highWaterMark } = options
    const span = parseSpan(options.start, options.end)
    const encoding = parseEncoding(options.encoding)
    const signal = parseSignal(options.signal, 'options.signal')
    const emitClose = parseBoolean(options.emitClose, 'options.emitClose')
    const autoDestroy = parseBoolean(options.autoClose, 'options.autoClose')
    const dropBehind = parseBoolean(options.dropBehind, 'options.dropBehind')

    super({ highWaterMark: highWaterMark ?? CHUNK, encoding, emitClose, autoDestroy })
    this.start = span.start
    this.end = span.end
    this.#passage = new Passage(state, span, {
      dropBehind,
      stop: (reason) => this.destroy(this.readableEnded ? undefined : (reason as Error)),
    })
    // Not as an option of the Readable, which would destroy it at once if it is aborted: before there is a passage to end.
    if (signal !== undefined) addAbortSignal(signal, this)
  }

  /** The next byte, counted from the start of the mapping. */
  get pos(): number {
    return this.#passage.position
  }

  /** Destroys it; calls back when that is done. */
  close(callback?: (error?: NodeJS.ErrnoException | null) => void): void {
    if (callback !== undefined) finished(this, callback)
    this.destroy()
  }

  // Each chunk is fetched by this, and so is the end. The file may have been cut since a chunk was put in the queue; and who
  // works on chunks as they come is never told that this was all, after there were zeros in place of a page.
  override read(size?: number): ReturnType<Readable['read']> {
    if (!this.destroyed) {
      try {
        // Strings are copies. What somebody put back, by unshift(), need not be from here.
        this.#passage.check(this.readableEncoding === null ? Math.min(this.readableLength, this.bytesRead) : 0)
      } catch (error) {
        this.destroy(error as Error)
      }
    }
    return this.destroyed ? null : super.read(size)
  }

  override _read(size: number): void {
    const length = Math.min(size || CHUNK, this.#passage.left, constants.MAX_VIEW_LENGTH)
    if (length === 0) {
      this.push(null)
      return
    }
    const give = (): void => this.#give(length)
    // What it throws destroys the stream, which is done by who calls this.
    const waiting = this.#passage.ready(length)
    // On a tick of its own, not in a promise's job: what a listener throws is an uncaught exception, as it is with `fs`.
    if (waiting !== undefined)
      waiting.then(
        () => process.nextTick(give),
        (error) => this.destroy(error),
      )
    // A Readable stops asking a source that gives it parts of a character at once, of which nothing can be made yet.
    else if (this.readableEncoding !== null) process.nextTick(give)
    else give()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#passage.end()
    callback(error)
  }

  #give(length: number): void {
    if (this.destroyed) return
    let chunk: Buffer
    try {
      chunk = this.#passage.take(length)
    } catch (error) {
      this.destroy(error as Error)
      return
    }
    this.bytesRead += length
    this.push(chunk)
  }
}
