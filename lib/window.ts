/**
 * Windows and chunks: a mapping of any size, part by part.
 *
 * Iterators hold nothing between two steps, so that `close()` in the middle of a loop waits for nobody; what was handed out
 * is emptied as every view is, and the next step throws.
 */
import { constants } from './constants.js'
import { readCopy } from './copies.js'
import { MemmapError } from './errors.js'
import type { Region } from './region.js'
import { construct } from './views.js'
import {
  type Bytes,
  outOfRange,
  parseBytes,
  parseOptions,
  parsePosition,
  type Range,
  resolveRange,
} from './validate.js'

/** A part of a mapping. */
export interface Window {
  /** Where in the mapping it begins, in bytes. */
  readonly offset: number
  /** In bytes. */
  readonly length: number
  /** Its bytes: not a copy, except where the runtime refuses views. */
  readonly view: Buffer
}

export interface WindowOptions extends Range {
  /** Bytes of each window but the last, 1 to 2^31 - 1. @default 64 MiB */
  readonly size?: Bytes | undefined
  /** Bytes that each window has in common with the one before; less than `size`. @default 0 */
  readonly overlap?: Bytes | undefined
}

export interface ChunkOptions extends Range {
  /** Bytes of each chunk but the last, 1 to 2^31 - 1. @default 1 MiB */
  readonly size?: Bytes | undefined
}

// Large enough that a loop in JavaScript spends its time in the windows and not between them, small enough for the caches of
// the engine and for a machine with little memory.
const WINDOW_SIZE = 64 * 2 ** 20

// What streams and hashes take at once without a pause that anyone notices.
const CHUNK_SIZE = 2 ** 20

const WINDOW_OPTIONS = ['size', 'overlap', 'offset', 'length']
const CHUNK_OPTIONS = ['size', 'offset', 'length']

export function windows(region: Region, options: WindowOptions | undefined): Iterable<Window> {
  // Validate arguments
  const { size: givenSize, overlap: givenOverlap, offset, length } = parseOptions(options, 'options', WINDOW_OPTIONS)

  // Interpret options
  const size = parseSize(givenSize, WINDOW_SIZE)
  const overlap = givenOverlap === undefined ? 0 : parseBytes(givenOverlap, 'options.overlap')
  const range = parsePosition(offset, length, 'options.')

  // Validate interpreted options
  if (overlap >= size) throw outOfRange('options.overlap', `>= 0 && < ${size}, the size of a window`, overlap)
  region.check()
  const { offset: start, length: total } = resolveRange(range, region.length)

  return steps(region, start, start + total, size, size - overlap, windowAt)
}

export function chunks(region: Region, options: ChunkOptions | undefined): Iterable<Buffer> {
  // Validate arguments
  const { size: givenSize, offset, length } = parseOptions(options, 'options', CHUNK_OPTIONS)

  // Interpret options
  const size = parseSize(givenSize, CHUNK_SIZE)
  const range = parsePosition(offset, length, 'options.')

  // Validate interpreted options
  region.check()
  const { offset: start, length: total } = resolveRange(range, region.length)

  return steps(region, start, start + total, size, size, viewOrCopy)
}

function parseSize(size: unknown, fallback: number): number {
  return size === undefined ? fallback : parseBytes(size, 'options.size', 1, constants.MAX_VIEW_LENGTH)
}

// The last part is the first one to reach the end: none consists of what the one before had already.
function steps<T>(
  region: Region,
  start: number,
  end: number,
  size: number,
  stride: number,
  take: (region: Region, offset: number, length: number) => T,
): Iterable<T> {
  const iterate = (): IterableIterator<T> => {
    let next = start
    let done = start === end
    return {
      next() {
        if (done) return { done, value: undefined }
        region.check()
        const offset = next
        const length = Math.min(size, end - offset)
        const value = take(region, offset, length)
        next += stride
        done = offset + length === end
        return { done: false, value }
      },
      return() {
        done = true
        return { done, value: undefined }
      },
      [Symbol.iterator]() {
        return this
      },
    }
  }
  return { [Symbol.iterator]: iterate }
}

function windowAt(region: Region, offset: number, length: number): Window {
  return { offset, length, view: viewOrCopy(region, offset, length) }
}

function viewOrCopy(region: Region, offset: number, length: number): Buffer {
  try {
    return construct(Buffer, region.segments.place(offset, length), length) as Buffer
  } catch (error) {
    if (error instanceof MemmapError && error.code === 'ERR_MEMMAP_UNSUPPORTED') return readCopy(region, offset, length)
    throw error
  }
}
