/**
 * Cuts the bytes of a part at its separators, and makes something of each piece. The whole part becomes one string, of which
 * the pieces are substrings: no call for each piece.
 */
import { constants as bufferConstants } from 'node:buffer'
import { withCode } from '../base/errors.js'
import { call, native } from '../base/native.js'
import { checkCount } from '../views/views.js'

/** How bytes become strings, as `Buffer.toString()` does it; `buffer`: not at all. */
export type LineEncoding = 'utf8' | 'latin1' | 'ascii' | 'buffer'

/** Every LineEncoding. */
export const ENCODINGS: readonly LineEncoding[] = ['utf8', 'latin1', 'ascii', 'buffer']

/** Where a piece is. */
export interface ByteRange {
  /** Where it begins, in bytes from the start of the mapping. */
  readonly offset: number
  /** In bytes. */
  readonly length: number
}

/** Where many pieces are: `offsets[i]` and `lengths[i]` belong together. */
export interface ByteRanges {
  readonly offsets: Float64Array
  readonly lengths: Float64Array
}

/** What separates pieces, and what is made of them. */
export interface Cut {
  readonly separator: Uint8Array
  /** Take a carriage return before the separator for a part of it. */
  readonly dropReturn: boolean
  /** The separator stays at the end of its piece. */
  readonly keepEnd: boolean
  /** What follows the last separator is a piece even if it is empty. */
  readonly keepLast: boolean
}

/** Where the pieces of a part end, and how they are made. Offsets are counted from the start of the part. */
export interface Part {
  readonly offset: number
  /** Where the separators begin: the first `count` entries. The array is filled anew for the next part. */
  readonly ends: Uint32Array
  /** Where the last separator ends. */
  readonly length: number
  readonly count: number
  readonly isAscii: boolean
  /** Whether there may be a carriage return in it. */
  readonly hasReturn: boolean
  /** The bytes up to `length`. Asked for only where nothing else will do: of a mapping they are a view, and making one costs. */
  bytes(): Buffer
  /** The same as a string, with a character for each byte. */
  latin1(): string
}

type Ending = (start: number, place: number) => number

/** Reads some bytes. */
export type Read = (offset: number, length: number) => Buffer

/** Makes items of pieces. */
export interface Maker<T> {
  /** Whether the items are made of the bytes, are views of them, or are places alone. */
  readonly of: 'bytes' | 'views' | 'places'
  /** Bytes of a part, at most `MOST`. */
  readonly size: number
  /** The pieces of a part. */
  many(part: Part, cut: Cut): T[]
  /** A piece by itself, of any length, of which the bytes are read only if they are wanted. */
  one(offset: number, length: number, read: Read): T[]
}

// As much as V8 keeps in its young generation as one string of two-byte characters, its head included: strings of 128 KiB and
// more are allocated apart, one by one, which makes everything four times slower.
const TEXT_PART = 2 ** 16 - 64

// Where no strings are made larger parts are quicker: two arrays are made for each, however few places are in them.
export const MOST = 2 ** 18

export const RETURN = 13

/** What makes the items, and the batches where they are more than arrays of items. */
export function makersOf(
  encoding: LineEncoding,
  offsets: boolean,
): { items: Maker<unknown>; batches: Maker<unknown> | undefined } {
  if (offsets) return { items: extents, batches: columns }
  return { items: encoding === 'buffer' ? buffers : strings(encoding), batches: undefined }
}

/**
 * Makes the pieces of bytes that end with a separator of one byte, and are no more than 2^18. `offset` is where the bytes came
 * from.
 */
export function cutBytes<T>(bytes: Buffer, offset: number, cut: Cut, maker: Maker<T>): T[] {
  const separator = cut.separator[0] as number
  const ends = new Uint32Array(bytes.length)
  let count = 0
  for (let found = bytes.indexOf(separator); found !== -1; found = bytes.indexOf(separator, found + 1)) {
    ends[count++] = found
  }
  const part = { offset, ends, length: bytes.length, count, isAscii: false, hasReturn: true }
  return maker.many({ ...part, bytes: () => bytes, latin1: () => bytes.toString('latin1') }, cut)
}

/** Makes strings. */
function strings(encoding: Exclude<LineEncoding, 'buffer'>): Maker<string> {
  return {
    of: 'bytes',
    size: TEXT_PART,
    many(part, cut) {
      if (part.isAscii || encoding === 'latin1') return cutString(part.latin1(), part, cut)
      const bytes = part.bytes()
      // It takes the byte 0x8d for a carriage return, which it is not.
      if (encoding === 'ascii') return cutString(bytes.toString('ascii'), part, cut, endingsIn(part, cut))
      const text = bytes.toString('utf8')
      // No byte makes more than one character: as many of them as bytes, and each has its byte's place.
      if (text.length === part.length) return cutString(text, part, cut)
      if (cut.separator.every((byte) => byte < 0x80)) return searchString(text, part.count, cut)
      return extentsOf(part, cut).map((extent) => bytes.toString('utf8', extent.offset, extent.offset + extent.length))
    },
    one(offset, length, read) {
      return [decode(offset, length, read, encoding)]
    },
  }
}

