import type { Bytes } from '../base/validate.js'
import type { ResizeOptions } from './resize.js'

/** Changes of the length of a mapping. */
export interface Resizable {
  /**
   * Makes the file `size` bytes long, and extends or shortens the mapping to the end of the file. Added bytes are zeros, with
   * disk blocks allocated for all of them. Existing views stay valid at their addresses. Anonymous memory changes its own size.
   *
   * A file mapping grows in place within the address space that the option `reserve` set aside. Beyond that, the mapping gets
   * a second address range for later views; earlier views keep working at theirs. Private memory (anonymous, with views)
   * cannot have two address ranges.
   *
   * Shrinking removes bytes, so it refuses while pins are held, while an operation is running, and while a view reaches past
   * the new end. An unused view counts until the garbage collector has freed it.
   *
   * @param size - the size of the file in bytes, at least `mapping.offset`
   * @throws (rejects with) `ENOSPC`, `EDQUOT` or `EFBIG` when the file cannot grow; it is unchanged then. `ERR_MEMMAP_BUSY`
   *   when it cannot shrink; `ERR_MEMMAP_READ_ONLY` in the modes `r` and `c`; `ERR_MEMMAP_NOT_MAPPABLE` for devices;
   *   `ERR_MEMMAP_ADDRESS_SPACE` and `ERR_MEMMAP_MAP_COUNT` at limits of the system, and for private memory without reserved
   *   space; `ERR_MEMMAP_UNSUPPORTED` for `force` with `shared` views; `ERR_MEMMAP_FAULT`; `ERR_MEMMAP_CLOSED`;
   *   `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`
   * @see https://man7.org/linux/man-pages/man2/fallocate.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmap } from 'memmap'
   *
   * const log = await mmap('events.log', { mode: 'w+', reserve: 2 ** 30 })
   * await log.resize(5)
   * const first = log.buffer()
   * log.write('first')
   * await log.resize(11)
   * log.write(' event', 5)
   * assert.equal(log.length, 11)
   * assert.equal(first.toString(), 'first')
   * assert.equal(log.buffer().toString(), 'first event')
   * await log.close()
   * ```
   */
  resize(size: Bytes, options?: ResizeOptions): Promise<void>

  /**
   * Does what `resize()` does, on this thread.
   *
   * @param size - the size of the file in bytes, at least `mapping.offset`
   * @throws as `resize()` rejects
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { statSync } from 'node:fs'
   * import { mmapSync } from 'memmap'
   *
   * const mapping = mmapSync('counters.u32', { mode: 'w+', size: 400 })
   * const view = mapping.buffer(200)
   * assert.throws(() => mapping.resizeSync(100), { code: 'ERR_MEMMAP_BUSY' })
   * mapping.resizeSync(100, { force: true })
   * assert.deepEqual([view.length, mapping.length, statSync('counters.u32').size], [0, 100, 100])
   * mapping.closeSync()
   * ```
   */
  resizeSync(size: Bytes, options?: ResizeOptions): void

  /**
   * Adjusts the length of the mapping after other code has made the file longer or shorter. The mapping then covers everything
   * from `offset` on, or at most the `length` that was requested when it was opened. Pages that faults had replaced by zeros
   * show the file again, and `faults` becomes empty. Bytes stored into such pages are lost, and advice on them must be given
   * again. In mode `c`, where changed pages are private, this holds only for pages past the former end of the file.
   *
   * Views stay valid. A view that reaches past the new end reads zeros there, which causes a new fault.
   *
   * @returns true if the length has changed
   * @throws (rejects with) `ERR_MEMMAP_ADDRESS_SPACE` and `ERR_MEMMAP_MAP_COUNT` at limits of the system, and in mode `c` when
   *   the option `reserve` has not set enough address space aside; the errors of fstat(2); `ERR_MEMMAP_CLOSED`
   * @see https://man7.org/linux/man-pages/man2/fstat.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { appendFile, writeFile } from 'node:fs/promises'
   * import { mmap } from 'memmap'
   *
   * await writeFile('events.log', 'one\n')
   * const mapping = await mmap('events.log')
   * await appendFile('events.log', 'two\n')
   * assert.equal(await mapping.refresh(), true)
   * assert.equal(mapping.buffer().toString(), 'one\ntwo\n')
   * await mapping.close()
   * ```
   */
  refresh(): Promise<boolean>

  /**
   * Does what `refresh()` does, on this thread.
   *
   * @returns true if the length has changed
   * @throws as `refresh()` rejects
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { truncateSync, writeFileSync } from 'node:fs'
   * import { mmapSync } from 'memmap'
   *
   * writeFileSync('data.bin', Buffer.alloc(100_000, 'x'))
   * const mapping = mmapSync('data.bin')
   * truncateSync('data.bin', 10)
   * assert.equal(mapping.refreshSync(), true)
   * assert.equal(mapping.read().toString(), 'xxxxxxxxxx')
   * mapping.closeSync()
   * ```
   */
  refreshSync(): boolean
}
