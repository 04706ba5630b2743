import type { Bytes, Range } from '../base/validate.js'
import type { Data, Target } from './copy.js'
import type { Offsets } from './gather.js'

/** Copies into and out of mapped memory. */
export interface Copyable {
  /**
   * Copies a range into a new Buffer, which outlives the mapping.
   *
   * @throws `ERR_MEMMAP_VIEW_TOO_LARGE` for more than 2^31 - 1 bytes; `ERR_MEMMAP_FAULT` when a page can't be delivered;
   *   `ERR_OUT_OF_RANGE`
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
   * Copies bytes from `offset` on into `target`, until that is full.
   *
   * @param target - a Buffer, typed array, DataView or ArrayBuffer
   * @param offset - bytes @default 0
   * @returns the number of bytes copied, which is the length of `target` in bytes
   * @throws `ERR_OUT_OF_RANGE` when there are fewer bytes, with nothing copied; `ERR_MEMMAP_FAULT` when a page can't be delivered
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
   * Copies bytes into the mapping. They may lie in the mapping itself, and overlap where they go.
   *
   * @param data - a string, of which the UTF-8 bytes are written, a Buffer, typed array, DataView or ArrayBuffer
   * @param offset - bytes @default 0
   * @returns the number of bytes written, which is all of them
   * @throws `ERR_MEMMAP_READ_ONLY` in mode `r`; `ERR_OUT_OF_RANGE` when they would not fit, with nothing written;
   *   `ERR_MEMMAP_FAULT` when a page can't be delivered
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
   * Fills a range with a byte, or with a pattern that repeats from its start on.
   *
   * @param value - a byte (0 to 255), a string, of which the UTF-8 bytes are taken, or bytes; not empty
   * @throws `ERR_MEMMAP_READ_ONLY` in mode `r`; `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_VALUE` when empty; `ERR_MEMMAP_FAULT`
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
   * Copies bytes from one place of the mapping to another, as if by way of a third: the two may overlap.
   *
   * @param target - where to, in bytes
   * @param start - the first byte copied
   * @param end - the byte after the last one copied @default `mapping.length`
   * @throws `ERR_MEMMAP_READ_ONLY` in mode `r`; `ERR_OUT_OF_RANGE`, also for what arrays count from the end; `ERR_MEMMAP_FAULT`
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
   * Copies many small places of equal size, one behind the other, into `into`. They may overlap, and come in any order.
   *
   * @param offsets - in bytes; a Float64Array is the quickest
   * @param size - bytes of each
   * @param into - has room for all of them
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
  gather(offsets: Offsets, size: Bytes, into: Target): number
}
