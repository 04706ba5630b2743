import type { MappedIterable } from '../iterate/iterable.js'
import type { SearchOptions } from '../search/search.js'
import type { ByteRange, ByteRanges } from './decode.js'
import type { BufferOptions, DelimitedOptions, RangeItemOptions, StringOptions } from './delimited.js'
import type { LineIndex } from './line-index.js'
import type { LineOptions } from './lines.js'

/** Lines and other delimited parts of a range. */
export interface LineReadable {
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

  /**
   * Walks through what lies between separators; the same rules and options as for `lines()`. The pieces are those that
   * `String.split` gives: one more than there are separators, so that a range that ends in one has an empty piece at its
   * end, and an empty range is one empty piece.
   *
   * @param separator - bytes, or a string that stands for its bytes in the encoding asked for, UTF-8 with 'buffer'; not empty
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
  lineIndex(options?: SearchOptions): Promise<LineIndex>
}
