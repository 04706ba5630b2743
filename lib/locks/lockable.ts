import type { FileLock } from './file-lock.js'
import type { LockOptions, LockRange, LockState, LockSyncOptions, TryLockOptions } from './options.js'

/** Advisory locks on the file of a mapping. */
export interface Lockable {
  /**
   * Locks the file, or a range of it, against others who ask for locks; waits as long as need be, on a thread of this library.
   * The lock is held until it is released, or the mapping closed. It keeps nobody from reading or writing.
   *
   * Everyone else is kept out alike: other processes, other threads, and other locks of this mapping. The range may reach beyond
   * the end of the mapping and of the file. Locks with a shared and an exclusive side, byte ranges that overlap, and waiting in
   * the kernel's order are described in docs/locks.md.
   *
   * @param options - without a range the lock is of everything from the mapping's first byte on
   * @throws (rejects with) `ERR_MEMMAP_LOCK_TIMEOUT`, or `ERR_MEMMAP_LOCK_BUSY` for a timeout of 0; the signal's reason;
   *   `EBADF` for an exclusive lock in the modes `r` and `c`; `ERR_MEMMAP_UNSUPPORTED` for anonymous memory, and for ranges where
   *   the file system has no locks of ranges; `ERR_MEMMAP_LOCK_REPLACED` where the file can't be opened again; the errors of
   *   fcntl(2), such as `ENOLCK`; `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_CLOSED`, also
   *   when it is closed meanwhile
   * @see https://man7.org/linux/man-pages/man2/F_OFD_SETLK.2const.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmap } from 'memmap'
   *
   * const mapping = await mmap('counters.bin', { mode: 'w+', size: 4096 })
   * const lock = await mapping.lock({ offset: 8, length: 8, timeout: 5000 })
   * const counters = mapping.array(BigUint64Array)
   * counters[1] = (counters[1] ?? 0n) + 1n
   * lock.unlock()
   * assert.equal(lock.held, false)
   * await mapping.close()
   * ```
   */
  lock(options?: LockOptions): Promise<FileLock>

  /**
   * The same as `lock()`, on this thread: nothing else runs until the lock is there.
   *
   * @throws as `lock()` rejects; `ERR_MEMMAP_LOCK_DEADLOCK` when this thread itself has a lock that is in the way, or waits for
   *   one
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapSync } from 'memmap'
   *
   * const mapping = mmapSync('counters.bin', { mode: 'w+', size: 4096 })
   * const lock = mapping.lockSync()
   * assert.throws(() => mapping.lockSync(), { code: 'ERR_MEMMAP_LOCK_DEADLOCK' })
   * lock.unlock()
   * mapping.closeSync()
   * ```
   */
  lockSync(options?: LockSyncOptions): FileLock

  /**
   * Takes a lock if that can be done at once, ahead of those who wait for it.
   *
   * @returns the lock, or null where somebody has one that is in its way
   * @throws as `lock()` rejects, but for waiting
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapSync } from 'memmap'
   *
   * const mapping = mmapSync('records.bin', { mode: 'w+', size: 4096 })
   * const first = mapping.tryLock({ offset: 0, length: 64 })
   * const second = mapping.tryLock({ offset: 64, length: 64 })
   * assert(first !== null && second !== null)
   * assert.equal(mapping.tryLock({ mode: 'shared' }), null)
   * mapping.closeSync()
   * assert.equal(first.held, false)
   * ```
   */
  tryLock(options?: TryLockOptions): FileLock | null

  /**
   * Says who has locks in a range at this moment, this process included. It may be different at the next: to lock, ask for the
   * lock.
   *
   * @throws `ERR_MEMMAP_UNSUPPORTED` for anonymous memory, and where the file system has no locks of ranges; the errors of
   *   fcntl(2); `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`
   * @see https://man7.org/linux/man-pages/man2/F_GETLK.2const.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapSync } from 'memmap'
   *
   * const mapping = mmapSync('records.bin', { mode: 'w+', size: 4096 })
   * const lock = mapping.lockSync({ mode: 'shared', length: 64 })
   * assert.equal(mapping.testLock(), 'shared')
   * assert.equal(mapping.testLock({ offset: 64 }), 'free')
   * lock.unlock()
   * mapping.closeSync()
   * ```
   */
  testLock(range?: LockRange): LockState
}
