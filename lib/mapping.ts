/**
 * The object that a user opens and closes: memory (see `memory.ts`), and the ways to go through it. Each method has its work
 * done in the module of its topic; what they promise is written here.
 */
import type { ReadableStream } from 'node:stream/web'
import type { Target } from './views/copy.js'
import type { ByteRange, ByteRanges } from './lines/decode.js'
import { type LineIndex, lineIndex } from './lines/line-index.js'
import { type Matches, matches, type MatchesSync, matchesSync } from './search/matches.js'
import { prefetch, type PrefetchOptions } from './residency/prefetch.js'
import { gather, type Offsets } from './views/gather.js'
import {
  count,
  countSync,
  includes,
  includesSync,
  indexOf,
  indexOfSync,
  lastIndexOf,
  lastIndexOfSync,
  type Needle,
  type SearchOptions,
  type SearchSyncOptions,
} from './search/search.js'
import type { Bytes, Range } from './base/validate.js'
import type { MappedIterable } from './iterate/iterable.js'
import { type LineOptions, lines } from './lines/lines.js'
import { stateOf } from './memory.js'
import { Pages } from './pages.js'
import type {
  BufferOptions,
  RangeItemOptions,
  Pieced,
  DelimitedOptions,
  StringOptions,
  YieldOptions,
} from './lines/delimited.js'
import { createReadStream, type ReadStream, type ReadStreamOptions } from './streams/read-stream.js'
import { readableStream, type WebStreamOptions } from './streams/web-stream.js'
import { type RecordOptions, records } from './iterate/records.js'
import { split } from './lines/split.js'
import { type ChunkOptions, chunks, type Window, type WindowOptions, windows } from './iterate/windows.js'
import { createWriteStream, type WriteStream, type WriteStreamOptions } from './streams/write-stream.js'

/**
 * A range of a file, or anonymous memory, as part of this process's memory. `mmap`, `mmapSync` and `mmapAnonymous` make it.
 *
 * Offsets are counted from the start of the mapping, not of the file; they and lengths are bytes, as numbers or bigints. A
 * range that does not lie within the mapping is a `RangeError` with code `ERR_OUT_OF_RANGE`; a wrong type is a `TypeError`
 * with code `ERR_INVALID_ARG_TYPE`. Nothing is clamped, but for the ends of streams, which are as those of `fs`.
 *
 * Every method, except the ones that close it, throws `ERR_MEMMAP_CLOSED` once it is closed, and `ERR_MEMMAP_FAULT` once the
 * system could not deliver one of its pages, which only `refresh()` can mend. The properties can always be read.
 *
 * @see https://man7.org/linux/man-pages/man2/mmap.2.html
 */
export class Mapping extends Pages {
  /**
   * Walks through a range by windows, which may overlap; with `for` or `for await`, more than once if wanted, and by
   * `batches()`, arrays of windows, where they are small.
   *
   * The last window is the first one that reaches the end of the range, and may be shorter. With `for await` what is not in
   * memory is brought in by threads of this library, ahead of the loop, and the event loop has its turn every few
   * milliseconds; `for` waits for each page that it touches. With `dropBehind` no more than about 100 MiB and the window in
   * hand stay in memory.
   *
   * Between two steps nothing is held: closing the mapping inside the loop works, empties the windows given so far, and makes
   * the next step fail with `ERR_MEMMAP_CLOSED`. Where the runtime refuses views of foreign memory the windows are copies.
   *
   * @throws `ERR_OUT_OF_RANGE` when `size` is not 1 to 2^31 - 1, or `overlap` not less than `size`;
   *   `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`. A step fails with `ERR_MEMMAP_CLOSED`, `ERR_MEMMAP_FAULT`, the signal's
   *   reason, or `ERR_OUT_OF_RANGE` where the mapping was made shorter meanwhile
   * @see https://tc39.es/ecma262/#sec-asynciterable-interface
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(10)
   * const found = [...memory.windows({ size: 4, overlap: 1 })]
   * assert.deepEqual(found.map((window) => window.offset), [0, 3, 6])
   * assert.deepEqual(found.map((window) => window.view.length), [4, 4, 4])
   * memory.closeSync()
   * ```
   */
  windows(options?: WindowOptions): MappedIterable<Window> {
    return windows(stateOf(this), options)
  }

