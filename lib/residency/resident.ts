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

/** Pages in memory and on the disk. */
export interface Resident {
  /**
   * Brings a range, or many places, into memory on another thread, and waits for the disk there. Reading them afterwards does
   * not, unless they were pushed out again meanwhile. The disk is asked for many places before the first is waited for: that
   * is several times as quick as reading one after the other.
   *
   * @param what - a range, or offsets in bytes as an array or Float64Array @default the whole mapping
   * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_MEMMAP_CLOSED`, also when it is closed meanwhile,
   *   `ERR_MEMMAP_FAULT` when a page can't be had, the reason of the signal. All as rejections
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
   * Says which pages of a range are in memory, that is, can be touched without waiting for a disk; on another thread, and
   * without bringing anything in. A moment later it may be different: the system takes pages out when it needs memory.
   *
   * The system tells nothing of the page cache of a file that this user neither owns nor may write to. Then `resident` is
   * `'yes'` if all pages are in the page table of this process, as after `prefetch()`, and `'unknown'` if not.
   *
   * @param range - @default the whole mapping
   * @throws (rejects with) `ERR_OUT_OF_RANGE`, also for a `bucket` so small that there would be more than 2^31 - 1 of them;
   *   `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_CLOSED`, also when it is closed meanwhile;
   *   `ERR_MEMMAP_FAULT`; the reason of the signal; `ENOMEM` when the buckets don't fit in memory
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
   * The same as `residency()`, on this thread: some milliseconds for each GiB.
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
   * Takes the pages that a range touches out of memory, on another thread: out of this mapping, and out of the page cache.
   * **Nothing is lost**: what is dirty is written to its file first, as by `flush()`, and what is private stays, or goes
   * to the swap space if there is any. The bytes come back from the disk at the next touch.
   *
   * Some pages may stay, and the result says how many bytes they have: those that are locked, that another mapping or process
   * uses, that are private where there is no swap space, that are stored into meanwhile, and those of a large page of
   * which the range has but a part. A mapping of mode `r` or `c` can let go of the pages that it has touched only where this
   * user owns the file or may write to it.
   *
   * @param range - @default the whole mapping
   * @throws (rejects with) `ERR_MEMMAP_FLUSH_LOST` and the errors of msync(2), when a dirty page can't be written: it is not
   *   evicted then; `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_CLOSED`, also
   *   when it is closed meanwhile; `ERR_MEMMAP_FAULT`; the reason of the signal
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
   * The same as `evict()`, on this thread: nothing else runs until the disk has what was dirty.
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
   * Keeps the pages that a range touches in memory, until they are unlocked or the mapping is closed; brings them in first, on
   * another thread. Touching them never waits for a disk then.
   *
   * Bytes are locked, and not how often: locking some of them again changes nothing, and one `unlockMemory()` unlocks them. A
   * page stays as long as one byte of it is locked. What fails or is cancelled locks nothing that was not locked before.
   * A store into a page of mode `c` makes a copy, which is locked as well. Other mappings have locks of their own;
   * child processes inherit none.
   *
   * @param range - @default the whole mapping
   * @throws (rejects with) `ERR_MEMMAP_MEMLOCK_LIMIT` when the process may not lock so much (RLIMIT_MEMLOCK);
   *   `ERR_MEMMAP_MAP_COUNT`; `ENOMEM`; `ERR_MEMMAP_UNSUPPORTED` for `onFault` where the system can't; `ERR_OUT_OF_RANGE`;
   *   `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_FAULT` when a page can't be had; `ERR_MEMMAP_CLOSED`,
   *   also when it is closed meanwhile; the reason of the signal
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
   * The same as `lockMemory()`, on this thread: without `onFault` nothing else runs until all pages have come.
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
   * Lets the system take the pages of a range out of memory again, except those in which other bytes are still locked. What
   * isn't locked stays so. It waits for no disk.
   *
   * @param range - @default the whole mapping
   * @throws `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_MAP_COUNT`;
   *   `ERR_MEMMAP_CLOSED`; `ERR_MEMMAP_FAULT`
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
   * Proves that every byte of a range can be loaded, by bringing all of its pages into memory on another thread; a page that
   * can't be had is an error, and neither a signal nor a fault of the mapping. What happens to the file afterwards it can't
   * know. Nothing becomes dirty, and private pages stay shared with the file.
   *
   * With `forWriting` it proves too that the disk has room for every store: holes of the file get blocks.
   *
   * @param range - @default the whole mapping
   * @throws (rejects with) `ERR_MEMMAP_FAULT` with the `offset` of the first page that can't be had and the `reason`
   *   `'truncated'`, `'nospace'` or `'io'`, also where the file ends within the last page; `ERR_MEMMAP_READ_ONLY` for
   *   `forWriting` in mode `r` or under `protect('r')`; `ERR_MEMMAP_UNSUPPORTED` for `forWriting` in mode `c`, without a file,
   *   and on file systems without fallocate(2); `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`;
   *   `ERR_MEMMAP_CLOSED`, also when it is closed meanwhile; the reason of the signal
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
   * The same as `verify()`, on this thread: nothing else runs until all pages have come.
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
