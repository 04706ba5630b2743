/**
 * The pieces of a range between separators, which lines are too. The native half says where the separators of a part are, in
 * one call, and `cut.ts` makes something of what lies between them.
 *
 *     position                       after the last separator        reach
 *       |-- piece --|;|-- piece --|;|-- cut off, comes again ----------|
 *
 * A piece that is longer than a part is looked for in larger steps, and made by itself.
 */
import {
  type Cut,
  ENCODINGS,
  type ByteRange,
  type ByteRanges,
  type Maker,
  makersOf,
  MOST,
  type LineEncoding,
  type Read,
  RETURN,
} from './decode.js'
import { readCopy } from '../views/copy.js'
import { type BatchReader, makeIterable, type MappedIterable } from '../iterate/iterable.js'
import { ITERATE_OPTIONS, type IterateOptions, type IterationRange } from '../iterate/range-options.js'
import { type ByteOffsets, native, type NativePattern } from '../base/native.js'
import type { MappingState } from '../state/mapping-state.js'
import { parseBoolean, parseWord } from '../base/validate.js'
import { viewOrCopy } from '../views/view-or-copy.js'

/** Options of what yields pieces. */
export interface DelimitedOptions extends IterateOptions {
  /** Leave the end at each piece. @default false */
  readonly keepEnd?: boolean | undefined
}

/** Options for pieces as strings. */
export interface StringOptions {
  /** @default 'utf8' */
  readonly encoding?: 'utf8' | 'latin1' | 'ascii' | undefined
  /** The pieces themselves are wanted. @default false */
  readonly offsets?: false | undefined
}

/** Options for pieces as Buffers: views, not copies. */
export interface BufferOptions {
  readonly encoding: 'buffer'
  /** The pieces themselves are wanted. @default false */
  readonly offsets?: false | undefined
}

/** Options for the places of pieces alone. */
export interface RangeItemOptions {
  /** Of the separator, where it is a string; the pieces are not decoded. @default 'utf8' */
  readonly encoding?: LineEncoding | undefined
  readonly offsets: true
}

/** Options for whatever is yielded. */
export type YieldOptions = StringOptions | BufferOptions | RangeItemOptions

/** What is yielded, by the options. */
export type Pieced = MappedIterable<string> | MappedIterable<Buffer> | MappedIterable<ByteRange, ByteRanges>

/** The names of the options of pieces. */
export const PIECE_OPTIONS = ['encoding', 'keepEnd', 'offsets', ...ITERATE_OPTIONS]

/** Reads the options that say what is yielded. */
export function parsePieces({ encoding, keepEnd, offsets }: DelimitedOptions & YieldOptions): {
  encoding: LineEncoding
  keepEnd: boolean
  offsets: boolean
} {
  return {
    encoding: encoding === undefined ? 'utf8' : parseWord(encoding, 'options.encoding', ENCODINGS),
    keepEnd: parseBoolean(keepEnd, 'options.keepEnd') ?? false,
    offsets: parseBoolean(offsets, 'options.offsets') ?? false,
  }
}

/** Makes what is gone through. */
export function pieces(range: IterationRange, cut: Cut, encoding: LineEncoding, offsets: boolean): Pieced {
  const { items, batches } = makersOf(encoding, offsets)
  const by = (maker: Maker<unknown>) => () => new Pieces(range, cut, maker)
  return (
    batches === undefined ? makeIterable(range, by(items)) : makeIterable(range, by(items), by(batches))
  ) as Pieced
}

// Where a piece is longer than a part its end is looked for in steps of so many parts.
const STRIDE = 16

// A view costs as much as ten strings: more of them at once would keep the event loop waiting.
const MOST_VIEWS = 2 ** 12

/** Makes the pieces of a range. */
export class Pieces<T> implements BatchReader<T> {
  readonly readsBytes = true
  readonly yieldsViews: boolean
  position: number
  done: boolean
  readonly #state: MappingState
  readonly #end: number
  readonly #cut: Cut
  readonly #maker: Maker<T>
  readonly #pattern: NativePattern | undefined
  readonly #ends: Uint32Array
  readonly #read: Read
  // Up to here there is no separator after `position`.
  #searched: number

  constructor({ state, start, end }: IterationRange, cut: Cut, maker: Maker<T>) {
    this.position = this.#searched = start
    this.done = start === end && !cut.keepLast
    this.#state = state
    this.#end = end
    this.#cut = cut
    this.#maker = maker
    this.yieldsViews = maker.of === 'views'
    this.#ends = new Uint32Array(Math.min(this.yieldsViews ? MOST_VIEWS : maker.size, end - start))
    // A view is dear where it is the only one. What is made of the bytes of one piece is made of a copy, if there are few.
    const isCopied = maker.of === 'bytes'
    this.#read = (offset, length) =>
      isCopied && length <= MOST ? readCopy(state, offset, length) : viewOrCopy(state, offset, length)
    this.#pattern = cut.separator.length === 1 ? undefined : native.needles([cut.separator])
  }

  get batchEnd(): number {
    const stride = this.#searched > this.position ? STRIDE : 1
    return Math.min(this.#searched + this.#maker.size * stride + this.#cut.separator.length - 1, this.#end)
  }

  readBatch(): T[] {
    const isLong = this.#searched > this.position
    const reach = this.batchEnd
    const found = this.#find(this.#searched, reach, isLong)
    if (found.count === 0) {
      this.#searched = Math.max(this.position, reach - this.#cut.separator.length + 1)
      return reach === this.#end ? this.#last() : []
    }
    const items = isLong ? this.#one(this.#searched + (this.#ends[0] as number)) : this.#many(found)
    this.#searched = this.position
    if (this.position === this.#end && !this.#cut.keepLast) this.done = true
    return items
  }

  // Fills the array with the offsets of separators, counted from `from`: as many as fit, or the first.
  #find(from: number, to: number, isLong: boolean): ByteOffsets {
    const { separator } = this.#cut
    const pattern = this.#pattern
    const out = isLong ? this.#ends.subarray(0, 1) : this.#ends
    return this.#state.run((handle) => {
      if (pattern === undefined) return handle.byteOffsets(from, to - from, separator[0] as number, out)
      const count = handle.matchOffsets(pattern, from, to - from, out)
      return { count, isAscii: false, hasReturn: true }
    })
  }

  #many(found: ByteOffsets): T[] {
    const ends = this.#ends
    const offset = this.position
    const length = (ends[found.count - 1] as number) + this.#cut.separator.length
    this.position += length
    const bytes = (): Buffer => viewOrCopy(this.#state, offset, length)
    const latin1 = (): string => this.#state.run((handle) => handle.latin1(offset, length))
    const { count, isAscii, hasReturn } = found
    return this.#maker.many({ offset, ends, length, count, isAscii, hasReturn, bytes, latin1 }, this.#cut)
  }

  // A piece that ends at a separator.
  #one(end: number): T[] {
    const { separator, dropReturn, keepEnd } = this.#cut
    const offset = this.position
    this.position = end + separator.length
    if (keepEnd) return this.#maker.one(offset, this.position - offset, this.#read)
    const hasReturn = dropReturn && end > offset && readCopy(this.#state, end - 1, 1)[0] === RETURN
    return this.#maker.one(offset, end - offset - (hasReturn ? 1 : 0), this.#read)
  }

  #last(): T[] {
    const offset = this.position
    this.position = this.#end
    this.done = true
    return this.#maker.one(offset, this.#end - offset, this.#read)
  }
}