  /**
   * Walks through a range by Buffers that follow one another; the same rules as for `windows()`.
   *
   * @throws `ERR_OUT_OF_RANGE` when `size` is not 1 to 2^31 - 1; the rest as `windows()`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { createHash } from 'node:crypto'
   * import { writeFileSync } from 'node:fs'
   * import { mmapSync } from 'memmap'
   *
   * writeFileSync('hello.txt', 'hello world')
   * const mapping = mmapSync('hello.txt')
   * const hash = createHash('sha256')
   * for (const chunk of mapping.chunks({ size: 4 })) hash.update(chunk)
   * assert.equal(hash.digest('hex').slice(0, 8), 'b94d27b9')
   * mapping.closeSync()
   * ```
   */
  chunks(options?: ChunkOptions): MappedIterable<Buffer> {
    return chunks(stateOf(this), options)
  }

  /**
   * Walks through the lines of a range; the same rules as for `windows()`. A line ends in `\n` or `\r\n`; a `\r` alone ends
   * none. What follows the last end is a line if it is not empty, so that an empty file has no lines.
   *
   * `batches()` gives arrays of lines: `for await` over it is about as quick as `for`, and three times as quick as
   * `for await` over single lines. Strings are made exactly as `Buffer.toString()` makes them of each line, a byte order
   * mark included. A string that is kept may keep the 64 KiB alive of which it was a part.
   *
   * With `encoding: 'buffer'` lines are views. With `offsets: true` only the places of the lines are given, counted from the
   * start of the mapping, in batches as two arrays of numbers: no string is made, and a line may be of any length.
   *
   * With `follow: true` it goes on at the end as `tail -F` does, and never ends by itself: it waits for what is appended,
   * begins again where the file is cut or another one takes its name, and waits while there is none of that name. It reads
   * the file by its path, not by this mapping, which keeps its length; Buffers are copies then, and offsets are those in the
   * file that has the name at the time. A line that has no end yet is held back until it has, or until its file is cut or
   * replaced. What can't be read for a while, for want of rights or since it is no file, is waited out. A symbolic link on the
   * way is followed to where it points at the time; a directory further up that gets another name is not noticed. Only
   * `for await` can do this, and only for a mapping that begins at the start of a file that has a path;
   * `offset: mapping.length` leaves out what is there already. `dropBehind` says nothing of what is read, and is refused.
   *
   * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_UNSUPPORTED` for `follow` without a
   *   path or with `for`. A step fails with `ERR_STRING_TOO_LONG` or `ERR_MEMMAP_VIEW_TOO_LARGE` at a line that is too long,
   *   with `ERR_MEMMAP_CLOSED`, `ERR_MEMMAP_FAULT`, the signal's reason, or `ERR_OUT_OF_RANGE` where the mapping was made shorter
   *   meanwhile
   * @see https://man7.org/linux/man-pages/man1/tail.1.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFileSync } from 'node:fs'
   * import { mmap } from 'memmap'
   *
   * writeFileSync('poem.txt', 'roses\r\nviolets\n\nsugar')
   * const mapping = await mmap('poem.txt')
   * const all = []
   * for await (const lines of mapping.lines().batches()) all.push(...lines)
   * assert.deepEqual(all, ['roses', 'violets', '', 'sugar'])
   * const [, second] = mapping.lines({ offsets: true })
   * assert.deepEqual(second, { offset: 7, length: 7 })
   * await mapping.close()
   * ```
   */
  lines(options?: LineOptions & StringOptions): MappedIterable<string>
  lines(options: LineOptions & BufferOptions): MappedIterable<Buffer>
  lines(options: LineOptions & RangeItemOptions): MappedIterable<ByteRange, ByteRanges>
  lines(options?: LineOptions & YieldOptions): Pieced {
    return lines(stateOf(this), options)
  }

