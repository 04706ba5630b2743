import type { Bytes } from '../base/validate.js'
import type { MappedIterable } from './iterable.js'
import type { RecordOptions } from './records.js'
import type { ChunkOptions, Window, WindowOptions } from './windows.js'

/** Iteration over a range in windows, chunks and records. */
export interface RangeIterable {
  /**
   * Iterates over a range in windows, which may overlap. The result works with `for` and `for await`, any number of times; its
   * method `batches()` yields arrays of windows, which is faster for small windows.
   *
   * The last window is the first one that reaches the end of the range, and may be shorter. With `for await`, threads of this
   * library read pages into memory ahead of the loop, and the event loop runs every few milliseconds; `for` waits for each
   * page that it touches. With `dropBehind`, at most about 100 MiB and the current window stay in memory.
   *
   * The iterator holds no pin between two steps: closing the mapping inside the loop works, empties the windows yielded so far,
   * and makes the next step fail with `ERR_MEMMAP_CLOSED`. Where the runtime refuses views of foreign memory, windows are copies.
   *
   * @throws `ERR_OUT_OF_RANGE` when `size` is not 1 to 2^31 - 1, or `overlap` is not less than `size`; `ERR_INVALID_ARG_TYPE`;
   *   `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_CLOSED`; `ERR_MEMMAP_FAULT`. A step fails with `ERR_MEMMAP_CLOSED`,
   *   `ERR_MEMMAP_FAULT`, the signal's reason, or `ERR_OUT_OF_RANGE` when the mapping has become shorter meanwhile
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
  windows(options?: WindowOptions): MappedIterable<Window>

  /**
   * Iterates over a range in consecutive Buffers, by the rules of `windows()`.
   *
   * @throws `ERR_OUT_OF_RANGE` when `size` is not 1 to 2^31 - 1; otherwise as `windows()`
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
  chunks(options?: ChunkOptions): MappedIterable<Buffer>

  /**
   * Iterates over a range in Buffers of `size` bytes, by the rules of `windows()`. A range that is not a whole number of
   * records is refused at once; with `partial: true` the last Buffer holds the rest instead.
   *
   * @param size - the size of a record in bytes, 1 to 2^31 - 1
   * @throws `ERR_OUT_OF_RANGE`, also when the range is not a whole number of records; otherwise as `windows()`
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
  records(size: Bytes, options?: RecordOptions): MappedIterable<Buffer>
}
