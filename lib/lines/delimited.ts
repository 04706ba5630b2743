/**
 * Items between delimiters: lines and splits. The native half finds the delimiters of a batch in one call, and `decode.ts` makes
 * items of the bytes between them.
 *
 *     position                    after the last delimiter          batchEnd
 *       |-- item --|;|-- item --|;|-- rest, belongs to the next batch --|
 *
 * If an item is longer than a batch, its end is searched in larger steps, and the item is decoded on its own.
 */
import { type ByteOffsets, native, type NativePattern } from '../base/native.js'
import { parseBoolean, parseWord } from '../base/validate.js'
import { type BatchReader, makeIterable, type MappedIterable } from '../iterate/iterable.js'
import { ITERATE_OPTIONS, type IterateOptions, type IterationRange } from '../iterate/range-options.js'
import type { MappingState } from '../state/mapping-state.js'
import { readCopy } from '../views/copy.js'
import { viewOrCopy } from '../views/view-or-copy.js'
import {
  type ByteRange,
  type ByteRanges,
  CARRIAGE_RETURN,
  decodersFor,
  type DelimiterRules,
  ENCODINGS,
  type ItemDecoder,
  type LineEncoding,
  MAX_BATCH_SIZE,
  type ReadBytes,
} from './decode.js'

/** Options of iterables over items between delimiters. */
export interface DelimitedOptions extends IterateOptions {
  /** Keep the delimiter at the end of each item. @default false */
  readonly keepEnd?: boolean | undefined
}

/** Options for items as strings. */
export interface StringOptions {
  /** How bytes are decoded. @default 'utf8' */
  readonly encoding?: 'utf8' | 'latin1' | 'ascii' | undefined
  /** Yield the items themselves. @default false */
  readonly offsets?: false | undefined
}

/** Options for items as Buffers: views, or copies where the runtime refuses views. */
export interface BufferOptions {
  readonly encoding: 'buffer'
  /** Yield the items themselves. @default false */
  readonly offsets?: false | undefined
}

/** Options for the ranges of items. */
export interface RangeItemOptions {
  /** The encoding of a delimiter that is given as a string. The items are not decoded. @default 'utf8' */
  readonly encoding?: LineEncoding | undefined
  /** Yield the ranges of the items. */
  readonly offsets: true
}

/** Options that choose what is yielded. */
export type ItemOptions = StringOptions | BufferOptions | RangeItemOptions

/** What is yielded, depending on the options. */
export type DelimitedIterable = MappedIterable<string> | MappedIterable<Buffer> | MappedIterable<ByteRange, ByteRanges>

/** The names of the options of `DelimitedOptions` and `ItemOptions`. */
export const DELIMITED_OPTIONS = ['encoding', 'keepEnd', 'offsets', ...ITERATE_OPTIONS]