  /**
   * Walks through what lies between separators; the same rules and options as for `lines()`. The pieces are those that
   * `String.split` gives: one more than there are separators, so that a range that ends in one has an empty piece at its
   * end, and an empty range is one empty piece.
   *
   * @param separator bytes, or a string that stands for its bytes in the encoding asked for, UTF-8 with 'buffer'; not empty
   * @throws `ERR_INVALID_ARG_VALUE` for an empty separator; the rest as `lines()`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFileSync } from 'node:fs'
   * import { mmapSync } from 'memmap'
   *
   * writeFileSync('list.txt', 'one, two, three')
   * const mapping = mmapSync('list.txt')
   * assert.deepEqual([...mapping.split(', ')], ['one', 'two', 'three'])
   * mapping.closeSync()
   * ```
   */
  split(separator: string | Uint8Array, options?: DelimitedOptions & StringOptions): MappedIterable<string>
  split(separator: string | Uint8Array, options: DelimitedOptions & BufferOptions): MappedIterable<Buffer>
  split(
    separator: string | Uint8Array,
    options: DelimitedOptions & RangeItemOptions,
  ): MappedIterable<ByteRange, ByteRanges>
  split(separator: string | Uint8Array, options?: DelimitedOptions & YieldOptions): Pieced {
    return split(stateOf(this), separator, options)
  }

  /**
   * Walks through a range by Buffers of `size` bytes; the same rules as for `windows()`. A rest that is no whole record is
   * refused at once, unless `partial` is true, which yields it at the end.
   *
   * @param size bytes, 1 to 2^31 - 1
   * @throws `ERR_OUT_OF_RANGE` also when the range is not a whole number of records; the rest as `windows()`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(96)
   * memory.dataView().setUint32(64, 7)
   * let sum = 0
   * for (const records of memory.records(32).batches()) {
   *   for (const record of records) sum += record.readUInt32BE(0)
   * }
   * assert.equal(sum, 7)
   * memory.closeSync()
   * ```
   */
  records(size: Bytes, options?: RecordOptions): MappedIterable<Buffer> {
    return records(stateOf(this), size, options)
  }

  /**
   * Makes a stream that reads a range, with the names and the rules of `fs.createReadStream`. Its chunks are views, in memory
   * before they are handed out; where the runtime refuses views, or with an `encoding`, they are copies.
   *
   * A chunk stays valid until the mapping is closed. Closing it destroys the stream with `ERR_MEMMAP_CLOSED`: what a socket
   * still has to send is then lost, so wait for the pipeline first. Until it has ended or is destroyed it is a pin.
   *
   * @param options or the name of an encoding
   * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, as `fs` does. The stream errors with
   *   `ERR_MEMMAP_FAULT` when a page can't be delivered or the file has become shorter, with `ERR_MEMMAP_CLOSED`, and with
   *   an `AbortError`
   * @see https://nodejs.org/api/fs.html#fscreatereadstreampath-options
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { createWriteStream, readFileSync, writeFileSync } from 'node:fs'
   * import { pipeline } from 'node:stream/promises'
   * import { mmap } from 'memmap'
   *
   * writeFileSync('hello.txt', 'hello world')
   * const mapping = await mmap('hello.txt')
   * await pipeline(mapping.createReadStream({ start: 6 }), createWriteStream('world.txt'))
   * await mapping.close()
   * assert.equal(readFileSync('world.txt', 'utf8'), 'world')
   * ```
   */
  createReadStream(options?: ReadStreamOptions | BufferEncoding | null): ReadStream {
    return createReadStream(stateOf(this), options)
  }

