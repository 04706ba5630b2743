import type { MappedIterable } from '../iterate/iterable.js'
import type { SearchOptions } from '../search/search.js'
import type { ByteRange, ByteRanges } from './decode.js'
import type { BufferOptions, DelimitedOptions, RangeItemOptions, StringOptions } from './delimited.js'
import type { LineIndex } from './line-index.js'
import type { LineOptions } from './lines.js'

/** Lines, items between separators, and the index of lines. */
export interface LineReadable {
  /**
   * Iterates over the lines of a range, by the rules of `windows()`. A line ends with `\n` or `\r\n`; a `\r` alone ends no
   * line. Bytes after the last line end are a line if there are any, so an empty file has no lines.
   *
   * `batches()` yields arrays of lines: `for await` over batches is about as fast as `for`, and three times as fast as
   * `for await` over single lines. Strings are those that `Buffer.toString()` makes of each line, a byte order mark included.
   * A string may keep the 64 KiB of text alive of which it is a part.
   *
   * With `encoding: 'buffer'` lines are views. With `offsets: true` only the offset and length of each line are yielded,
   * counted from the start of the mapping, and batches are two arrays of numbers: no string is made, and a line may have any
   * length.
   *
   * With `follow: true` the loop waits at the end of the file for appended lines, as `tail -F` does, and does not end by
   * itself. The loop starts again at offset 0 when the file is truncated or another file gets its name, and waits while no file
   * has that name. It reads the file by its path instead of this mapping, whose length does not change. Buffers are copies
   * then, and offsets count from the start of the file that currently has the name. A line without an end is yielded only after
   * its end has arrived, or after its file was truncated or replaced. If the file cannot be read, because permission is missing
   * or because its name belongs to something other than a file, the loop waits until it can be read. Symbolic links are
   * resolved anew each time; the loop does not notice that a parent directory was renamed. Following needs `for await`, and a
   * mapping that begins at the start of a file and has a path; `offset: mapping.length` skips the lines that exist already. The
   * option `dropBehind` is refused.
   *
   * @throws `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_CLOSED`; `ERR_MEMMAP_FAULT`;
   *   `ERR_MEMMAP_UNSUPPORTED` for `follow` without a path or with `for`. A step fails with `ERR_STRING_TOO_LONG` or
   *   `ERR_MEMMAP_VIEW_TOO_LARGE` at a line that is too long, with `ERR_MEMMAP_CLOSED`, `ERR_MEMMAP_FAULT`, the signal's
   *   reason, or `ERR_OUT_OF_RANGE` when the mapping has become shorter meanwhile
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
   * Iterates over the bytes between separators, by the rules and with the options of `lines()`. The items are those that
   * `String.split` returns, one more than there are separators: a range that ends with a separator has an empty last item, and
   * an empty range is one empty item.
   *
   * @param separator - bytes, or a string, which stands for its bytes in the requested encoding (UTF-8 for 'buffer'); not
   *   empty
   * @throws `ERR_INVALID_ARG_VALUE` for an empty separator; otherwise as `lines()`
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
   * Builds an index of the lines of a range, on other threads. The index finds any line by its number, and the number of a
   * line by any of its bytes, with a few reads of memory. It takes about two bytes of memory for each line.
   *
   * A line ends with `\n`; a `\r` before it belongs to the line end.
   *
   * @throws (rejects with) `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_CLOSED`, also when
   *   the mapping is closed meanwhile; `ERR_MEMMAP_FAULT`; the signal's reason
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
