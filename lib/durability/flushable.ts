import type { FlushOptions, FlushResult } from './flush.js'

/** Writing what was stored to the disk. */
export interface Flushable {
  /**
   * Sends what was stored in a range on its way to the disk, on another thread; by default it is durable when the promise is
   * fulfilled: a loss of power can't undo it. Closing waits for it. Flushes that are asked for while one of the file runs wait,
   * and those near each other become one; each covers all that was stored before it was asked for.
   *
   * In the modes `r` and `c` there is nothing to write, and the result says so. Once a flush has failed the bytes may be gone
   * for good: the system forgets what it could not write, and a second flush would claim success. So every later flush, of any
   * mapping of that file in this process, rejects with `ERR_MEMMAP_FLUSH_LOST`, and `assertHealthy()` throws it, until all of
   * them are closed. Several pages are not written as one: a crash in between leaves some old and some new; `replaceFile()`
   * is for that.
   *
   * @param options - a range, and `level`
   * @throws (rejects with) `ERR_MEMMAP_FLUSH_LOST` after a flush that failed; `ERR_MEMMAP_FAULT`; `ERR_MEMMAP_CLOSED`;
   *   `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_OUT_OF_RANGE`; the errors of msync(2), such as `EIO` and `ENOSPC`,
   *   of sync_file_range(2) at level `schedule`, and of fsync(2) and open(2) of the directory at level `all`
   * @see https://man7.org/linux/man-pages/man2/msync.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmap } from 'memmap'
   *
   * const mapping = await mmap('safe.bin', { mode: 'w+', size: 4096 })
   * mapping.write('kept')
   * const { bytes } = await mapping.flush({ offset: 0, length: 4 })
   * assert.equal(bytes, 4)
   *
   * const { achieved } = await mapping.flush({ level: 'all' })
   * assert(['all', 'volatile'].includes(achieved))
   * await mapping.close()
   * ```
   */
  flush(options?: FlushOptions): Promise<FlushResult>

  /**
   * The same as `flush()`, on this thread: nothing else runs until the disk has answered, flushes of the file that were
   * under way included.
   *
   * @throws as `flush()` rejects
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapSync } from 'memmap'
   *
   * const mapping = mmapSync('safe.bin', { mode: 'w+', size: 4096 })
   * mapping.write('kept')
   * assert.equal(mapping.flushSync().level, 'data')
   * mapping.closeSync()
   * ```
   */
  flushSync(options?: FlushOptions): FlushResult
}
