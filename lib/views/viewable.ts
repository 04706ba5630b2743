import type { Bytes } from '../base/validate.js'
import type { TypedArray, TypedArrayConstructor } from './views.js'

/** Views over mapped memory. */
export interface Viewable {
  /**
   * Gives a Buffer over a range: no copy, so that a store into it is a store into the mapping. Closing empties it.
   *
   * @param offset - bytes; 0 to `mapping.length` @default 0
   * @param length - bytes; at most 2^31 - 1 @default as many as there are from `offset` on
   * @throws `ERR_MEMMAP_VIEW_TOO_LARGE` when it would be longer than that, or than an ArrayBuffer of this runtime can be;
   *   `ERR_MEMMAP_UNSUPPORTED` where the runtime refuses views of foreign memory; `ERR_OUT_OF_RANGE`
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
   * Gives a typed array over a range, as `new Type(arrayBuffer, offset, length)` would. The bytes are in the processor's order.
   *
   * @param Type - `Float64Array`, `BigInt64Array`, `Uint8Array`, … or a subclass
   * @param offset - bytes; `mapping.offset + offset` must be a multiple of the size of an element @default 0
   * @param length - **elements**, not bytes; at most 2^31 - 1 @default all from `offset` on, which must come out even
   * @throws `ERR_MEMMAP_MISALIGNED`, `ERR_MEMMAP_VIEW_TOO_LARGE`, `ERR_MEMMAP_UNSUPPORTED`, `ERR_OUT_OF_RANGE`
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
   * Gives a DataView over a range, for numbers at any offset and in either byte order. It may be as long as an ArrayBuffer of
   * the runtime can be. After closing its methods throw a `TypeError`.
   *
   * @param offset - bytes @default 0
   * @param length - bytes @default as many as there are from `offset` on
   * @throws `ERR_MEMMAP_VIEW_TOO_LARGE`, `ERR_MEMMAP_UNSUPPORTED`, `ERR_OUT_OF_RANGE`
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