/** Makes Buffers: views, except where the runtime refuses them. */
const buffers: Maker<Buffer> = {
  of: 'views',
  size: TEXT_PART,
  many(part, cut) {
    const bytes = part.bytes()
    return extentsOf(part, cut).map(({ offset, length }) => bytes.subarray(offset, offset + length))
  },
  one(offset, length, read) {
    checkCount(length, 'bytes')
    return [read(offset, length)]
  },
}

/** Says where the pieces are. */
const extents: Maker<ByteRange> = {
  of: 'places',
  size: TEXT_PART,
  many(part, cut) {
    return extentsOf(part, cut).map(({ offset, length }) => ({ offset: part.offset + offset, length }))
  },
  one(offset, length) {
    return [{ offset, length }]
  },
}

/** The same in columns, of which one is for a whole part. */
const columns: Maker<ByteRanges> = {
  of: 'places',
  size: MOST,
  many(part, cut) {
    const { offset, ends, count } = part
    const { separator, keepEnd } = cut
    const both = new Float64Array(count * 2)
    const bytes = hasReturns(part, cut) ? part.bytes() : undefined
    call(() => native.delimitedRanges(ends, count, offset, separator.length, keepEnd, bytes, both))
    return [{ offsets: both.subarray(0, count), lengths: both.subarray(count) }]
  },
  one(offset, length) {
    return [{ offsets: Float64Array.of(offset), lengths: Float64Array.of(length) }]
  },
}

// Where each byte is one character.
function cutString(
  text: string,
  part: Part,
  cut: Cut,
  end = endings(part, cut, (place) => text.charCodeAt(place)),
): string[] {
  const { ends, count } = part
  const items = arrayOf<string>(count)
  const width = cut.separator.length
  let start = 0
  for (let index = 0; index < count; index++) {
    const place = ends[index] as number
    items[index] = text.substring(start, end === undefined ? place : end(start, place))
    start = place + width
  }
  return items
}

// Where characters are longer than bytes. The separator is ASCII, which nothing else is decoded to.
function searchString(text: string, count: number, { separator, dropReturn, keepEnd }: Cut): string[] {
  const mark = String.fromCharCode(...separator)
  const items = arrayOf<string>(count)
  let start = 0
  for (let index = 0; index < count; index++) {
    const found = text.indexOf(mark, start)
    const next = found + mark.length
    const hasReturn = dropReturn && found > start && text.charCodeAt(found - 1) === RETURN
    items[index] = text.substring(start, keepEnd ? next : found - (hasReturn ? 1 : 0))
    start = next
  }
  return items
}

function extentsOf(part: Part, cut: Cut): ByteRange[] {
  const { ends, count } = part
  const items = arrayOf<ByteRange>(count)
  const end = endingsIn(part, cut)
  const width = cut.separator.length
  let start = 0
  for (let index = 0; index < count; index++) {
    const place = ends[index] as number
    items[index] = { offset: start, length: (end === undefined ? place : end(start, place)) - start }
    start = place + width
  }
  return items
}

// Room for all at once is made in a third of the time.
function arrayOf<T>(length: number): T[] {
  const items: T[] = []
  items.length = length
  return items
}

function endingsIn(part: Part, cut: Cut): Ending | undefined {
  let bytes: Buffer | undefined
  return endings(part, cut, (place) => (bytes ??= part.bytes())[place])
}

// Says where a piece ends, that begins at `start` and has its separator at `place`. Nothing if all end there, as lines do
// where there are no carriage returns: then no byte need be looked at.
function endings(part: Part, cut: Cut, byteAt: (place: number) => number | undefined): Ending | undefined {
  const width = cut.separator.length
  if (cut.keepEnd) return (_, place) => place + width
  if (!hasReturns(part, cut)) return undefined
  return (start, place) => (place > start && byteAt(place - 1) === RETURN ? place - 1 : place)
}

function hasReturns({ hasReturn }: Part, { dropReturn, keepEnd }: Cut): boolean {
  return hasReturn && dropReturn && !keepEnd
}

function decode(offset: number, length: number, read: Read, encoding: Exclude<LineEncoding, 'buffer'>): string {
  try {
    checkCount(length, 'bytes')
    return read(offset, length).toString(encoding)
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'ERR_STRING_TOO_LONG' && code !== 'ERR_MEMMAP_VIEW_TOO_LARGE') throw error
    const text = `The ${length} bytes at offset ${offset} are more than a string can hold, which is ${bufferConstants.MAX_STRING_LENGTH} characters; take Buffers (encoding: 'buffer') or places (offsets: true)`
    throw withCode(new Error(text), 'ERR_STRING_TOO_LONG')
  }
}
