/**
 * A lock on a file: how it is taken, changed and released.
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

// So long a thread stands still at a stretch, in milliseconds: in between it can be terminated.
const STANDSTILL = 100

// A lock that nobody refers to any more is still held: its owner may well be at work on the file. So the garbage collector
// must not find it.
const held = new Set<FileLock>()

native.releaseLocksAtEnd(threadId)

/** Makes a lock of what the native half gave. */
let present: (handle: number, target: LockTarget, request: LockRequest) => FileLock

/**
 * A lock that is held, until it is released: by `unlock()` or `using`, by closing the mapping that it was taken from, or by the
 * end of its thread or process, however that comes about. The garbage collector releases none.
 *
 * Locks are advisory: they keep out those who ask for them, and nobody else.
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
    present = (handle, target, request) => new FileLock(CONSTRUCT, handle, target, request)
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

  /** The file as it was given, as a string; undefined for descriptors. */
  get path(): string | undefined {
    return this.#target.path
  }

  /** What it is now; after it was released, what it was. */
  get mode(): LockMode {
    return this.#mode
  }

  /** Where it begins, as it was asked for: in bytes of the mapping that it was taken from, else of the file. */
  get offset(): Bytes {
    return this.#request.offset
  }

  /** In bytes, as it was asked for; 0: all from there on, however long the file gets. */
  get length(): Bytes {
    return this.#request.length
  }

  /** False once it was released, or lost. */
  get held(): boolean {
    return held.has(this)
  }

  /** Which of the system's locks it is. */
  get method(): LockMethod {
    return this.#method
  }

  /**
   * Waits until it is exclusive. It stays shared until then, and also when that fails. Two who upgrade at the same time would
   * wait for each other for ever: within a process the second one is refused, between processes only `timeout` and `signal`
   * help.
   *
   * @throws (rejects with) `ERR_MEMMAP_LOCK_DEADLOCK`; `ERR_MEMMAP_LOCK_TIMEOUT`, or `ERR_MEMMAP_LOCK_BUSY` for a timeout of 0;
   *   the signal's reason; `ERR_MEMMAP_LOCK_RELEASED` when it was released, also meanwhile; `ERR_MEMMAP_LOCK_LOST`;
   *   `ERR_MEMMAP_UNSUPPORTED` for `flock`, which would lose the lock; `EBADF` when the file is open for reading only;
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
      if (!this.tryUpgrade()) throw restack(translate(this.#busy()), signal, this.upgrade)
      return
    }
    const stack = traceCaller(this.upgrade)
    const waiting = {
      timeout,
      signal,
      target: this.#target,
      late: () => this.#busy(timeout),
      undo: () => this.#backToShared(),
    }
    try {
      await settle((request) => native.upgradeLock(this.#id, stack, request), waiting)
      this.#mode = 'exclusive'
    } catch (error) {
      throw this.#look(restack(error, signal, this.upgrade))
    }
  }

  /**
   * Makes it exclusive if that can be done at once.
   *
   * @returns whether it is exclusive now
   * @throws as `upgrade()` rejects, but for waiting
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
   * Makes it shared, with no moment in between in which another one could be exclusive.
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
   * Releases it. Doing so again does nothing.
   *
   * @throws `ERR_MEMMAP_LOCK_LOST` when a file server had forgotten it; it is released in any case
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

  /** The same as `unlock()`, for `using`. */
  [Symbol.dispose](): void {
    this.unlock()
  }

  /** The same as `unlock()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.unlock()
  }

  /** What `console.log` shows. */
  [inspect.custom](depth: number | null, options: InspectOptions): string {
    if (depth !== null && depth < 0) return '[FileLock]'
    const { path, mode, offset, length, held: isHeld, method } = this
    const shown = { ...(path !== undefined && { path }), mode, offset, length, held: isHeld, method }
    return `FileLock ${inspect(shown, { ...options, depth: depth ?? null })}`
  }

  #backToShared(): void {
    if (!held.has(this)) return
    try {
      native.downgradeLock(this.#id)
    } catch {
      // There is an error to be told already; the next call will tell this one.
    }
  }

  #busy(waited?: number): unknown {
    try {
      return native.busyLock(this.#id, waited)
    } catch (error) {
      return error // it was released
    }
  }

  #run<T>(operation: () => T, hide: (...args: never[]) => unknown): T {
    try {
      return call(operation, hide)
    } catch (error) {
      throw this.#look(error)
    }
  }

  // One that the system has lost is none any more.
  #look(error: unknown): unknown {
    if (error instanceof MemmapError && error.code === 'ERR_MEMMAP_LOCK_LOST') {
      held.delete(this)
      this.#forget()
      native.releaseLock(this.#id)
    }
    return error
  }
}

/** Takes a lock; `later`: not on this thread, because the file has to be opened first. */
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
    const once = timeout === 0
    const now =
      once && later ? await callAsync(() => file.tryLockLater(wish)) : call(() => tryNow(file, wish, !once), hide)
    if (now !== 0) return present(now, target, request)
    if (once) throw restack(translate(file.busy(wish)), signal, hide)
  }
  const waiting = {
    timeout,
    signal,
    target,
    late: () => file.busy(wish, timeout),
    undo: (waits: NativeLockRequest) => waits.takeBack(),
    drop: native.releaseLock,
  }
  try {
    const handle = await settle((waits) => file.lock(wish, later, waits), waiting)
    return present(handle, target, request)
  } catch (error) {
    throw restack(error, signal, lock)
  }
}

/** Takes a lock, and keeps this thread waiting for it. */
export function lockSync(target: LockTarget, request: LockRequest, hide: (...args: never[]) => unknown): FileLock {
  const { wish, timeout } = request
  const { file } = target
  target.check()
  const now = call(() => tryNow(file, wish, timeout !== 0), hide)
  if (now !== 0) return present(now, target, request)
  if (timeout === 0) throw restack(translate(file.busy(wish)), undefined, hide)

  const blocking = call(() => file.lockBlocking(wish), hide)
  const end = timeout === undefined ? Infinity : performance.now() + timeout
  for (;;) {
    const rest = end - performance.now()
    const handle = rest > 0 ? call(() => blocking.wait(Math.min(rest, STANDSTILL)), hide) : blocking.cancel()
    if (handle !== 0) return present(handle, target, request)
    if (rest <= 0) throw restack(translate(file.busy(wish, timeout)), undefined, hide)
  }
}

/** Takes a lock, or null. */
export function tryLock(
  target: LockTarget,
  request: LockRequest,
  hide: (...args: never[]) => unknown,
): FileLock | null {
  target.check()
  const handle = call(() => tryNow(target.file, request.wish, false), hide)
  return handle === 0 ? null : present(handle, target, request)
}

// One by one, since making an object of them costs as much as the lock.
function tryNow(file: NativeLockFile, wish: NativeRequest, polite: boolean): number {
  return file.tryLock(wish.exclusive, wish.offset, wish.length, wish.thread, polite, wish.stack)
}

/** Looks who has locks. */
export function testLock(
  target: LockTarget,
  range: Partial<LockRange>,
  hide: (...args: never[]) => unknown,
): LockState {
  const { offset, length } = parseLockRange(range, target.base)
  target.check()
  return call(() => target.file.testLock(offset, length), hide) as LockState
}
