/**
 * Decodes the bytes between delimiters into strings, Buffers or ranges. To make strings, a whole batch is decoded into one
 * string whose substrings are the items: no call for each item.
 */
import { constants as bufferConstants } from 'node:buffer'
import { withCode } from '../base/errors.js'
import { call, native } from '../base/native.js'
import { checkCount } from '../views/views.js'

/** How bytes become strings, as `Buffer.toString()` does it; `buffer`: not at all. */
export type LineEncoding = 'utf8' | 'latin1' | 'ascii' | 'buffer'

/** Every LineEncoding. */
export const ENCODINGS: readonly LineEncoding[] = ['utf8', 'latin1', 'ascii', 'buffer']

/** A range of bytes. */
export interface ByteRange {
  /** Its first byte, counted from the start of the mapping. */
  readonly offset: number
  /** In bytes. */
  readonly length: number
}

/** Many ranges of bytes: `offsets[i]` and `lengths[i]` belong together. */
export interface ByteRanges {
  /** The first byte of each, counted from the start of the mapping. */
  readonly offsets: Float64Array
  /** The length of each, in bytes. */
  readonly lengths: Float64Array
}

/** What delimits items, and which bytes belong to them. */
export interface DelimiterRules {
  readonly delimiter: Uint8Array
  /** Treat a carriage return before the delimiter as part of the delimiter. */
  readonly dropReturn: boolean
  /** Items include their delimiter. */
  readonly keepEnd: boolean
  /** The bytes after the last delimiter are an item even if there are none. */
  readonly keepEmptyLast: boolean
}

/** A run of bytes that ends with a delimiter, and the offsets of its delimiters. */
export interface DelimitedBatch {
  /** The first byte, counted from the start of the mapping. */
  readonly offset: number
  /** In bytes; includes the last delimiter. */
  readonly length: number
  /** How many delimiters there are. */
  readonly count: number
  /** The offsets of the delimiters, counted from `offset`: the first `count` elements. Overwritten for the next batch. */
  readonly ends: Uint32Array
  readonly isAscii: boolean
  /** Whether there may be a carriage return. */
  readonly hasReturn: boolean
  /** Returns the bytes. Call it only if nothing else will do: for a mapping it makes a view, which is expensive. */
  bytes(): Buffer
  /** Returns the bytes as a string of one character for each byte. */
  latin1(): string
}

/** Returns the end of an item from its start and the offset of its delimiter. */
type EndOf = (start: number, delimiterAt: number) => number

/** Reads a range. */
export type ReadBytes = (offset: number, length: number) => Buffer

/** Makes items of the bytes between delimiters. */
export interface ItemDecoder<T> {
  /** What the items are: strings made of the bytes, views of the bytes, or ranges, for which no byte is read. */
  readonly kind: 'strings' | 'views' | 'ranges'
  /** Bytes of a batch, at most `MAX_BATCH_SIZE`. */
  readonly batchSize: number
  /** Makes the items of a batch. */
  decodeBatch(batch: DelimitedBatch, rules: DelimiterRules): T[]
  /** Makes a single item of any length. Its bytes are read only if they are needed. */
  decodeOne(offset: number, length: number, read: ReadBytes): T[]
}

// The largest string of two-byte characters, including its header, that V8 keeps in its young generation. Strings of 128 KiB and
// more are allocated one by one elsewhere, which makes everything four times slower.
const TEXT_BATCH_SIZE = 2 ** 16 - 64

// Where no strings are made, larger batches are faster: two arrays are made for each batch, however few ranges they hold.
export const MAX_BATCH_SIZE = 2 ** 18

export const CARRIAGE_RETURN = 13

/** Returns the decoder of items, and that of batches if those are more than arrays of items. */
export function decodersFor(
  encoding: LineEncoding,
  offsets: boolean,
): { items: ItemDecoder<unknown>; batches: ItemDecoder<unknown> | undefined } {
  if (offsets) return { items: ranges, batches: rangeColumns }
  return { items: encoding === 'buffer' ? buffers : strings(encoding), batches: undefined }
}

