/**
 * What all streams have in common: the way through a range of a mapping, from front to back, with each part in memory before
 * it is touched, a turn for the event loop now and then, and an end that everybody hears of.
 */
import { setImmediate } from 'node:timers/promises'
import { ReadAhead } from '../iterate/read-ahead.js'
import { readCopy } from '../views/copy.js'
import { MemmapError } from '../base/errors.js'
import type { Pin, MappingState } from '../state/mapping-state.js'
import { invalidArgValue, outOfRange, parseOptionalBytes } from '../base/validate.js'
import { viewOrCopy } from '../views/view-or-copy.js'

/** Where a stream begins and ends, both in bytes; `end` is its last byte, as in `fs`, or Infinity. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Reads the bounds of a stream, with the names, the rules and the words of `fs`. */
export function parseSpan(givenStart: unknown, givenEnd: unknown): Span {
  const start = parseOptionalBytes(givenStart, 'start') ?? 0
  const end = givenEnd === Infinity ? Infinity : (parseOptionalBytes(givenEnd, 'end') ?? Infinity)
  if (start > end) throw outOfRange('start', `<= "end" (here: ${end})`, start)
  return { start, end }
}

/** Reads the name of an encoding, in the words of `fs`. */
export function parseEncoding(encoding: unknown): BufferEncoding | undefined {
  if (encoding === undefined || encoding === null) return undefined
  if (typeof encoding === 'string' && Buffer.isEncoding(encoding)) return encoding
  throw invalidArgValue('encoding', encoding, 'is invalid encoding')
}

// After so many bytes without a wait the event loop gets a turn: a hash that takes all it gets would otherwise keep every
// timer waiting until the file ends. A turn costs some microseconds, as much as copying 16 KiB.
const BURST = 2 ** 18

/** How to go. */
export interface PassageOptions {
  /** The most bytes that are brought in at once. @default 32 MiB */
  readonly maxStep?: number
  /** Let go of pages behind. @default false */
  readonly dropBehind?: boolean | undefined
  /** Is called when the mapping closes before the passage has ended, with the error to say so; it must end it. */
  readonly stop: (reason: unknown) => void
}

/** From its making until `end()` it is a pin. */
export class Passage {
  /** The next byte, counted from the start of the mapping. */
  position: number
  readonly #state: MappingState
  readonly #end: number
  readonly #readAhead: ReadAhead
  readonly #pin: Pin
  #sinceTurn = 0
  #ended = false

  constructor(state: MappingState, span: Span, { maxStep, dropBehind, stop }: PassageOptions) {
    state.check()
    this.#state = state
    // Nothing is there beyond the end, which `fs` does not mind.
    this.#end = Math.min(span.end + 1, state.length)
    this.position = Math.min(span.start, this.#end)
    this.#readAhead = new ReadAhead(state, this.position, this.#end, { maxStep, dropBehind })
    this.#pin = state.pinUntil(stop)
  }

  /** How many bytes there are still to come. */
  get left(): number {
    return this.#end - this.position
  }

  /** Throws if the mapping is closed or has faulted, or the file no longer reaches to the end of the bytes last taken. */
  check(taken: number): void {
    this.#checkExtent(this.position - taken, taken)
  }

  /** Makes the next bytes ready to be touched. Without a promise they are so already. */
  ready(length: number): Promise<void> | undefined {
    this.#state.check()
    const waiting = this.#readAhead
      .prepare(this.position, length)
      ?.catch((error: unknown) => this.#touch(length, error))
    if (waiting === undefined && this.#sinceTurn < BURST) {
      this.#sinceTurn += length
      return undefined
    }
    this.#sinceTurn = length
    return waiting ?? setImmediate()
  }

  /** Goes on behind the next bytes, and gives a Buffer of them: not a copy, except where the runtime refuses views. */
  take(length: number): Buffer {
    return this.#advance(length, (offset) => viewOrCopy(this.#state, offset, length))
  }

  /** The same, always as a copy. */
  copy(length: number): Buffer {
    return this.#advance(length, (offset) => readCopy(this.#state, offset, length))
  }

  /** The same as a copy into memory of somebody else's. */
  copyTo(target: Uint8Array): void {
    this.#advance(target.length, (offset) => this.#state.run((native) => native.readInto(offset, target)))
  }

  /** The other way round: stores bytes and goes on behind them. */
  copyFrom(source: Uint8Array): void {
    this.#advance(source.length, (offset) => this.#state.run((native) => native.write(offset, source)))
  }

  /** Lets go of the mapping. Ending it again does nothing. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#readAhead.end()
    this.#pin.release()
  }

  // Bringing pages in ahead tells only that it failed. A copy says which page it was and why, or that it is there by now.
  #touch(length: number, error: unknown): void {
    if (!(error instanceof MemmapError) || error.code !== 'ERR_MEMMAP_FAULT') throw error
    readCopy(this.#state, this.position, length)
  }

  #advance<T>(length: number, go: (offset: number) => T): T {
    const offset = this.position
    this.#checkExtent(offset, length)
    const result = go(offset)
    this.position += length
    // Not the bytes just taken: who got them still works with them.
    this.#readAhead.markUsed(offset)
    return result
  }

  // There is no fault behind the end of a file in the page that it ends in: the system makes the rest of it zeros.
  #checkExtent(offset: number, length: number): void {
    this.#state.check()
    if (length > 0) this.#state.run((native) => native.checkExtent(offset, length))
  }
}
