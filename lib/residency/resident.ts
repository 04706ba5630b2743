import type { Range } from '../base/validate.js'
import type { Offsets } from '../views/gather.js'
import type { PrefetchOptions } from './prefetch.js'
import type {
  EvictOptions,
  Eviction,
  LockMemoryOptions,
  LockMemorySyncOptions,
  Residency,
  ResidencyOptions,
  ResidencySyncOptions,
  VerifyOptions,
  VerifySyncOptions,
} from './residency.js'

/** Control over which pages are in memory. */
export interface Resident {
  /**
   * Reads a range, or ranges at many offsets, into memory on another thread, and waits for the disk there. Reading the bytes
   * afterwards does not wait, unless the system has evicted them meanwhile. All offsets are requested from the disk before
   * the first wait, which is several times faster than reading them one after the other.
   *
   * @param what - a range, or offsets in bytes as an array or Float64Array; default: the whole mapping
   * @param options - `size`, the number of bytes to read at each offset, and `signal`
   * @throws (rejects with) `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_FAULT` when a page
   *   cannot be delivered; `ERR_MEMMAP_CLOSED`, also when the mapping is closed meanwhile; the signal's reason
   * @see https://man7.org/linux/man-pages/man2/madvise.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmap } from 'memmap'
   *
   * const mapping = await mmap('records.bin', { mode: 'w+', size: 2 ** 20 })
   * await mapping.prefetch({ offset: 2 ** 19 })
   * await mapping.prefetch([0, 64_000, 640_000], { size: 64 })
   * assert.equal(mapping.buffer(64_000, 64)[0], 0)
   * await mapping.close()
   * ```
   */
  prefetch(what?: Range | Offsets, options?: PrefetchOptions): Promise<void>

  /**
   * Reports which pages of a range are in memory, so that touching them does not wait for a disk. Runs on another thread, and
   * reads no page into memory. The answer may be out of date at once: the system evicts pages when it needs memory.
   *
   * The system hides the page cache of a file that this user neither owns nor may write to. `resident` is then `'yes'` if all
   * pages are in the page table of this process, as after `prefetch()`, and `'unknown'` otherwise.
   *
   * @param range - the range in bytes; default: the whole mapping
   * @throws (rejects with) `ERR_OUT_OF_RANGE`, also for a `bucket` so small that there would be more than 2^31 - 1 buckets;
   *   `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_CLOSED`, also when the mapping is closed meanwhile;
   *   `ERR_MEMMAP_FAULT`; the signal's reason; `ENOMEM` when the buckets do not fit in memory
   * @see https://man7.org/linux/man-pages/man2/mincore.2.html
   * @see https://man7.org/linux/man-pages/man2/cachestat.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmap } from 'memmap'
   *
   * const mapping = await mmap('data.bin', { mode: 'w+', size: 2 ** 20 })
   * await mapping.prefetch({ length: 2 ** 19 })
   * const { resident, buckets } = await mapping.residency({ length: 2 ** 19 }, { bucket: 2 ** 18 })
   * assert(resident !== 'yes' || buckets?.join() === '100,100')
   * await mapping.close()
   * ```
   */
  residency(range?: Range, options?: ResidencyOptions): Promise<Residency>

  /**
   * Does what `residency()` does, on this thread. Takes some milliseconds for each GiB.
   *
   * @throws as `residency()` rejects
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(2 ** 20)
   * memory.fill(1, { offset: 0, length: 2 ** 19 })
   * const { resident, residentPages, pageSize } = memory.residencySync({ offset: 0, length: 2 ** 19 })
   * assert.equal(resident, 'yes')
   * assert.equal(residentPages, 2 ** 19 / pageSize)
   * memory.closeSync()
   * ```
   */
  residencySync(range?: Range, options?: ResidencySyncOptions): Residency

  /**
   * Evicts the pages that a range touches, on another thread: from this mapping and from the page cache. **No data is lost**:
   * dirty pages are written to the file first, as by `flush()`, and private pages stay, or go to swap space if there is any.
   * The next access reads the bytes from the disk again.
   *
   * Some pages may stay in memory, and the result says how many bytes they have: pages that are locked, that another mapping
   * or process uses, that are private where there is no swap space, that are stored into meanwhile, and pages of a large page
   * that the range covers only in part. A mapping of mode `r` or `c` can evict the pages that it has touched only if this user
   * owns the file or may write to it.
   *
   * @param range - the range in bytes; default: the whole mapping
   * @throws (rejects with) `ERR_MEMMAP_FLUSH_LOST` and the errors of msync(2) when a dirty page cannot be written, which is
   *   then not evicted; `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_CLOSED`, also when
   *   the mapping is closed meanwhile; `ERR_MEMMAP_FAULT`; the signal's reason
   * @see https://man7.org/linux/man-pages/man2/posix_fadvise.2.html
   * @see https://man7.org/linux/man-pages/man2/madvise.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmap } from 'memmap'
   *
   * const mapping = await mmap('data.bin', { mode: 'w+', size: 2 ** 20 })
   * mapping.write('kept', 2 ** 19)
   * await mapping.evict()
   * assert.equal(mapping.read({ offset: 2 ** 19, length: 4 }).toString(), 'kept')
   * await mapping.close()
   * ```
   */
  evict(range?: Range, options?: EvictOptions): Promise<Eviction>

  /**
   * Does what `evict()` does, on this thread: no other code of this thread runs until dirty pages are on the disk.
   *
   * @throws as `evict()` rejects
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFileSync } from 'node:fs'
   * import { mmapSync } from 'memmap'
   *
   * writeFileSync('hello.txt', 'hello world')
   * const mapping = mmapSync('hello.txt')
   * const { evicted, resident } = mapping.evictSync()
   * assert(evicted === undefined || resident === undefined || evicted + resident >= 0)
   * assert.equal(mapping.buffer().toString(), 'hello world')
   * mapping.closeSync()
   * ```
   */
  evictSync(range?: Range): Eviction

