import type { Bytes, Range } from '../base/validate.js'
import type { Data, Target } from './copy.js'
import type { Offsets } from './gather.js'

/**
 * Copies into, out of and within mapped memory. A page that cannot be delivered causes an error, where a view would read zeros.
 */
export interface Copyable {
  /**
   * Copies a range into a new Buffer, which stays valid after the mapping is closed.
   *
   * @param range - the bytes to copy, at most 2^31 - 1; default: the whole mapping
   * @throws `ERR_MEMMAP_VIEW_TOO_LARGE` for more than 2^31 - 1 bytes; `ERR_MEMMAP_FAULT` when a page cannot be delivered;
   *   `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_CLOSED`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFileSync } from 'node:fs'
   * import { mmapSync } from 'memmap'
   *
   * writeFileSync('hello.txt', 'hello world')
   * const mapping = mmapSync('hello.txt')
   * const copy = mapping.read({ offset: 6, length: 5 })
   * mapping.closeSync()
   * assert.equal(copy.toString(), 'world')
   * ```
   */
  read(range?: Range): Buffer

  /**
   * Copies bytes from `offset` on into `target`, until `target` is full.
   *
   * @param target - a Buffer, typed array, DataView or ArrayBuffer
   * @param offset - in bytes; default: 0
   * @returns the number of bytes copied, which is the length of `target` in bytes
   * @throws `ERR_OUT_OF_RANGE` when fewer bytes follow `offset` than `target` holds; nothing is copied then.
   *   `ERR_MEMMAP_FAULT` when a page cannot be delivered; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE` for a detached
   *   `target`; `ERR_MEMMAP_CLOSED`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(8)
   * memory.write(Uint8Array.of(1, 2, 3), 2)
   * const target = new Uint8Array(4)
   * assert.equal(memory.readInto(target, 1), 4)
   * assert.deepEqual([...target], [0, 1, 2, 3])
   * memory.closeSync()
   * ```
   */
  readInto(target: Target, offset?: Bytes): number

  /**
   * Copies bytes into the mapping. The source may be a view of the same mapping, and may overlap the bytes that are written.
   *
   * @param data - a Buffer, typed array, DataView or ArrayBuffer, or a string, which is written in UTF-8
   * @param offset - in bytes; default: 0
   * @returns the number of bytes written, which is the length of `data` in bytes
   * @throws `ERR_MEMMAP_READ_ONLY` in mode `r`; `ERR_OUT_OF_RANGE` when the bytes do not fit; nothing is written then.
   *   `ERR_MEMMAP_FAULT` when a page cannot be delivered; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE` for detached `data`;
   *   `ERR_MEMMAP_CLOSED`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { readFileSync } from 'node:fs'
   * import { mmapSync } from 'memmap'
   *
   * const mapping = mmapSync('greeting.txt', { mode: 'w+', size: 12 })
   * assert.equal(mapping.write('grüße', 5), 7)
   * mapping.closeSync()
   * assert.equal(readFileSync('greeting.txt', 'utf8'), '\0\0\0\0\0grüße')
   * ```
   */
  write(data: Data, offset?: Bytes): number

  /**
   * Fills a range with one byte, or with a pattern that repeats from the start of the range.
   *
   * @param value - a byte (0 to 255), a string, which stands for its UTF-8 bytes, or bytes; not empty
   * @param range - the bytes to fill; default: the whole mapping
   * @returns the mapping
   * @throws `ERR_MEMMAP_READ_ONLY` in mode `r`; `ERR_INVALID_ARG_VALUE` for an empty pattern; `ERR_MEMMAP_FAULT` when a page
   *   cannot be delivered; `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`; `ERR_MEMMAP_CLOSED`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(8)
   * memory.fill('abc', { offset: 1, length: 5 })
   * assert.equal(memory.read().toString(), '\0abcab\0\0')
   * memory.closeSync()
   * ```
   */
  fill(value: number | string | Uint8Array, range?: Range): this

  /**
   * Copies bytes from one offset of the mapping to another. Source and target may overlap.
   *
   * @param target - the offset to copy to, in bytes
   * @param start - the offset of the first byte to copy
   * @param end - the offset after the last byte to copy; default: `mapping.length`
   * @returns the mapping
   * @throws `ERR_MEMMAP_READ_ONLY` in mode `r`; `ERR_OUT_OF_RANGE`, also for negative numbers, unlike
   *   `TypedArray.copyWithin`; `ERR_MEMMAP_FAULT` when a page cannot be delivered; `ERR_INVALID_ARG_TYPE`;
   *   `ERR_MEMMAP_CLOSED`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(6)
   * memory.write('abcdef')
   * memory.copyWithin(2, 0, 4)
   * assert.equal(memory.read().toString(), 'ababcd')
   * memory.closeSync()
   * ```
   */
  copyWithin(target: Bytes, start: Bytes, end?: Bytes): this

  /**
   * Copies many small ranges of equal size into `into`, one after the other. The ranges may overlap and come in any order.
   *
   * @param offsets - the offset of each range, in bytes; a Float64Array is the fastest
   * @param size - the size of each range, in bytes; at least 1
   * @param into - the target, at least as long as all ranges together
   * @returns the number of bytes copied
   * @throws `ERR_OUT_OF_RANGE` when a range does not lie within the mapping or `into` is too short; `ERR_MEMMAP_FAULT` when a
   *   page cannot be delivered; `ERR_INVALID_ARG_TYPE`; `ERR_MEMMAP_CLOSED`
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
  gather(offsets: Offsets, size: Bytes, into: Target): number
}