  /**
   * Makes a stream that copies what it gets into the mapping, with the names and the rules of `fs.createWriteStream`. The
   * mapping does not grow: a chunk that does not fit is an error, and nothing of it is written.
   *
   * Closing the mapping destroys the stream with `ERR_MEMMAP_CLOSED`. Until it has finished or is destroyed it is a pin.
   *
   * @param options or the name of an encoding
   * @throws `ERR_MEMMAP_READ_ONLY`; `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, as `fs` does. The
   *   stream errors with `ERR_OUT_OF_RANGE` at the end of the mapping, with `ERR_MEMMAP_FAULT` when a page can't be delivered
   *   or the disk is full, with `ERR_MEMMAP_CLOSED`, and with an `AbortError`
   * @see https://nodejs.org/api/fs.html#fscreatewritestreampath-options
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { readFileSync, writeFileSync } from 'node:fs'
   * import { pipeline } from 'node:stream/promises'
   * import { mmap } from 'memmap'
   *
   * writeFileSync('hello.txt', 'hello world')
   * const mapping = await mmap('hello.txt', { mode: 'r+' })
   * await pipeline(['mun', 'do'], mapping.createWriteStream({ start: 6 }))
   * await mapping.close()
   * assert.equal(readFileSync('hello.txt', 'utf8'), 'hello mundo')
   * ```
   */
  createWriteStream(options?: WriteStreamOptions | BufferEncoding | null): WriteStream {
    return createWriteStream(stateOf(this), options)
  }

  /**
   * Makes a web stream of bytes that reads a range. A reader that brings its own buffer (`{ mode: 'byob' }`) has the bytes
   * copied into that; any other gets copies of up to 1 MiB. Nothing of the mapping itself is ever given away.
   *
   * Closing the mapping makes the stream error with `ERR_MEMMAP_CLOSED`. Until it has ended or is cancelled it is a pin.
   *
   * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`. The stream errors with `ERR_MEMMAP_FAULT` when a
   *   page can't be delivered or the file has become shorter, with `ERR_MEMMAP_CLOSED`, and with the signal's reason
   * @see https://streams.spec.whatwg.org/#rbs-class
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFileSync } from 'node:fs'
   * import { mmap } from 'memmap'
   *
   * writeFileSync('hello.txt', 'hello world')
   * const mapping = await mmap('hello.txt')
   * assert.equal(await new Response(mapping.readableStream({ end: 4 })).text(), 'hello')
   * await mapping.close()
   * ```
   */
  readableStream(options?: WebStreamOptions): ReadableStream<Uint8Array> {
    return readableStream(stateOf(this), options)
  }

  /**
   * Finds the first place of a needle, on other threads.
   *
   * A string stands for its UTF-8 bytes. Of a list any needle counts. An empty string is found at the start of the range. A
   * RegExp finds in bytes what it would find in the text that they are the UTF-8 of; `Needle` says what is different. The range
   * is all that it sees: `^` is the start of that.
   *
   * @param needle a string, a Buffer or other Uint8Array, a list of these, or a RegExp
   * @returns the offset of its first byte, counted from the start of the mapping, or -1
   * @throws `ERR_INVALID_ARG_VALUE` for an empty list, an empty needle in a list of several, or an expression that can't be
   *   searched for; `ERR_INVALID_ARG_TYPE`; `ERR_OUT_OF_RANGE`; `ERR_MEMMAP_CLOSED`, also when it is closed meanwhile;
   *   `ERR_MEMMAP_FAULT`; the reason of the signal. All as rejections
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFileSync } from 'node:fs'
   * import { mmap } from 'memmap'
   *
   * writeFileSync('log.txt', 'info: up\nerror: disk full\n')
   * const mapping = await mmap('log.txt')
   * assert.equal(await mapping.indexOf('error'), 9)
   * assert.equal(await mapping.indexOf(/\bfull$/m), 21)
   * assert.equal(await mapping.indexOf(['warning', 'fatal']), -1)
   * await mapping.close()
   * ```
   */
  indexOf(needle: Needle, options?: SearchOptions): Promise<number> {
    return indexOf(stateOf(this), needle, options)
  }

  /**
   * Finds the first place of a needle, and keeps this thread waiting for it; otherwise the same as `indexOf()`, throwing what that
   * rejects with.
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(100)
   * memory.write('needle', 50)
   * assert.equal(memory.indexOfSync('needle'), 50)
   * assert.equal(memory.indexOfSync(Buffer.from('dle'), { offset: 54 }), -1)
   * memory.closeSync()
   * ```
   */
  indexOfSync(needle: Needle, options?: SearchSyncOptions): number {
    return indexOfSync(stateOf(this), needle, options)
  }

