import type { FlushOptions, FlushResult } from './flush.js'

/** Writing stored bytes to the disk. */
export interface Flushable {
  /**
   * Writes what was stored in a range to the disk, on another thread. At the default level the bytes survive a loss of power
   * once the promise is fulfilled. Closing waits for a flush that is running. A flush that is requested while another flush of
   * the file runs waits for it, and waiting flushes of ranges near each other become one. Each flush covers everything that
   * was stored before its call.
   *
   * In the modes `r` and `c` a flush writes nothing, and the result says so.
   *
   * After a flush has failed, the bytes may be lost permanently: the system forgets pages that it could not write, and a second
   * flush would report success. So every later flush of the file in this process, by any mapping, rejects with
   * `ERR_MEMMAP_FLUSH_LOST`, and `assertHealthy()` throws it, until all mappings of the file are closed. A flush of several
   * pages is not atomic: after a crash some of them may be old and some new. Use `replaceFile()` for an atomic change.
   *
   * @param options - a range, and `level`
   * @throws (rejects with) `ERR_MEMMAP_FLUSH_LOST` after a flush that failed; `ERR_MEMMAP_FAULT`; `ERR_MEMMAP_CLOSED`;
   *   `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_OUT_OF_RANGE`; the errors of msync(2), such as `EIO` and `ENOSPC`;
   *   of sync_file_range(2) at level `schedule`; of fsync(2) and open(2) of the directory at level `all`
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
   * Does what `flush()` does, on this thread: no other code of this thread runs until this flush, and the flushes of the file
   * that were already running, have ended.
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
