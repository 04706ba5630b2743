/**
 * Windows and chunks: a mapping of any size, part by part.
 *
 * Iterators hold nothing between two steps, so that `close()` in the middle of a loop waits for nobody; what was handed out
 * is emptied as every view is, and the next step throws.
 */
import { constants } from '../base/constants.js'
import { readCopy } from '../views/copy.js'
import { MemmapError } from '../base/errors.js'
import { type Cursor, type Route, type MappedIterable, walk } from './iterable.js'
import type { MappingState } from '../state/mapping-state.js'
import { construct } from '../views/views.js'
import {
  type Bytes,
  outOfRange,
  parseBoolean,
  parseBytes,
  parseOptions,
  parsePosition,
  parseSignal,
  type Range,
  resolveRange,
} from '../base/validate.js'

/** A part of a mapping. */
export interface Window {
  /** Where in the mapping it begins, in bytes. */
  readonly offset: number
  /** In bytes. */
  readonly length: number
  /** Its bytes: not a copy, except where the runtime refuses views. */
  readonly view: Buffer
}

/** Options of everything that goes through a range from front to back. */
export interface IterateOptions extends Range {
  /**
   * Let go of pages that were used, out of the page cache too, so that a file larger than memory passes through little of it.
   * In mode `r` what was stored into them is gone then. @default false
   */
  readonly dropBehind?: boolean | undefined
  /** Ends the loop: its next step fails with the signal's reason. @default none */
  readonly signal?: AbortSignal | undefined
}

/** How to go through windows. */
export interface WindowOptions extends IterateOptions {
  /** Bytes of each window but the last, 1 to 2^31 - 1. @default 64 MiB */
  readonly size?: Bytes | undefined
  /** Bytes that each window has in common with the one before; less than `size`. @default 0 */
  readonly overlap?: Bytes | undefined
}

/** How to go through chunks. */
export interface ChunkOptions extends IterateOptions {
  /** Bytes of each chunk but the last, 1 to 2^31 - 1. @default 1 MiB */
  readonly size?: Bytes | undefined
}

// Large enough that a loop in JavaScript spends its time in the windows and not between them, small enough for the caches of
// the engine and for a machine with little memory.
const WINDOW_SIZE = 64 * 2 ** 20

// What streams and hashes take at once without a pause that anyone notices.
const CHUNK_SIZE = 2 ** 20

/** The names of the options of `IterateOptions`. */
export const WALK_OPTIONS = ['offset', 'length', 'dropBehind', 'signal']
const CHUNK_OPTIONS = ['size', ...WALK_OPTIONS]
const WINDOW_OPTIONS = ['overlap', ...CHUNK_OPTIONS]

export function windows(state: MappingState, options: WindowOptions | undefined): MappedIterable<Window> {
  // Validate arguments
  const given = parseOptions(options, 'options', WINDOW_OPTIONS)
  const { size: givenSize, overlap: givenOverlap } = given

  // Interpret options
  const size = parseSize(givenSize, WINDOW_SIZE)
  const overlap = givenOverlap === undefined ? 0 : parseBytes(givenOverlap, 'options.overlap')
  const lay = parseWalk(given)

  // Validate interpreted options
  if (overlap >= size) throw outOfRange('options.overlap', `>= 0 && < ${size}, the size of a window`, overlap)
  const route = lay(state)

  return walk(route, (inBatches) => new Windows(route, size, size - overlap, windowAt, inBatches))
}

export function chunks(state: MappingState, options: ChunkOptions | undefined): MappedIterable<Buffer> {
  // Validate arguments
  const given = parseOptions(options, 'options', CHUNK_OPTIONS)

  // Interpret options
  const size = parseSize(given.size, CHUNK_SIZE)
  const lay = parseWalk(given)

  // Validate interpreted options
  const route = lay(state)

  return buffers(route, size)
}

/** Buffers of so many bytes, one behind the other; the last one may be shorter. */
export function buffers(route: Route, size: number): MappedIterable<Buffer> {
  return walk(route, (inBatches) => new Windows(route, size, size, viewOrCopy, inBatches))
}

/** Reads options. What they mean for a region is found out when nothing can run in between. */
export function parseWalk({ offset, length, dropBehind, signal }: IterateOptions): (state: MappingState) => Route {
  const range = parsePosition(offset, length, 'options.')
  const how = {
    dropBehind: parseBoolean(dropBehind, 'options.dropBehind') ?? false,
    signal: parseSignal(signal, 'options.signal'),
  }
  return (state) => {
    state.check()
    const { offset: start, length: total } = resolveRange(range, state.length)
    return { state, start, end: start + total, ...how }
  }
}

function parseSize(size: unknown, fallback: number): number {
  return size === undefined ? fallback : parseBytes(size, 'options.size', 1, constants.MAX_VIEW_LENGTH)
}

// In batches small windows are made many at a time: as many as move on by this many bytes, but no more than so many. One by
// one they are not, so that each step tells of a fault in the one before.
const BATCH = 2 ** 18
const MOST_ITEMS = 1024

// The last window is the first one to reach the end: none consists of what the one before had already.
class Windows<T> implements Cursor<T> {
  readonly reads = false
  readonly views = true
  position: number
  readonly #state: MappingState
  readonly #end: number
  readonly #size: number
  readonly #stride: number
  readonly #count: number
  readonly #take: (state: MappingState, offset: number, length: number) => T
  #isLast: boolean

  constructor(
    { state, start, end }: Route,
    size: number,
    stride: number,
    take: (state: MappingState, offset: number, length: number) => T,
    inBatches: boolean,
  ) {
    this.position = start
    this.#state = state
    this.#end = end
    this.#size = size
    this.#stride = stride
    this.#take = take
    this.#count = inBatches ? Math.min(Math.max(1, Math.floor(BATCH / stride)), MOST_ITEMS) : 1
    this.#isLast = start === end
  }

  get done(): boolean {
    return this.#isLast
  }

  get reach(): number {
    return Math.min(this.position + (this.#count - 1) * this.#stride + this.#size, this.#end)
  }

  step(): T[] {
    const items: T[] = []
    for (let left = this.#count; left > 0 && !this.#isLast; left--) {
      const length = Math.min(this.#size, this.#end - this.position)
      items.push(this.#take(this.#state, this.position, length))
      this.#isLast = this.position + length === this.#end
      this.position += this.#stride
    }
    return items
  }
}

function windowAt(state: MappingState, offset: number, length: number): Window {
  return { offset, length, view: viewOrCopy(state, offset, length) }
}

/** Some bytes, as a view; as a copy where the runtime refuses views. */
export function viewOrCopy(state: MappingState, offset: number, length: number): Buffer {
  try {
    return construct(Buffer, state.arrayBuffers.locate(offset, length), length) as Buffer
  } catch (error) {
    if (error instanceof MemmapError && error.code === 'ERR_MEMMAP_UNSUPPORTED') return readCopy(state, offset, length)
    throw error
  }
}
