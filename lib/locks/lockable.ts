import type { FileLock } from './file-lock.js'
import type { LockOptions, LockRange, LockState, LockSyncOptions, TryLockOptions } from './options.js'

/** Advisory locks on the file of a mapping. */
export interface Lockable {
  /**
   * Takes an advisory lock on the file, or on a range of it. Waits as long as necessary, on a thread of this library. The lock
   * is held until it is released or the mapping is closed. It does not stop other code from reading or writing.
   *
   * The lock excludes other processes, other threads, and other locks of this mapping alike. The range may reach past the end
   * of the mapping and of the file. docs/locks.md describes shared and exclusive locks, overlapping ranges, and the order in
   * which waiters get the lock.
   *
   * @param options - a range, `mode`, `timeout` in milliseconds and `signal`; without a range the lock covers everything from
   *   the first byte of the mapping on
   * @throws (rejects with) `ERR_MEMMAP_LOCK_TIMEOUT`, or `ERR_MEMMAP_LOCK_BUSY` for a timeout of 0; the signal's reason;
   *   `EBADF` for an exclusive lock in the modes `r` and `c`; `ERR_MEMMAP_UNSUPPORTED` for anonymous memory, and for ranges on
   *   file systems without range locks; `ERR_MEMMAP_LOCK_REPLACED` when the file cannot be opened again; the errors of
   *   fcntl(2), such as `ENOLCK`; `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_CLOSED`,
   *   also when the mapping is closed during the wait
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
   * Does what `lock()` does, on this thread: no other code of this thread runs until the lock is held.
   *
   * @throws as `lock()` rejects; `ERR_MEMMAP_LOCK_DEADLOCK` when this thread itself holds, or waits for, a conflicting lock
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
   * Takes a lock if no other lock conflicts with it at this moment, even if earlier requests are waiting. Never waits.
   *
   * @returns the lock, or null when another lock conflicts with it
   * @throws as `lock()` rejects, except for the errors of waiting
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
   * Reports which locks are held in a range at this moment, by this process or another. The answer may be out of date at once:
   * use `tryLock()` to test and take a lock in one step.
   *
   * @throws `ERR_MEMMAP_UNSUPPORTED` for anonymous memory, and on file systems without range locks; the errors of fcntl(2);
   *   `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_MEMMAP_CLOSED`
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
