/**
 * Moves through a range of a mapping for a stream, from start to end. It brings pages into memory before the stream touches them,
 * lets the event loop run, and ends the stream when the mapping closes.
 */
import { setImmediate } from 'node:timers/promises'
import { ReadAhead } from '../iterate/read-ahead.js'
import { readCopy } from '../views/copy.js'
import { MemmapError } from '../base/errors.js'
import type { Pin, MappingState } from '../state/mapping-state.js'
import { invalidArgValue, outOfRange, parseOptionalBytes } from '../base/validate.js'
import { viewOrCopy } from '../views/view-or-copy.js'

/** The bounds of a stream in bytes. `end` is the last byte, as in `fs`, or Infinity. */
export interface StreamBounds {
  readonly start: number
  readonly end: number
}

/** Parses the bounds of a stream, with the names, rules and messages of `fs`. */
export function parseBounds(givenStart: unknown, givenEnd: unknown): StreamBounds {
  const start = parseOptionalBytes(givenStart, 'start') ?? 0
  const end = givenEnd === Infinity ? Infinity : (parseOptionalBytes(givenEnd, 'end') ?? Infinity)
  if (start > end) throw outOfRange('start', `<= "end" (here: ${end})`, start)
  return { start, end }
}

/** Parses the name of an encoding, with the messages of `fs`. */
export function parseEncoding(encoding: unknown): BufferEncoding | undefined {
  if (encoding === undefined || encoding === null) return undefined
  if (typeof encoding === 'string' && Buffer.isEncoding(encoding)) return encoding
  throw invalidArgValue('encoding', encoding, 'is invalid encoding')
}

// The number of bytes without a wait after which the event loop runs. Otherwise a consumer that accepts every chunk, such as a
// hash, would delay every timer until the end of the file. One turn costs some microseconds, as much as copying 16 KiB.
const BYTES_PER_TURN = 2 ** 18

/** Options of a RangeCursor. */
export interface RangeCursorOptions {
  /** The maximum number of bytes that one step of read-ahead brings in. @default 32 MiB */
  readonly maxStep?: number
  /** Drop pages after they were used. @default false */
  readonly dropBehind?: boolean | undefined
  /** Called with the error if the mapping closes before the cursor has ended. It must end the cursor. */
  readonly stop: (reason: unknown) => void
}

/** A position in a range of a mapping. It holds a pin until `end()`. */
export class RangeCursor {
  /** The offset of the next byte, counted from the start of the mapping. */
  position: number
  readonly #state: MappingState
  readonly #end: number
  readonly #readAhead: ReadAhead
  readonly #pin: Pin
  #bytesSinceTurn = 0
  #ended = false

  constructor(state: MappingState, bounds: StreamBounds, { maxStep, dropBehind, stop }: RangeCursorOptions) {
    state.check()
    this.#state = state
    // As in `fs`, bounds beyond the end are allowed, and there is nothing to read there.
    this.#end = Math.min(bounds.end + 1, state.length)
    this.position = Math.min(bounds.start, this.#end)
    this.#readAhead = new ReadAhead(state, this.position, this.#end, { maxStep, dropBehind })
    this.#pin = state.pinUntil(stop)
  }

  /** The number of bytes from the position to the end of the range. */
  get left(): number {
    return this.#end - this.position
  }

  /** Throws if the mapping is closed or has a fault, or if the file ends before the end of the last `taken` bytes. */
  check(taken: number): void {
    this.#checkExtent(this.position - taken, taken)
  }

  /** Prepares the next bytes to be touched. Returns a promise only if they are not ready. */
  ready(length: number): Promise<void> | undefined {
    this.#state.check()
    const waiting = this.#readAhead
      .prepare(this.position, length)
      ?.catch((error: unknown) => this.#touch(length, error))
    if (waiting === undefined && this.#bytesSinceTurn < BYTES_PER_TURN) {
      this.#bytesSinceTurn += length
      return undefined
    }
    this.#bytesSinceTurn = length
    return waiting ?? setImmediate()
  }

  /** Returns the next bytes and moves past them. The Buffer is a view, or a copy if the runtime refuses views. */
  take(length: number): Buffer {
    return this.#advance(length, (offset) => viewOrCopy(this.#state, offset, length))
  }

  /** Does the same, but always copies. */
  copy(length: number): Buffer {
    return this.#advance(length, (offset) => readCopy(this.#state, offset, length))
  }

  /** Copies the next bytes into `target` and moves past them. */
  copyTo(target: Uint8Array): void {
    this.#advance(target.length, (offset) => this.#state.run((native) => native.readInto(offset, target)))
  }

  /** Writes bytes at the position and moves past them. */
  copyFrom(source: Uint8Array): void {
    this.#advance(source.length, (offset) => this.#state.run((native) => native.write(offset, source)))
  }

  /** Releases the pin. A second call does nothing. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#readAhead.end()
    this.#pin.release()
  }

  // Read-ahead reports only that it failed. A copy throws with the page and the reason, or succeeds if the page is there now.
  #touch(length: number, error: unknown): void {
    if (!(error instanceof MemmapError) || error.code !== 'ERR_MEMMAP_FAULT') throw error
    readCopy(this.#state, this.position, length)
  }

  #advance<T>(length: number, use: (offset: number) => T): T {
    const offset = this.position
    this.#checkExtent(offset, length)
    const result = use(offset)
    this.position += length
    // The bytes just taken do not count as used, because the consumer still uses them.
    this.#readAhead.markUsed(offset)
    return result
  }

  // In the page in which the file ends, the bytes after the end are zeros and cause no fault, so the size must be checked.
  #checkExtent(offset: number, length: number): void {
    this.#state.check()
    if (length > 0) this.#state.run((native) => native.checkExtent(offset, length))
  }
}
