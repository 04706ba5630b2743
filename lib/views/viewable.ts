import type { Bytes } from '../base/validate.js'
import type { TypedArray, TypedArrayConstructor } from './views.js'

/** Views over mapped memory, without a copy. */
export interface Viewable {
  /**
   * Returns a Buffer over a range, without a copy: a store into the Buffer is a store into the mapping. Closing the mapping
   * empties the Buffer.
   *
   * @param offset - in bytes, 0 to `mapping.length`; default: 0
   * @param length - in bytes, at most 2^31 - 1; default: all bytes from `offset` on
   * @throws `ERR_MEMMAP_VIEW_TOO_LARGE` for more than 2^31 - 1 bytes, or more than an ArrayBuffer of this runtime can hold;
   *   `ERR_MEMMAP_UNSUPPORTED` where the runtime refuses views of foreign memory; `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`;
   *   `ERR_MEMMAP_CLOSED`; `ERR_MEMMAP_FAULT`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFileSync } from 'node:fs'
   * import { mmapSync } from 'memmap'
   *
   * writeFileSync('hello.txt', 'hello world')
   * const mapping = mmapSync('hello.txt')
   * const view = mapping.buffer(6)
   * assert.equal(view.toString(), 'world')
   * mapping.closeSync()
   * assert.equal(view.length, 0)
   * ```
   */
  buffer(offset?: Bytes, length?: Bytes): Buffer

  /**
   * Returns a typed array over a range, as `new Type(arrayBuffer, offset, length)` does. Numbers have the byte order of the
   * processor. Closing the mapping empties the array.
   *
   * @param Type - `Float64Array`, `BigInt64Array`, `Uint8Array` or any other typed array class, or a subclass of one
   * @param offset - in bytes; `mapping.offset + offset` must be a multiple of the size of an element; default: 0
   * @param length - in **elements**, not bytes; at most 2^31 - 1; default: all elements from `offset` on, where the bytes up to
   *   the end must be a whole number of elements
   * @throws `ERR_MEMMAP_MISALIGNED` when the first element is not aligned; `ERR_MEMMAP_VIEW_TOO_LARGE` for too many elements;
   *   `ERR_MEMMAP_UNSUPPORTED` where the runtime refuses views of foreign memory; `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`;
   *   `ERR_MEMMAP_CLOSED`; `ERR_MEMMAP_FAULT`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapSync } from 'memmap'
   *
   * const mapping = mmapSync('numbers.f64', { mode: 'w+', size: 800 })
   * const numbers = mapping.array(Float64Array)
   * numbers[99] = Math.PI
   * assert.equal(numbers.length, 100)
   * assert.equal(mapping.array(Float64Array, 99 * 8, 1)[0], Math.PI)
   * mapping.closeSync()
   * ```
   */
  array<T extends TypedArray>(Type: TypedArrayConstructor<T>, offset?: Bytes, length?: Bytes): T

  /**
   * Returns a DataView over a range, for numbers at any offset and in either byte order. Its length is limited only
   * by the longest ArrayBuffer of this runtime. Once the mapping is closed, the methods of the DataView throw a `TypeError`.
   *
   * @param offset - in bytes; default: 0
   * @param length - in bytes; default: all bytes from `offset` on
   * @throws `ERR_MEMMAP_VIEW_TOO_LARGE` for more bytes than an ArrayBuffer of this runtime can hold; `ERR_MEMMAP_UNSUPPORTED`
   *   where the runtime refuses views of foreign memory; `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`; `ERR_MEMMAP_CLOSED`;
   *   `ERR_MEMMAP_FAULT`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(64)
   * memory.dataView(3, 8).setBigUint64(0, 42n, true)
   * assert.equal(memory.buffer()[3], 42)
   * memory.closeSync()
   * ```
   */
  dataView(offset?: Bytes, length?: Bytes): DataView
}
