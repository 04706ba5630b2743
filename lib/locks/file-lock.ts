/**
 * Locks on files: taking, upgrading, downgrading and releasing them.
 */
import { inspect, type InspectOptions } from 'node:util'
import { threadId } from 'node:worker_threads'
import { checkConstruct, CONSTRUCT } from '../base/construct.js'
import { MemmapError } from '../base/errors.js'
import { traceCaller } from '../state/registry.js'
import {
  type LockMethod,
  type LockMode,
  type LockRange,
  type LockRequest,
  type LockState,
  type LockWaitOptions,
  parseLockRange,
  parseLockWait,
} from './options.js'
import { type LockTarget, restack, settle } from './wait.js'
import {
  call,
  callAsync,
  type NativeRequest,
  native,
  type NativeLockFile,
  type NativeLockRequest,
  translate,
} from '../base/native.js'
import { type Bytes, parseOptions } from '../base/validate.js'

// The limit of one blocking wait in native code, in milliseconds. A worker can be terminated only between two waits.
const MAX_BLOCKING_WAIT = 100

// A lock without references is still held, because its owner may still be working on the file. This set keeps held locks from
// being garbage-collected.
const held = new Set<FileLock>()

native.releaseLocksAtEnd(threadId)

/** Makes a `FileLock` for a native lock handle. */
let makeLock: (handle: number, target: LockTarget, request: LockRequest) => FileLock

/**
 * A lock on a file, or on a range of it. It is held until it is released: by `unlock()` or `using`, by closing the mapping that
 * it was taken from, or by the end of its thread or process, for any reason. Garbage collection never releases a lock.
 *
 * Locks are advisory: they exclude only other requests for locks. They do not stop reads or writes.
 *
 * @see https://man7.org/linux/man-pages/man2/F_OFD_SETLK.2const.html
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { fileLock, FileLock } from 'memmap'
 *
 * const lock = await fileLock('one-at-a-time.lock', { create: true })
 * assert(lock instanceof FileLock && lock.held)
 * lock.unlock()
 * assert(!lock.held)
 * ```
 */
export class FileLock {
  static {
    makeLock = (handle, target, request) => new FileLock(CONSTRUCT, handle, target, request)
  }

  readonly #id: number
  readonly #request: LockRequest
  readonly #target: LockTarget
  readonly #forget: () => void
  readonly #method: LockMethod
  #mode: LockMode

  private constructor(token: typeof CONSTRUCT, handle: number, target: LockTarget, request: LockRequest) {
    checkConstruct(token)
    this.#id = handle
    this.#target = target
    this.#request = request
    this.#mode = request.mode
    this.#method = target.file.method as LockMethod
    this.#forget = target.onClosed(() => this.unlock())
    held.add(this)
  }

  /** The path of the file as it was given, as a string; undefined for descriptors. */
  get path(): string | undefined {
    return this.#target.path
  }

  /** The current mode; after the release, the last mode. */
  get mode(): LockMode {
    return this.#mode
  }

  /** The requested offset of the first byte, counted from the start of the mapping, or of the file for a lock without mapping. */
  get offset(): Bytes {
    return this.#request.offset
  }

  /** The requested length in bytes; 0 means everything from `offset` on, even if the file grows. */
  get length(): Bytes {
    return this.#request.length
  }

  /** Whether the lock is held; false after it was released or lost. */
  get held(): boolean {
    return held.has(this)
  }

  /** The kind of lock that the operating system provides for this file. */
  get method(): LockMethod {
    return this.#method
  }