  /**
   * Brings the pages that a range touches into memory, on another thread, and keeps them there until they are unlocked or the
   * mapping is closed. Touching them then never waits for a disk.
   *
   * Locks are not counted: locking a byte twice changes nothing, and one `unlockMemory()` unlocks it. A page stays in memory
   * while at least one of its bytes is locked. An operation that fails or is cancelled locks nothing new. In mode `c`, a store
   * into a locked page makes a private copy, which is locked as well. Other mappings have locks of their own, and child
   * processes inherit none.
   *
   * @param range - the range in bytes; default: the whole mapping
   * @throws (rejects with) `ERR_MEMMAP_MEMLOCK_LIMIT` when the process may not lock that many bytes (RLIMIT_MEMLOCK);
   *   `ERR_MEMMAP_MAP_COUNT`; `ENOMEM`; `ERR_MEMMAP_UNSUPPORTED` for `onFault` where the system lacks it; `ERR_OUT_OF_RANGE`;
   *   `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_FAULT` when a page cannot be delivered;
   *   `ERR_MEMMAP_CLOSED`, also when the mapping is closed meanwhile; the signal's reason
   * @see https://man7.org/linux/man-pages/man2/mlock.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmap } from 'memmap'
   *
   * const mapping = await mmap('index.bin', { mode: 'w+', size: 65536 })
   * await mapping.lockMemory({ length: 4096 })
   * assert.equal((await mapping.residency({ length: 4096 })).resident, 'yes')
   * mapping.unlockMemory()
   * await mapping.close()
   * ```
   */
  lockMemory(range?: Range, options?: LockMemoryOptions): Promise<void>

  /**
   * Does what `lockMemory()` does, on this thread: without `onFault`, no other code of this thread runs until all pages are in
   * memory.
   *
   * @throws as `lockMemory()` rejects
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { capabilities, mmapAnonymous } from 'memmap'
   *
   * const secrets = mmapAnonymous(4096)
   * secrets.lockMemorySync()
   * assert.equal(secrets.residencySync().lockedPages, secrets.residencySync().pages)
   * secrets.unlockMemory()
   * secrets.lockMemorySync({}, { onFault: capabilities()['lockMemory:onFault'] === true })
   * secrets.closeSync()
   * ```
   */
  lockMemorySync(range?: Range, options?: LockMemorySyncOptions): void

  /**
   * Allows the system to evict the pages of a range again, except pages in which other bytes are still locked. Unlocking bytes
   * that are not locked changes nothing. Never waits for a disk.
   *
   * @param range - the range in bytes; default: the whole mapping
   * @throws `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_MAP_COUNT`; `ERR_MEMMAP_CLOSED`;
   *   `ERR_MEMMAP_FAULT`
   * @see https://man7.org/linux/man-pages/man2/mlock.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(4096)
   * memory.lockMemorySync({ offset: 0, length: 100 })
   * memory.lockMemorySync({ offset: 50, length: 100 })
   * memory.unlockMemory({ offset: 0, length: 100 })
   * assert.equal(memory.residencySync().lockedPages, 1)
   * memory.unlockMemory({ offset: 100, length: 50 })
   * assert.equal(memory.residencySync().lockedPages, 0)
   * memory.closeSync()
   * ```
   */
  unlockMemory(range?: Range): void

  /**
   * Verifies that every byte of a range can be loaded, by bringing all of its pages into memory on another thread. A page that
   * cannot be delivered is an error of this call only: it raises no signal and is no fault of the mapping. Later changes of
   * the file are not covered. No page becomes dirty, and private pages stay shared with the file.
   *
   * With `forWriting` it also verifies that the disk has room for every store, by allocating blocks for holes of the file.
   *
   * @param range - the range in bytes; default: the whole mapping
   * @throws (rejects with) `ERR_MEMMAP_FAULT` with the `offset` of the first page that cannot be delivered and the `reason`
   *   `'truncated'`, `'nospace'` or `'io'`, also where the file ends within the last page; `ERR_MEMMAP_READ_ONLY` for
   *   `forWriting` in mode `r` or under `protect('r')`; `ERR_MEMMAP_UNSUPPORTED` for `forWriting` in mode `c`, without a file,
   *   and on file systems without fallocate(2); `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`;
   *   `ERR_MEMMAP_CLOSED`, also when the mapping is closed meanwhile; the signal's reason
   * @see https://man7.org/linux/man-pages/man2/madvise.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { truncateSync } from 'node:fs'
   * import { mmap } from 'memmap'
   *
   * const mapping = await mmap('data.bin', { mode: 'w+', size: 2 ** 20 })
   * await mapping.verify()
   * truncateSync('data.bin', 2 ** 19)
   * await mapping.verify({ length: 2 ** 19 })
   * await assert.rejects(mapping.verify(), { code: 'ERR_MEMMAP_FAULT', reason: 'truncated', offset: 2 ** 19 })
   * assert.deepEqual(mapping.faults, [])
   * await mapping.close()
   * ```
   */
  verify(range?: Range, options?: VerifyOptions): Promise<void>

  /**
   * Does what `verify()` does, on this thread: no other code of this thread runs until all pages are in memory.
   *
   * @throws as `verify()` rejects
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapSync } from 'memmap'
   *
   * const mapping = mmapSync('data.bin', { mode: 'w+', size: 65536 })
   * mapping.verifySync({ length: 4096 }, { forWriting: true })
   * assert.equal(mapping.write('safe'), 4)
   * mapping.closeSync()
   * ```
   */
  verifySync(range?: Range, options?: VerifySyncOptions): void
}