/**
 * Decodes bytes that are in memory already. They end with a delimiter, which is a single byte, and are at most 2^18 bytes.
 * `offset` is the offset that they were read from.
 */
export function decodeBytes<T>(bytes: Buffer, offset: number, rules: DelimiterRules, decoder: ItemDecoder<T>): T[] {
  const delimiter = rules.delimiter[0] as number
  const ends = new Uint32Array(bytes.length)
  let count = 0
  for (let found = bytes.indexOf(delimiter); found !== -1; found = bytes.indexOf(delimiter, found + 1)) {
    ends[count++] = found
  }
  const batch = { offset, length: bytes.length, count, ends, isAscii: false, hasReturn: true }
  return decoder.decodeBatch({ ...batch, bytes: () => bytes, latin1: () => bytes.toString('latin1') }, rules)
}

/** Makes strings. */
function strings(encoding: Exclude<LineEncoding, 'buffer'>): ItemDecoder<string> {
  return {
    kind: 'strings',
    batchSize: TEXT_BATCH_SIZE,
    decodeBatch(batch, rules) {
      if (batch.isAscii || encoding === 'latin1') return splitByOffsets(batch.latin1(), batch, rules)
      const bytes = batch.bytes()
      // Decoding clears the highest bit: 0x8d becomes a carriage return in the string. Therefore the bytes are checked.
      if (encoding === 'ascii') return splitByOffsets(bytes.toString('ascii'), batch, rules, endInBytes(batch, rules))
      const text = bytes.toString('utf8')
      // No byte becomes more than one character. If there are as many characters as bytes, each is at the offset of its byte.
      if (text.length === batch.length) return splitByOffsets(text, batch, rules)
      if (rules.delimiter.every((byte) => byte < 0x80)) return splitBySearch(text, batch.count, rules)
      return rangesOf(batch, rules).map((range) => bytes.toString('utf8', range.offset, range.offset + range.length))
    },
    decodeOne(offset, length, read) {
      return [decodeString(offset, length, read, encoding)]
    },
  }
}

/** Makes Buffers: views, or copies where the runtime refuses views. */
const buffers: ItemDecoder<Buffer> = {
  kind: 'views',
  batchSize: TEXT_BATCH_SIZE,
  decodeBatch(batch, rules) {
    const bytes = batch.bytes()
    return rangesOf(batch, rules).map(({ offset, length }) => bytes.subarray(offset, offset + length))
  },
  decodeOne(offset, length, read) {
    checkCount(length, 'bytes')
    return [read(offset, length)]
  },
}

/** Makes a range for each item. */
const ranges: ItemDecoder<ByteRange> = {
  kind: 'ranges',
  batchSize: TEXT_BATCH_SIZE,
  decodeBatch(batch, rules) {
    return rangesOf(batch, rules).map(({ offset, length }) => ({ offset: batch.offset + offset, length }))
  },
  decodeOne(offset, length) {
    return [{ offset, length }]
  },
}

/** Makes two columns for each batch, of the offsets and lengths of its items. */
const rangeColumns: ItemDecoder<ByteRanges> = {
  kind: 'ranges',
  batchSize: MAX_BATCH_SIZE,
  decodeBatch(batch, rules) {
    const { offset, ends, count } = batch
    const { delimiter, keepEnd } = rules
    const columns = new Float64Array(count * 2)
    const bytes = mayEndWithReturn(batch, rules) ? batch.bytes() : undefined
    call(() => native.delimitedRanges(ends, count, offset, delimiter.length, keepEnd, bytes, columns))
    return [{ offsets: columns.subarray(0, count), lengths: columns.subarray(count) }]
  },
  decodeOne(offset, length) {
    return [{ offsets: Float64Array.of(offset), lengths: Float64Array.of(length) }]
  },
}

