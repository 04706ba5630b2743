/**
 * The object that a user opens and closes: memory (see `memory.ts`), and the ways to go through it. Each method has its work
 * done in the module of its topic; what they promise is written here.
 */
import { Memory, regionOf } from './memory.js'
import { type ChunkOptions, chunks, type Window, type WindowOptions, windows } from './window.js'

/**
 * A range of a file, or anonymous memory, as part of this process's memory. `mmap`, `mmapSync` and `mmapAnonymous` make it.
 *
 * Offsets are counted from the start of the mapping, not of the file; they and lengths are bytes, as numbers or bigints. A
 * range that does not lie within the mapping is a `RangeError` with code `ERR_OUT_OF_RANGE`; a wrong type is a `TypeError`
 * with code `ERR_INVALID_ARG_TYPE`. Nothing is clamped.
 *
 * Every method, except the ones that close it, throws `ERR_MEMMAP_CLOSED` once it is closed, and `ERR_MEMMAP_FAULT` once the
 * system could not deliver one of its pages. The properties can always be read.
 *
 * @see https://man7.org/linux/man-pages/man2/mmap.2.html
 */
export class Mapping extends Memory {
  /**
   * Walks through a range by windows, which may overlap. The iterable can be walked more than once.
   *
   * The last window is the first one that reaches the end of the range, and may be shorter. Between two steps nothing is
   * held: closing the mapping inside the loop works, empties the windows given so far, and makes the next step throw
   * `ERR_MEMMAP_CLOSED`. Where the runtime refuses views of foreign memory the windows are copies.
   *
   * @throws `ERR_OUT_OF_RANGE` when `size` is not 1 to 2^31 - 1, or `overlap` not less than `size`
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
  windows(options?: WindowOptions): Iterable<Window> {
    return windows(regionOf(this), options)
  }

  /**
   * Walks through a range by Buffers that follow one another; the same rules as for `windows()`.
   *
   * @throws `ERR_OUT_OF_RANGE` when `size` is not 1 to 2^31 - 1
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
  chunks(options?: ChunkOptions): Iterable<Buffer> {
    return chunks(regionOf(this), options)
  }
}