  /**
   * Finds the last place of a needle, on other threads; otherwise the same as `indexOf()`. It may overlap another, as that of
   * `Buffer.lastIndexOf` may. An empty string is found at the end of the range. Of a RegExp it is the last of its matches, as
   * `matches()` gives them.
   *
   * @returns the offset of its first byte, counted from the start of the mapping, or -1
   * @throws as `indexOf()`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(5)
   * memory.write('ababa')
   * assert.equal(await memory.lastIndexOf('aba'), 2)
   * assert.equal(await memory.lastIndexOf('aba', { length: 4 }), 0)
   * await memory.close()
   * ```
   */
  lastIndexOf(needle: Needle, options?: SearchOptions): Promise<number> {
    return lastIndexOf(stateOf(this), needle, options)
  }

  /**
   * Finds the last place of a needle, and keeps this thread waiting for it; otherwise the same as `lastIndexOf()`.
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(12)
   * memory.write('one two one ')
   * assert.equal(memory.lastIndexOfSync('one'), 8)
   * memory.closeSync()
   * ```
   */
  lastIndexOfSync(needle: Needle, options?: SearchSyncOptions): number {
    return lastIndexOfSync(stateOf(this), needle, options)
  }

  /**
   * Says whether a needle is there; otherwise the same as `indexOf()`.
   *
   * @throws as `indexOf()`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(12)
   * memory.write('one two one ')
   * assert(await memory.includes('two'))
   * assert(!(await memory.includes('two', { offset: 5 })))
   * await memory.close()
   * ```
   */
  includes(needle: Needle, options?: SearchOptions): Promise<boolean> {
    return includes(stateOf(this), needle, options)
  }

  /**
   * Says whether a needle is there, and keeps this thread waiting for it; otherwise the same as `indexOf()`.
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(12)
   * memory.write('one two one ')
   * assert(memory.includesSync(/t.o/))
   * memory.closeSync()
   * ```
   */
  includesSync(needle: Needle, options?: SearchSyncOptions): boolean {
    return includesSync(stateOf(this), needle, options)
  }

  /**
   * Counts the matches of a needle, on other threads: those that `matches()` gives. The number of threads doesn't change it.
   *
   * @throws as `indexOf()`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFileSync } from 'node:fs'
   * import { mmap } from 'memmap'
   *
   * writeFileSync('words.txt', 'one two one\n')
   * const mapping = await mmap('words.txt')
   * assert.equal(await mapping.count('one'), 2)
   * assert.equal(await mapping.count(/\w+/), 3)
   * assert.equal(await mapping.count('\n'), 1)
   * await mapping.close()
   * ```
   */
  count(needle: Needle, options?: SearchOptions): Promise<number> {
    return count(stateOf(this), needle, options)
  }

  /**
   * Counts the matches of a needle, and keeps this thread waiting for it; otherwise the same as `count()`.
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(100)
   * memory.fill('abc')
   * assert.equal(memory.countSync('bca'), 33)
   * memory.closeSync()
   * ```
   */
  countSync(needle: Needle, options?: SearchSyncOptions): number {
    return countSync(stateOf(this), needle, options)
  }

  /**
   * Gives all matches of a needle, in order, as `String.prototype.matchAll` defines them: each is the first one that begins
   * where the one before ends, or later. An empty one may begin there too; empty strings are at every byte and at the end.
   * Of a list, where two begin at the same place, it is the one named first.
   *
   * While you work on the matches of one part, the next part is searched on other threads; so `closeSync()` in the middle may
   * throw `ERR_MEMMAP_BUSY`, where `close()` ends the search. The iterable can be walked more than once.
   *
   * @throws as `indexOf()`: what is wrong with an argument at once, anything else from the steps
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFileSync } from 'node:fs'
   * import { mmap } from 'memmap'
   *
   * writeFileSync('words.txt', 'one two one\n')
   * const mapping = await mmap('words.txt')
   * const found = []
   * for await (const { offset, length, needle } of mapping.matches(['two', 'one'])) found.push([offset, length, needle])
   * assert.deepEqual(found, [[0, 3, 1], [4, 3, 0], [8, 3, 1]])
   *
   * for await (const { offsets } of mapping.matches(/o\b|o/).batches()) assert.deepEqual([...offsets], [0, 6, 8])
   * await mapping.close()
   * ```
   */
  matches(needle: Needle, options?: SearchOptions): Matches {
    return matches(stateOf(this), needle, options)
  }