// For text in which each byte became one character.
function splitByOffsets(
  text: string,
  batch: DelimitedBatch,
  rules: DelimiterRules,
  endOf = itemEnd(batch, rules, (at) => text.charCodeAt(at)),
): string[] {
  const { ends, count } = batch
  const items = arrayOfLength<string>(count)
  const delimiterLength = rules.delimiter.length
  let start = 0
  for (let index = 0; index < count; index++) {
    const delimiterAt = ends[index] as number
    items[index] = text.substring(start, endOf === undefined ? delimiterAt : endOf(start, delimiterAt))
    start = delimiterAt + delimiterLength
  }
  return items
}

// For text in which some bytes share a character. The delimiter is ASCII, and no other bytes are decoded to ASCII characters.
function splitBySearch(text: string, count: number, { delimiter, dropReturn, keepEnd }: DelimiterRules): string[] {
  const mark = String.fromCharCode(...delimiter)
  const items = arrayOfLength<string>(count)
  let start = 0
  for (let index = 0; index < count; index++) {
    const found = text.indexOf(mark, start)
    const next = found + mark.length
    const hasReturn = dropReturn && found > start && text.charCodeAt(found - 1) === CARRIAGE_RETURN
    items[index] = text.substring(start, keepEnd ? next : found - (hasReturn ? 1 : 0))
    start = next
  }
  return items
}

// Offsets are counted from the start of the batch.
function rangesOf(batch: DelimitedBatch, rules: DelimiterRules): ByteRange[] {
  const { ends, count } = batch
  const items = arrayOfLength<ByteRange>(count)
  const endOf = endInBytes(batch, rules)
  const delimiterLength = rules.delimiter.length
  let start = 0
  for (let index = 0; index < count; index++) {
    const delimiterAt = ends[index] as number
    items[index] = {
      offset: start,
      length: (endOf === undefined ? delimiterAt : endOf(start, delimiterAt)) - start,
    }
    start = delimiterAt + delimiterLength
  }
  return items
}

// Setting the length first takes a third of the time that growing the array item by item takes.
function arrayOfLength<T>(length: number): T[] {
  const items: T[] = []
  items.length = length
  return items
}

function endInBytes(batch: DelimitedBatch, rules: DelimiterRules): EndOf | undefined {
  let bytes: Buffer | undefined
  return itemEnd(batch, rules, (at) => (bytes ??= batch.bytes())[at])
}

// Returns a function that finds the end of an item. Returns undefined if every item ends at its delimiter, as lines do where
// there are no carriage returns: then no byte needs to be read.
function itemEnd(
  batch: DelimitedBatch,
  rules: DelimiterRules,
  byteAt: (at: number) => number | undefined,
): EndOf | undefined {
  const delimiterLength = rules.delimiter.length
  if (rules.keepEnd) return (_, delimiterAt) => delimiterAt + delimiterLength
  if (!mayEndWithReturn(batch, rules)) return undefined
  return (start, delimiterAt) =>
    delimiterAt > start && byteAt(delimiterAt - 1) === CARRIAGE_RETURN ? delimiterAt - 1 : delimiterAt
}

function mayEndWithReturn({ hasReturn }: DelimitedBatch, { dropReturn, keepEnd }: DelimiterRules): boolean {
  return hasReturn && dropReturn && !keepEnd
}

function decodeString(
  offset: number,
  length: number,
  read: ReadBytes,
  encoding: Exclude<LineEncoding, 'buffer'>,
): string {
  try {
    checkCount(length, 'bytes')
    return read(offset, length).toString(encoding)
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'ERR_STRING_TOO_LONG' && code !== 'ERR_MEMMAP_VIEW_TOO_LARGE') throw error
    const text = `The ${length} bytes at offset ${offset} do not fit in a string, which holds at most ${bufferConstants.MAX_STRING_LENGTH} characters; use Buffers (encoding: 'buffer') or ranges (offsets: true)`
    throw withCode(new Error(text), 'ERR_STRING_TOO_LONG')
  }
}