  /**
   * Makes a shared lock exclusive, and waits as long as necessary. The lock stays shared until then, and if the upgrade fails.
   * Two upgrades at the same time would wait for each other forever. Within a process the second one fails with
   * `ERR_MEMMAP_LOCK_DEADLOCK`; between processes, use `timeout` or `signal` to end the wait.
   *
   * @throws (rejects with) `ERR_MEMMAP_LOCK_DEADLOCK`; `ERR_MEMMAP_LOCK_TIMEOUT`, or `ERR_MEMMAP_LOCK_BUSY` for a timeout of 0;
   *   the signal's reason; `ERR_MEMMAP_LOCK_RELEASED` when the lock was released before or during the wait; `ERR_MEMMAP_LOCK_LOST`;
   *   `ERR_MEMMAP_UNSUPPORTED` for `flock`, which cannot upgrade without losing the lock; `EBADF` when the file is open for reading only;
   *   `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { fileLock } from 'memmap'
   *
   * const lock = await fileLock('data.lock', { mode: 'shared', create: true })
   * await lock.upgrade({ timeout: 5000 })
   * assert.equal(lock.mode, 'exclusive')
   * lock.unlock()
   * ```
   */
  async upgrade(options?: LockWaitOptions): Promise<void> {
    // Validate arguments
    const given = parseOptions(options, 'options', ['timeout', 'signal'])

    // Interpret options
    const { timeout, signal } = parseLockWait(given)

    // Validate interpreted options
    if (signal?.aborted) throw signal.reason
    if (timeout === 0) {
      if (!this.tryUpgrade()) throw restack(translate(this.#busyError()), signal, this.upgrade)
      return
    }
    const stack = traceCaller(this.upgrade)
    const wait = {
      timeout,
      signal,
      target: this.#target,
      timeoutError: () => this.#busyError(timeout),
      undo: () => this.#restoreShared(),
    }
    try {
      await settle((request) => native.upgradeLock(this.#id, stack, request), wait)
      this.#mode = 'exclusive'
    } catch (error) {
      throw this.#dropIfLost(restack(error, signal, this.upgrade))
    }
  }

  /**
   * Makes a shared lock exclusive if no other lock conflicts at this moment. Never waits.
   *
   * @returns whether the lock is exclusive now
   * @throws as `upgrade()` rejects, except for the errors of waiting
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { tryFileLock } from 'memmap'
   *
   * const lock = tryFileLock('data.lock', { mode: 'shared', create: true })
   * const other = tryFileLock('data.lock', { mode: 'shared' })
   * assert.equal(lock?.tryUpgrade(), false)
   * other?.unlock()
   * assert.equal(lock?.tryUpgrade(), true)
   * lock?.unlock()
   * ```
   */
  tryUpgrade(): boolean {
    const isExclusive = this.#run(() => native.tryUpgradeLock(this.#id), this.tryUpgrade)
    if (isExclusive) this.#mode = 'exclusive'
    return isExclusive
  }

  /**
   * Makes an exclusive lock shared. At no moment in between can another lock be exclusive.
   *
   * @throws `ERR_MEMMAP_LOCK_RELEASED`, `ERR_MEMMAP_LOCK_LOST`; `ERR_MEMMAP_UNSUPPORTED` for `flock`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { fileLockSync, testFileLock } from 'memmap'
   *
   * const lock = fileLockSync('data.lock', { create: true })
   * lock.downgrade()
   * assert.equal(testFileLock('data.lock'), 'shared')
   * lock.unlock()
   * ```
   */
  downgrade(): void {
    this.#run(() => native.downgradeLock(this.#id), this.downgrade)
    this.#mode = 'shared'
  }

  /**
   * Releases the lock. Further calls do nothing.
   *
   * @throws `ERR_MEMMAP_LOCK_LOST` when a file server had lost the lock; the lock is released in any case
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { fileLockSync, testFileLock } from 'memmap'
   *
   * const lock = fileLockSync('data.lock', { create: true })
   * lock.unlock()
   * lock.unlock()
   * assert.equal(testFileLock('data.lock'), 'free')
   * ```
   */
  unlock(): void {
    if (!held.delete(this)) return
    this.#forget()
    call(() => native.releaseLock(this.#id), this.unlock)
  }

  /** Releases the lock as `unlock()` does, for `using`. */
  [Symbol.dispose](): void {
    this.unlock()
  }

  /** Releases the lock as `unlock()` does, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.unlock()
  }

  /** Returns the text that `console.log` shows. */
  [inspect.custom](depth: number | null, options: InspectOptions): string {
    if (depth !== null && depth < 0) return '[FileLock]'
    const { path, mode, offset, length, held: isHeld, method } = this
    const shown = { ...(path !== undefined && { path }), mode, offset, length, held: isHeld, method }
    return `FileLock ${inspect(shown, { ...options, depth: depth ?? null })}`
  }

  #restoreShared(): void {
    if (!held.has(this)) return
    try {
      native.downgradeLock(this.#id)
    } catch {
      // The upgrade already fails with another error. The next call reports this one.
    }
  }

  #busyError(waited?: number): unknown {
    try {
      return native.busyLock(this.#id, waited)
    } catch (error) {
      return error // the lock was released
    }
  }

  #run<T>(operation: () => T, hide: (...args: never[]) => unknown): T {
    try {
      return call(operation, hide)
    } catch (error) {
      throw this.#dropIfLost(error)
    }
  }

  // A lock that the system has lost is no longer held.
  #dropIfLost(error: unknown): unknown {
    if (error instanceof MemmapError && error.code === 'ERR_MEMMAP_LOCK_LOST') {
      held.delete(this)
      this.#forget()
      native.releaseLock(this.#id)
    }
    return error
  }
}

/** Takes a lock. `later`: try on another thread, because the file must be opened first. */
export async function lock(
  target: LockTarget,
  request: LockRequest,
  later: boolean,
  hide: (...args: never[]) => unknown,
): Promise<FileLock> {
  const { wish, timeout, signal } = request
  const { file } = target
  if (signal?.aborted) throw signal.reason
  target.check()
  if (timeout === 0 || !later) {
    const isSingleTry = timeout === 0
    const now =
      isSingleTry && later
        ? await callAsync(() => file.tryLockLater(wish))
        : call(() => tryNow(file, wish, !isSingleTry), hide)
    if (now !== 0) return makeLock(now, target, request)
    if (isSingleTry) throw restack(translate(file.busy(wish)), signal, hide)
  }
  const wait = {
    timeout,
    signal,
    target,
    timeoutError: () => file.busy(wish, timeout),
    undo: (pending: NativeLockRequest) => pending.takeBack(),
    drop: native.releaseLock,
  }
  try {
    const handle = await settle((pending) => file.lock(wish, later, pending), wait)
    return makeLock(handle, target, request)
  } catch (error) {
    throw restack(error, signal, lock)
  }
}

/** Takes a lock, and blocks this thread until it is held. */
export function lockSync(target: LockTarget, request: LockRequest, hide: (...args: never[]) => unknown): FileLock {
  const { wish, timeout } = request
  const { file } = target
  target.check()
  const now = call(() => tryNow(file, wish, timeout !== 0), hide)
  if (now !== 0) return makeLock(now, target, request)
  if (timeout === 0) throw restack(translate(file.busy(wish)), undefined, hide)

  const blocking = call(() => file.lockBlocking(wish), hide)
  const end = timeout === undefined ? Infinity : performance.now() + timeout
  for (;;) {
    const remaining = end - performance.now()
    const handle =
      remaining > 0 ? call(() => blocking.wait(Math.min(remaining, MAX_BLOCKING_WAIT)), hide) : blocking.cancel()
    if (handle !== 0) return makeLock(handle, target, request)
    if (remaining <= 0) throw restack(translate(file.busy(wish, timeout)), undefined, hide)
  }
}

/** Takes a lock if no other lock conflicts; otherwise returns null. */
export function tryLock(
  target: LockTarget,
  request: LockRequest,
  hide: (...args: never[]) => unknown,
): FileLock | null {
  target.check()
  const handle = call(() => tryNow(target.file, request.wish, false), hide)
  return handle === 0 ? null : makeLock(handle, target, request)
}

// Passes the fields separately: an object would cost as much time as the lock itself.
function tryNow(file: NativeLockFile, wish: NativeRequest, isFair: boolean): number {
  return file.tryLock(wish.exclusive, wish.offset, wish.length, wish.thread, isFair, wish.stack)
}

/** Reports which kind of lock is held in a range. */
export function testLock(
  target: LockTarget,
  range: Partial<LockRange>,
  hide: (...args: never[]) => unknown,
): LockState {
  const { offset, length } = parseLockRange(range, target.base)
  target.check()
  return call(() => target.file.testLock(offset, length), hide) as LockState
}