  /**
   * Gives all matches of a needle, and keeps this thread waiting for each part of them; otherwise the same as `matches()`.
   * Between two steps nothing is held.
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(12)
   * memory.write('one two one ')
   * assert.deepEqual([...memory.matchesSync('one')], [{ offset: 0, length: 3 }, { offset: 8, length: 3 }])
   * memory.closeSync()
   * ```
   */
  matchesSync(needle: Needle, options?: SearchSyncOptions): MatchesSync {
    return matchesSync(stateOf(this), needle, options)
  }

  /**
   * Makes an index of the lines of a range, on other threads: afterwards any line is found at once by its number, and the number
   * of a line by a byte of it. It takes some two bytes of memory a line.
   *
   * A line ends with `\n`; a `\r` before that belongs to its end.
   *
   * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_MEMMAP_CLOSED`, also when it is closed meanwhile,
   *   `ERR_MEMMAP_FAULT`, the reason of the signal. All as rejections
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFileSync } from 'node:fs'
   * import { mmap } from 'memmap'
   *
   * writeFileSync('log.txt', 'one\ntwo\nthree\n')
   * const mapping = await mmap('log.txt')
   * const index = await mapping.lineIndex()
   * assert.equal(index.count, 3)
   * assert.equal(index.text(2), 'three')
   * await mapping.close()
   * ```
   */
  lineIndex(options?: SearchOptions): Promise<LineIndex> {
    return lineIndex(stateOf(this), options)
  }

  /**
   * Brings a range, or many places, into memory on another thread, and waits for the disk there. Reading them afterwards does
   * not, unless they were pushed out again meanwhile. The disk is asked for many places before the first is waited for: that
   * is several times as quick as reading one after the other.
   *
   * @param what a range, or offsets in bytes as an array or Float64Array @default the whole mapping
   * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_MEMMAP_CLOSED`, also when it is closed meanwhile,
   *   `ERR_MEMMAP_FAULT` when a page can't be had, the reason of the signal. All as rejections
   * @see https://man7.org/linux/man-pages/man2/madvise.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmap } from 'memmap'
   *
   * const mapping = await mmap('records.bin', { mode: 'w+', size: 2 ** 20 })
   * await mapping.prefetch({ offset: 2 ** 19 })
   * await mapping.prefetch([0, 64_000, 640_000], { size: 64 })
   * assert.equal(mapping.buffer(64_000, 64)[0], 0)
   * await mapping.close()
   * ```
   */
  prefetch(what?: Range | Offsets, options?: PrefetchOptions): Promise<void> {
    return prefetch(stateOf(this), what, options)
  }

  /**
   * Copies many small places of equal size, one behind the other, into `into`. They may overlap, and come in any order.
   *
   * @param offsets in bytes; a Float64Array is the quickest
   * @param size bytes of each
   * @param into has room for all of them
   * @returns the number of bytes copied
   * @throws `ERR_OUT_OF_RANGE` when a place is not within the mapping, or `into` too short; `ERR_INVALID_ARG_TYPE`;
   *   `ERR_MEMMAP_FAULT`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(100)
   * memory.write('red', 10)
   * memory.write('hot', 80)
   * const into = Buffer.alloc(6)
   * assert.equal(memory.gather([80, 10], 3, into), 6)
   * assert.equal(into.toString(), 'hotred')
   * memory.closeSync()
   * ```
   */
  gather(offsets: Offsets, size: Bytes, into: Target): number {
    return gather(stateOf(this), offsets, size, into)
  }
}
