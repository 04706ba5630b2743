/**
 * Windows and chunks: views over a mapping of any size, one after another.
 *
 * Iterators hold nothing between two steps, so `close()` during a loop does not wait. Views that were handed out are emptied
 * like all views, and the next step throws.
 */
import { constants } from '../base/constants.js'
import { type Bytes, outOfRange, parseBytes, parseOptions } from '../base/validate.js'
import type { MappingState } from '../state/mapping-state.js'
import { viewOrCopy } from '../views/view-or-copy.js'
import { type BatchReader, makeIterable, type MappedIterable } from './iterable.js'
import { ITERATE_OPTIONS, type IterateOptions, type IterationRange, parseIterateOptions } from './range-options.js'

/** A window on a mapping. */
export interface Window {
  /** Its first byte, counted from the start of the mapping. */
  readonly offset: number
  /** In bytes. */
  readonly length: number
  /** Its bytes: a view, or a copy where the runtime refuses views. */
  readonly view: Buffer
}

/** Options of `windows()`. */
export interface WindowOptions extends IterateOptions {
  /** Bytes of each window except the last, which may be shorter; 1 to 2^31 - 1. @default 64 MiB */
  readonly size?: Bytes | undefined
  /** Bytes that each window shares with the previous one; less than `size`. @default 0 */
  readonly overlap?: Bytes | undefined
}

/** Options of `chunks()`. */
export interface ChunkOptions extends IterateOptions {
  /** Bytes of each chunk except the last, which may be shorter; 1 to 2^31 - 1. @default 1 MiB */
  readonly size?: Bytes | undefined
}

// Large enough that a loop in JavaScript spends its time in the windows and not between them; small enough for the caches of
// the engine and for a machine with little memory.
const WINDOW_SIZE = 64 * 2 ** 20

// Streams and hashes process this much at once without a noticeable pause.
const CHUNK_SIZE = 2 ** 20

const CHUNK_OPTIONS = ['size', ...ITERATE_OPTIONS]
const WINDOW_OPTIONS = ['overlap', ...CHUNK_OPTIONS]

export function windows(state: MappingState, options: WindowOptions | undefined): MappedIterable<Window> {
  // Validate arguments
  const given = parseOptions(options, 'options', WINDOW_OPTIONS)
  const { size: givenSize, overlap: givenOverlap } = given

  // Interpret options
  const size = parseSize(givenSize, WINDOW_SIZE)
  const overlap = givenOverlap === undefined ? 0 : parseBytes(givenOverlap, 'options.overlap')
  const resolve = parseIterateOptions(given)

  // Validate interpreted options
  if (overlap >= size) throw outOfRange('options.overlap', `>= 0 && < ${size}, the size of a window`, overlap)
  const range = resolve(state)

  return makeIterable(range, (inBatches) => new WindowReader(range, size, size - overlap, windowAt, inBatches))
}

export function chunks(state: MappingState, options: ChunkOptions | undefined): MappedIterable<Buffer> {
  // Validate arguments
  const given = parseOptions(options, 'options', CHUNK_OPTIONS)

  // Interpret options
  const size = parseSize(given.size, CHUNK_SIZE)
  const resolve = parseIterateOptions(given)

  // Validate interpreted options
  const range = resolve(state)

  return buffers(range, size)
}

/** Returns consecutive Buffers of `size` bytes; the last one may be shorter. */
export function buffers(range: IterationRange, size: number): MappedIterable<Buffer> {
  return makeIterable(range, (inBatches) => new WindowReader(range, size, size, viewOrCopy, inBatches))
}

function parseSize(size: unknown, fallback: number): number {
  return size === undefined ? fallback : parseBytes(size, 'options.size', 1, constants.MAX_VIEW_LENGTH)
}

// In batches, many small windows are made at once: as many as advance by this many bytes, at most 1,024. One by one they are
// not, so that each step reports a fault that happened in the previous window.
const BATCH_BYTES = 2 ** 18
const MAX_BATCH_ITEMS = 1024

// The last window is the first one that reaches the end of the range: no window consists only of bytes of the previous one.
class WindowReader<T> implements BatchReader<T> {
  readonly readsBytes = false
  readonly yieldsViews = true
  position: number
  readonly #state: MappingState
  readonly #end: number
  readonly #size: number
  readonly #stride: number
  readonly #count: number
  readonly #make: (state: MappingState, offset: number, length: number) => T
  #isDone: boolean

  constructor(
    { state, start, end }: IterationRange,
    size: number,
    stride: number,
    make: (state: MappingState, offset: number, length: number) => T,
    inBatches: boolean,
  ) {
    this.position = start
    this.#state = state
    this.#end = end
    this.#size = size
    this.#stride = stride
    this.#make = make
    this.#count = inBatches ? Math.min(Math.max(1, Math.floor(BATCH_BYTES / stride)), MAX_BATCH_ITEMS) : 1
    this.#isDone = start === end
  }

  get done(): boolean {
    return this.#isDone
  }

  get batchEnd(): number {
    return Math.min(this.position + (this.#count - 1) * this.#stride + this.#size, this.#end)
  }

  readBatch(): T[] {
    const items: T[] = []
    for (let left = this.#count; left > 0 && !this.#isDone; left--) {
      const length = Math.min(this.#size, this.#end - this.position)
      items.push(this.#make(this.#state, this.position, length))
      this.#isDone = this.position + length === this.#end
      this.position += this.#stride
    }
    return items
  }
}

function windowAt(state: MappingState, offset: number, length: number): Window {
  return { offset, length, view: viewOrCopy(state, offset, length) }
}