/** Parses the options that choose what is yielded. */
export function parseItemOptions({ encoding, keepEnd, offsets }: DelimitedOptions & ItemOptions): {
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

/** Makes an iterable over the items of a range. */
export function delimited(
  range: IterationRange,
  rules: DelimiterRules,
  encoding: LineEncoding,
  offsets: boolean,
): DelimitedIterable {
  const { items, batches } = decodersFor(encoding, offsets)
  const readBy = (decoder: ItemDecoder<unknown>) => () => new DelimitedReader(range, rules, decoder)
  const iterable =
    batches === undefined ? makeIterable(range, readBy(items)) : makeIterable(range, readBy(items), readBy(batches))
  return iterable as DelimitedIterable
}

// The end of an item that is longer than a batch is searched in steps of 16 batches.
const BATCHES_PER_STEP = 16

// A view costs as much as ten strings. More views at once would block the event loop.
const MAX_VIEWS = 2 ** 12

// Holds the offsets of the delimiters of one batch. All readers of the thread share it: a batch is made in one synchronous step,
// and an array for each reader costs more than the first items of an iteration.
const ENDS = new Uint32Array(MAX_BATCH_SIZE)
const VIEW_ENDS = ENDS.subarray(0, MAX_VIEWS)
const FIRST_END = ENDS.subarray(0, 1)

/** Makes the items of a range. */
export class DelimitedReader<T> implements BatchReader<T> {
  readonly readsBytes = true
  readonly yieldsViews: boolean
  position: number
  done: boolean
  readonly #state: MappingState
  readonly #end: number
  readonly #rules: DelimiterRules
  readonly #decoder: ItemDecoder<T>
  readonly #pattern: NativePattern | undefined
  readonly #read: ReadBytes
  // There is no delimiter between `position` and this offset.
  #searched: number

  constructor({ state, start, end }: IterationRange, rules: DelimiterRules, decoder: ItemDecoder<T>) {
    this.position = this.#searched = start
    this.done = start === end && !rules.keepEmptyLast
    this.#state = state
    this.#end = end
    this.#rules = rules
    this.#decoder = decoder
    this.yieldsViews = decoder.kind === 'views'
    // Making a view for a single item is expensive. A string of at most a batch is made of a copy instead.
    const isCopied = decoder.kind === 'strings'
    this.#read = (offset, length) =>
      isCopied && length <= MAX_BATCH_SIZE ? readCopy(state, offset, length) : viewOrCopy(state, offset, length)
    this.#pattern = rules.delimiter.length === 1 ? undefined : native.patternOfNeedles([rules.delimiter])
  }

  get batchEnd(): number {
    const batches = this.#searched > this.position ? BATCHES_PER_STEP : 1
    return Math.min(this.#searched + this.#decoder.batchSize * batches + this.#rules.delimiter.length - 1, this.#end)
  }

  readBatch(): T[] {
    const isLong = this.#searched > this.position
    const { batchEnd } = this
    const found = this.#find(this.#searched, batchEnd, isLong)
    if (found.count === 0) {
      this.#searched = Math.max(this.position, batchEnd - this.#rules.delimiter.length + 1)
      return batchEnd === this.#end ? this.#decodeLast() : []
    }
    const items = isLong ? this.#decodeLong(this.#searched + (ENDS[0] as number)) : this.#decodeBatch(found)
    this.#searched = this.position
    if (this.position === this.#end && !this.#rules.keepEmptyLast) this.done = true
    return items
  }

  // Fills `ENDS` with the offsets of delimiters, counted from `from`: as many as fit, or only the first if `isLong`.
  #find(from: number, to: number, isLong: boolean): ByteOffsets {
    const { delimiter } = this.#rules
    const pattern = this.#pattern
    const out = isLong ? FIRST_END : this.yieldsViews ? VIEW_ENDS : ENDS
    return this.#state.run((handle) => {
      if (pattern === undefined) return handle.byteOffsets(from, to - from, delimiter[0] as number, out)
      const count = handle.matchOffsets(pattern, from, to - from, out)
      return { count, isAscii: false, hasReturn: true }
    })
  }

  #decodeBatch({ count, isAscii, hasReturn }: ByteOffsets): T[] {
    const offset = this.position
    const length = (ENDS[count - 1] as number) + this.#rules.delimiter.length
    this.position += length
    const bytes = (): Buffer => viewOrCopy(this.#state, offset, length)
    const latin1 = (): string => this.#state.run((handle) => handle.latin1(offset, length))
    return this.#decoder.decodeBatch(
      { offset, length, count, ends: ENDS, isAscii, hasReturn, bytes, latin1 },
      this.#rules,
    )
  }

  // Decodes an item that is longer than a batch and has its delimiter at this offset.
  #decodeLong(delimiterAt: number): T[] {
    const { delimiter, dropReturn, keepEnd } = this.#rules
    const offset = this.position
    this.position = delimiterAt + delimiter.length
    if (keepEnd) return this.#decoder.decodeOne(offset, this.position - offset, this.#read)
    const hasReturn =
      dropReturn && delimiterAt > offset && readCopy(this.#state, delimiterAt - 1, 1)[0] === CARRIAGE_RETURN
    return this.#decoder.decodeOne(offset, delimiterAt - offset - (hasReturn ? 1 : 0), this.#read)
  }

  // Decodes the bytes after the last delimiter.
  #decodeLast(): T[] {
    const offset = this.position
    this.position = this.#end
    this.done = true
    return this.#decoder.decodeOne(offset, this.#end - offset, this.#read)
  }
}
