/**
 * Locks on files without a mapping, and the list of all locks.
 */
import { type FileLock, lock, lockSync, testLock, tryLock } from './file-lock.js'
import { traceCaller } from '../state/registry.js'
import {
  type FileLockOptions,
  type FileLockSyncOptions,
  type LockInfo,
  type LockRange,
  type LockState,
  OPTIONS,
  parseRequest,
  RANGE_OPTIONS,
  SYNC_OPTIONS,
  TRY_OPTIONS,
  type TryFileLockOptions,
} from './options.js'
import type { LockTarget } from './wait.js'
import { call, native } from '../base/native.js'
import { type MappingSource, parseSource } from '../open-options.js'
import { invalidArgValue, parseBoolean, parseOptions } from '../base/validate.js'

/**
 * Locks a file, or a range of it, without mapping it. Waits as long as necessary, on a thread of this library.
 *
 * A lock belongs to the file and not to its name. If another file takes the name during the wait, the wait continues on that
 * file. When the promise is fulfilled, the lock is on the file that has the name.
 *
 * @param source - a path (string, file URL, or bytes in UTF-8), a FileHandle, or a file descriptor
 * @throws (rejects with) `ERR_MEMMAP_LOCK_TIMEOUT`, or `ERR_MEMMAP_LOCK_BUSY` for a timeout of 0; the signal's reason;
 *   `ERR_MEMMAP_LOCK_REPLACED`; `ERR_MEMMAP_UNSUPPORTED` for anything but a file, and for ranges on file systems without range
 *   locks; `EBADF` for an exclusive lock by a descriptor that is not open for writing; the errors of open(2) and fcntl(2), such as
 *   `ENOENT` and `ENOLCK`; `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`
 * @see https://man7.org/linux/man-pages/man2/F_OFD_SETLK.2const.html
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { fileLock } from 'memmap'
 *
 * const lock = await fileLock('service.lock', { create: true })
 * await assert.rejects(fileLock('service.lock', { timeout: 10 }), { code: 'ERR_MEMMAP_LOCK_TIMEOUT' })
 * lock.unlock()
 * ```
 */
export async function fileLock(source: MappingSource, options?: FileLockOptions): Promise<FileLock> {
  const stack = traceCaller(fileLock)
  const given = parseOptions(options, 'options', [...OPTIONS, 'create'])
  const target = fileTarget(source, given.create)
  return lock(target, parseRequest(given, target.base, stack), true, fileLock)
}

/**
 * Does what `fileLock()` does, on this thread: no other code of this thread runs until the lock is held.
 *
 * @throws as `fileLock()` rejects; `ERR_MEMMAP_LOCK_DEADLOCK` when this thread itself holds, or waits for, a
 *   conflicting lock
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { fileLockSync } from 'memmap'
 *
 * const lock = fileLockSync('service.lock', { create: true })
 * assert.throws(() => fileLockSync('service.lock'), { code: 'ERR_MEMMAP_LOCK_DEADLOCK' })
 * lock.unlock()
 * ```
 */
export function fileLockSync(source: MappingSource, options?: FileLockSyncOptions): FileLock {
  const stack = traceCaller(fileLockSync)
  const given = parseOptions(options, 'options', [...SYNC_OPTIONS, 'create'])
  const target = fileTarget(source, given.create)
  return lockSync(target, parseRequest(given, target.base, stack), fileLockSync)
}

/**
 * Locks a file without mapping it, if no other lock conflicts at this moment. Never waits; opens the file on this thread.
 *
 * @returns the lock, or null when another lock conflicts with it
 * @throws as `fileLock()` rejects, except for the errors of waiting
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { tryFileLock } from 'memmap'
 *
 * const lock = tryFileLock('service.lock', { create: true })
 * assert(lock !== null)
 * assert.equal(tryFileLock('service.lock'), null)
 * lock.unlock()
 * ```
 */
export function tryFileLock(source: MappingSource, options?: TryFileLockOptions): FileLock | null {
  const stack = traceCaller(tryFileLock)
  const given = parseOptions(options, 'options', [...TRY_OPTIONS, 'create'])
  const target = fileTarget(source, given.create)
  return tryLock(target, parseRequest(given, target.base, stack), tryFileLock)
}

/**
 * Reports which kind of lock is held in a range of a file at this moment. The answer may be outdated at once: to be sure, take
 * the lock.
 *
 * @throws `ERR_MEMMAP_UNSUPPORTED` for anything but a file, and on file systems without range locks; the errors of open(2)
 *   and fcntl(2); `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`
 * @see https://man7.org/linux/man-pages/man2/F_GETLK.2const.html
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { fileLockSync, testFileLock } from 'memmap'
 *
 * const lock = fileLockSync('data.lock', { create: true, offset: 10, length: 5 })
 * assert.equal(testFileLock('data.lock'), 'exclusive')
 * assert.equal(testFileLock('data.lock', { length: 10 }), 'free')
 * lock.unlock()
 * ```
 */
export function testFileLock(source: MappingSource, range?: LockRange): LockState {
  const given = parseOptions(range, 'range', RANGE_OPTIONS)
  const target = fileTarget(source, undefined)
  return testLock(target, given, testFileLock)
}

/**
 * Lists all locks that this process holds or waits for, on all threads, oldest first.
 *
 * Set the environment variable `MEMMAP_TRACE=1` to record the stack of each request.
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { fileLockSync, locks } from 'memmap'
 *
 * const lock = fileLockSync('data.lock', { create: true })
 * assert.deepEqual(locks().map(({ path, mode, state }) => [path, mode, state]), [['data.lock', 'exclusive', 'held']])
 * lock.unlock()
 * assert.deepEqual(locks(), [])
 * ```
 */
export function locks(): LockInfo[] {
  return native.locks() as LockInfo[]
}

function fileTarget(source: MappingSource, givenCreate: unknown): LockTarget {
  const from = parseSource(source)
  const create = parseBoolean(givenCreate, 'options.create') ?? false
  if ('fd' in from && create) {
    throw invalidArgValue('options.create', create, 'cannot be used with a descriptor, only with a path')
  }
  const { NativeLockFile } = native
  const file =
    'fd' in from ? call(() => NativeLockFile.ofDescriptor(from.fd)) : NativeLockFile.ofPath(from.path, create)
  const path = 'path' in from ? from.path : undefined
  return { file, path, base: 0, check: () => {}, onClosing: () => () => {}, onClosed: () => () => {} }
}
