/**
 * What every mapping is: an identity, views, copies, advice, flushing, and an end. Each method has its work done in the
 * module of its topic; what they promise is written here. What goes through a mapping from one end to the other is in
 * `mapping.ts`.
 */
import { inspect, type InspectOptions } from 'node:util'
import { type Advice, advise, type Discard, discard, type Protection, protect } from './residency/advice.js'
import { copyWithin, type Data, fill, read, readInto, type Target, write } from './views/copy.js'
import { withCode } from './base/errors.js'
import { type Fault, faultsOf } from './state/faults.js'
import type { FileLock } from './locks/file-lock.js'
import { flush, type FlushOptions, type FlushResult, flushSync } from './durability/flush.js'
import { lock, lockSync, testLock, tryLock } from './locks/mapping-lock.js'
import type { LockOptions, LockRange, LockState, LockSyncOptions, TryLockOptions } from './locks/options.js'
import { type Mode, type Pin, MappingState } from './state/mapping-state.js'
import { refresh, refreshSync, resize, type ResizeOptions, resizeSync } from './growth/resize.js'
import type { Bytes, Range } from './base/validate.js'
import { arrayView, bufferView, dataView, type TypedArray, type TypedArrayConstructor } from './views/views.js'

/** The Region of a mapping, for the modules of this library. */
export let stateOf: (memory: Memory) => MappingState

/** @internal The part of `Mapping` that does not walk. */
export class Memory {
  static {
    stateOf = (memory) => memory.#state
  }

  readonly #state: MappingState

  /** @internal */
  constructor(state: MappingState, stack: string | undefined) {
    if (!(state instanceof MappingState))
      throw withCode(new TypeError('Illegal constructor'), 'ERR_ILLEGAL_CONSTRUCTOR')
    this.#state = state
    state.enter(this, stack)
  }

  /** The file as it was given, as a string; undefined for descriptors and anonymous memory. */
  get path(): string | undefined {
    return this.#state.path
  }

  /** How it may be used: `r`, `r+`, `w+`, `wx+` or `c`. Anonymous memory is `r+`. */
  get mode(): Mode {
    return this.#state.mode
  }

  /** Where in the file it begins, in bytes. */
  get offset(): number {
    return this.#state.offset
  }

  /** In bytes. Only `resize()` and `refresh()` change it; it stays the same after closing. */
  get length(): number {
    return this.#state.length
  }

  /** The name that it was given. */
  get label(): string | undefined {
    return this.#state.label
  }

  /** True from the moment that `close()` is called, even while that waits for pins. */
  get closed(): boolean {
    return this.#state.closed
  }

  /** The pages that the system could not deliver, oldest first; at most 16. */
  get faults(): Fault[] {
    return faultsOf(this.#state)
  }

  /**
   * Gives a Buffer over a range: no copy, so that a store into it is a store into the mapping. Closing empties it.
   *
   * @param offset bytes; 0 to `mapping.length` @default 0
   * @param length bytes; at most 2^31 - 1 @default as many as there are from `offset` on
   * @throws `ERR_MEMMAP_VIEW_TOO_LARGE` when it would be longer than that, or than an ArrayBuffer of this runtime can be;
   *   `ERR_MEMMAP_UNSUPPORTED` where the runtime refuses views of foreign memory; `ERR_OUT_OF_RANGE`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFileSync } from 'node:fs'
   * import { mmapSync } from 'memmap'
   *
   * writeFileSync('hello.txt', 'hello world')
   * const mapping = mmapSync('hello.txt')
   * const view = mapping.buffer(6)
   * assert.equal(view.toString(), 'world')
   * mapping.closeSync()
   * assert.equal(view.length, 0)
   * ```
   */
  buffer(offset?: Bytes, length?: Bytes): Buffer {
    return bufferView(this.#state, offset, length)
  }

  /**
   * Gives a typed array over a range, as `new Type(arrayBuffer, offset, length)` would. The bytes are in the processor's order.
   *
   * @param Type `Float64Array`, `BigInt64Array`, `Uint8Array`, … or a subclass
   * @param offset bytes; `mapping.offset + offset` must be a multiple of the size of an element @default 0
   * @param length **elements**, not bytes; at most 2^31 - 1 @default all from `offset` on, which must come out even
   * @throws `ERR_MEMMAP_MISALIGNED`, `ERR_MEMMAP_VIEW_TOO_LARGE`, `ERR_MEMMAP_UNSUPPORTED`, `ERR_OUT_OF_RANGE`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapSync } from 'memmap'
   *
   * const mapping = mmapSync('numbers.f64', { mode: 'w+', size: 800 })
   * const numbers = mapping.array(Float64Array)
   * numbers[99] = Math.PI
   * assert.equal(numbers.length, 100)
   * assert.equal(mapping.array(Float64Array, 99 * 8, 1)[0], Math.PI)
   * mapping.closeSync()
   * ```
   */
  array<T extends TypedArray>(Type: TypedArrayConstructor<T>, offset?: Bytes, length?: Bytes): T {
    return arrayView(this.#state, Type, offset, length)
  }

  /**
   * Gives a DataView over a range, for numbers at any offset and in either byte order. It may be as long as an ArrayBuffer of
   * the runtime can be. After closing its methods throw a `TypeError`.
   *
   * @param offset bytes @default 0
   * @param length bytes @default as many as there are from `offset` on
   * @throws `ERR_MEMMAP_VIEW_TOO_LARGE`, `ERR_MEMMAP_UNSUPPORTED`, `ERR_OUT_OF_RANGE`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(64)
   * memory.dataView(3, 8).setBigUint64(0, 42n, true)
   * assert.equal(memory.buffer()[3], 42)
   * memory.closeSync()
   * ```
   */
  dataView(offset?: Bytes, length?: Bytes): DataView {
    return dataView(this.#state, offset, length)
  }

  /**
   * Copies a range into a new Buffer, which outlives the mapping.
   *
   * @throws `ERR_MEMMAP_VIEW_TOO_LARGE` for more than 2^31 - 1 bytes; `ERR_MEMMAP_FAULT` when a page can't be delivered;
   *   `ERR_OUT_OF_RANGE`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFileSync } from 'node:fs'
   * import { mmapSync } from 'memmap'
   *
   * writeFileSync('hello.txt', 'hello world')
   * const mapping = mmapSync('hello.txt')
   * const copy = mapping.read({ offset: 6, length: 5 })
   * mapping.closeSync()
   * assert.equal(copy.toString(), 'world')
   * ```
   */
  read(range?: Range): Buffer {
    return read(this.#state, range)
  }

  /**
   * Copies bytes from `offset` on into `target`, until that is full.
   *
   * @param target a Buffer, typed array, DataView or ArrayBuffer
   * @param offset bytes @default 0
   * @returns the number of bytes copied, which is the length of `target` in bytes
   * @throws `ERR_OUT_OF_RANGE` when there are fewer bytes, with nothing copied; `ERR_MEMMAP_FAULT` when a page can't be delivered
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(8)
   * memory.write(Uint8Array.of(1, 2, 3), 2)
   * const target = new Uint8Array(4)
   * assert.equal(memory.readInto(target, 1), 4)
   * assert.deepEqual([...target], [0, 1, 2, 3])
   * memory.closeSync()
   * ```
   */
  readInto(target: Target, offset?: Bytes): number {
    return readInto(this.#state, target, offset)
  }

  /**
   * Copies bytes into the mapping. They may lie in the mapping itself, and overlap where they go.
   *
   * @param data a string, of which the UTF-8 bytes are written, a Buffer, typed array, DataView or ArrayBuffer
   * @param offset bytes @default 0
   * @returns the number of bytes written, which is all of them
   * @throws `ERR_MEMMAP_READ_ONLY` in mode `r`; `ERR_OUT_OF_RANGE` when they would not fit, with nothing written;
   *   `ERR_MEMMAP_FAULT` when a page can't be delivered
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { readFileSync } from 'node:fs'
   * import { mmapSync } from 'memmap'
   *
   * const mapping = mmapSync('greeting.txt', { mode: 'w+', size: 12 })
   * assert.equal(mapping.write('grüße', 5), 7)
   * mapping.closeSync()
   * assert.equal(readFileSync('greeting.txt', 'utf8'), '\0\0\0\0\0grüße')
   * ```
   */
  write(data: Data, offset?: Bytes): number {
    return write(this.#state, data, offset)
  }

  /**
   * Fills a range with a byte, or with a pattern that repeats from its start on.
   *
   * @param value a byte (0 to 255), a string, of which the UTF-8 bytes are taken, or bytes; not empty
   * @throws `ERR_MEMMAP_READ_ONLY` in mode `r`; `ERR_OUT_OF_RANGE`; `ERR_INVALID_ARG_VALUE` when empty; `ERR_MEMMAP_FAULT`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(8)
   * memory.fill('abc', { offset: 1, length: 5 })
   * assert.equal(memory.read().toString(), '\0abcab\0\0')
   * memory.closeSync()
   * ```
   */
  fill(value: number | string | Uint8Array, range?: Range): this {
    fill(this.#state, value, range)
    return this
  }

  /**
   * Copies bytes from one place of the mapping to another, as if by way of a third: the two may overlap.
   *
   * @param target where to, in bytes
   * @param start the first byte copied
   * @param end the byte after the last one copied @default `mapping.length`
   * @throws `ERR_MEMMAP_READ_ONLY` in mode `r`; `ERR_OUT_OF_RANGE`, also for what arrays count from the end; `ERR_MEMMAP_FAULT`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(6)
   * memory.write('abcdef')
   * memory.copyWithin(2, 0, 4)
   * assert.equal(memory.read().toString(), 'ababcd')
   * memory.closeSync()
   * ```
   */
  copyWithin(target: Bytes, start: Bytes, end?: Bytes): this {
    copyWithin(this.#state, target, start, end)
    return this
  }

  /**
   * Tells the system how the pages of a range will be used. None of these changes what is read, except `hwpoison`, which breaks
   * a page, for tests. `populate-read`, `populate-write`, `pageout` and `collapse` do their work before this returns, which may
   * mean waiting for the disk; `prefetch()` and `evict()` have it done on another thread.
   *
   * @throws `ERR_MEMMAP_UNSUPPORTED` where the platform does not know the advice; `ERR_INVALID_ARG_VALUE`; `ERR_OUT_OF_RANGE`;
   *   `ERR_MEMMAP_FAULT` when a page can't be populated; the errors of madvise(2)
   * @see https://man7.org/linux/man-pages/man2/madvise.2.html
   *
   * @example
   * ```ts
   * import { writeFileSync } from 'node:fs'
   * import { mmapSync } from 'memmap'
   *
   * writeFileSync('hello.txt', 'hello world')
   * const mapping = mmapSync('hello.txt')
   * mapping.advise('random')
   * mapping.advise('willneed', { offset: 0, length: 5 })
   * mapping.closeSync()
   * ```
   */
  advise(advice: Advice, range?: Range): void {
    advise(this.#state, advice, range)
  }

  /**
   * Gives back the pages that lie whole within a range. **This destroys**: `dontneed` loses private changes, and all of
   * anonymous memory, which reads as zeros again; `free` does so when memory gets short; `remove` punches a hole into the file.
   *
   * @throws `ERR_MEMMAP_READ_ONLY` for `remove` in the modes `r` and `c`; `ERR_MEMMAP_UNSUPPORTED` where the platform does not know it;
   *   `ERR_INVALID_ARG_VALUE`; `ERR_OUT_OF_RANGE`; the errors of madvise(2)
   * @see https://man7.org/linux/man-pages/man2/madvise.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(65536).fill(1)
   * memory.discard('dontneed')
   * assert.equal(memory.buffer()[0], 0)
   * memory.closeSync()
   * ```
   */
  discard(how: Discard, range?: Range): void {
    discard(this.#state, how, range)
  }

  /**
   * Forbids (`r`) or allows again (`r+`) stores into the pages of a range. A store into a forbidden page does not end the
   * process: it stays in this process, and is reported as a fault.
   *
   * @param range begins and ends where pages of the file do, or where the mapping does @default the whole mapping
   * @throws `ERR_MEMMAP_READ_ONLY` for `r+` in mode `r`; `ERR_MEMMAP_MISALIGNED`; `ERR_INVALID_ARG_VALUE`;
   *   `ERR_OUT_OF_RANGE`; the errors of mprotect(2)
   * @see https://man7.org/linux/man-pages/man2/mprotect.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(65536)
   * memory.write('done')
   * memory.protect('r')
   * assert.equal(memory.buffer(0, 4).toString(), 'done')
   * memory.protect('r+')
   * memory.write('more')
   * memory.closeSync()
   * ```
   */
  protect(protection: Protection, range?: Range): void {
    protect(this.#state, protection, range)
  }

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
   * @param options a range, and `level`
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
  flush(options?: FlushOptions): Promise<FlushResult> {
    return flush(this.#state, options)
  }

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
  flushSync(options?: FlushOptions): FlushResult {
    return flushSync(this.#state, options)
  }

  /**
   * Makes the file `size` bytes long, and the mapping reach to its end. What is added are zeros, with blocks on the disk for all
   * of them; existing views stay as they are and where they are. Anonymous memory changes its own size.
   *
   * A file grows in place within the address space that the option `reserve` has set aside; beyond that the mapping gets another
   * place for what comes, and earlier views stay true at theirs. Private memory (anonymous, with views) can't have two places.
   *
   * Shrinking cuts off bytes that nobody can look at any more: it refuses while pins are held, something is under way, or a
   * view reaches behind the new end. Views count until the garbage collector has found them.
   *
   * @param size of the file, in bytes: at least `mapping.offset`
   * @throws (rejects with) `ENOSPC`, `EDQUOT` or `EFBIG` where the file can't grow: it is as it was; `ERR_MEMMAP_BUSY` where it
   *   can't shrink; `ERR_MEMMAP_READ_ONLY` in modes `r` and `c`; `ERR_MEMMAP_NOT_MAPPABLE` for devices;
   *   `ERR_MEMMAP_ADDRESS_SPACE` and `ERR_MEMMAP_MAP_COUNT` at limits, and for private memory without room;
   *   `ERR_MEMMAP_UNSUPPORTED` for `force` with `shared` views; `ERR_MEMMAP_FAULT`, `ERR_MEMMAP_CLOSED`, `ERR_OUT_OF_RANGE`
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
  resize(size: Bytes, options?: ResizeOptions): Promise<void> {
    return resize(this.#state, size, options)
  }

  /**
   * The same as `resize()`, on this thread.
   *
   * @param size of the file, in bytes: at least `mapping.offset`
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
  resizeSync(size: Bytes, options?: ResizeOptions): void {
    resizeSync(this.#state, size, options)
  }

  /**
   * Follows the file, which somebody else has made longer or shorter: the mapping then has all that the file has from `offset`
   * on, or as much of `length` as was asked for. Where faults had put zeros in the place of pages the file's are back, and
   * `faults` is empty; what was stored into such pages is lost, and advice on them is to be given again. With mode `c`, whose
   * pages have contents of their own, this holds for what was behind the end only.
   *
   * Views stay. One that reaches behind the new end reads zeros there, which is a fault again.
   *
   * @returns true if the length is another one now
   * @throws (rejects with) `ERR_MEMMAP_ADDRESS_SPACE` and `ERR_MEMMAP_MAP_COUNT` at limits, and with mode `c` where the option
   *   `reserve` has not set enough aside; the errors of fstat(2); `ERR_MEMMAP_CLOSED`
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
  refresh(): Promise<boolean> {
    return refresh(this.#state)
  }

  /**
   * The same as `refresh()`, on this thread.
   *
   * @returns true if the length is another one now
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
  refreshSync(): boolean {
    return refreshSync(this.#state)
  }

  /**
   * Locks the file, or a range of it, against others who ask for locks; waits as long as need be, on a thread of this library.
   * The lock is held until it is released, or the mapping closed. It keeps nobody from reading or writing.
   *
   * Everyone else is kept out alike: other processes, other threads, and other locks of this mapping. The range may reach beyond
   * the end of the mapping and of the file. Locks with a shared and an exclusive side, byte ranges that overlap, and waiting in
   * the kernel's order are described in docs/locks.md.
   *
   * @param options without a range the lock is of everything from the mapping's first byte on
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
  lock(options?: LockOptions): Promise<FileLock> {
    return lock(this.#state, options)
  }

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
  lockSync(options?: LockSyncOptions): FileLock {
    return lockSync(this.#state, options)
  }

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
  tryLock(options?: TryLockOptions): FileLock | null {
    return tryLock(this.#state, options)
  }

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
  testLock(range?: LockRange): LockState {
    return testLock(this.#state, range)
  }

  /**
   * Throws if a page could not be delivered so far, if the file has become shorter than the mapping, or if a flush of it has
   * failed. A loop over a view sees zeros in the place of what is gone; ask afterwards.
   *
   * @throws `ERR_MEMMAP_FAULT`, `ERR_MEMMAP_FLUSH_LOST`, `ERR_MEMMAP_CLOSED`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(4096)
   * const sum = memory.buffer().reduce((total, byte) => total + byte, 0)
   * memory.assertHealthy()
   * assert.equal(sum, 0)
   * memory.closeSync()
   * ```
   */
  assertHealthy(): void {
    this.#state.check()
    this.#state.run((native) => {
      native.checkExtent(0, this.length)
      native.checkDamage()
    })
  }

  /**
   * Keeps `close()` waiting, for as long as a view is in the hands of something asynchronous.
   *
   * @throws `ERR_MEMMAP_CLOSED`, `ERR_MEMMAP_FAULT`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFile } from 'node:fs/promises'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(65536)
   * const pin = memory.pin()
   * const written = writeFile('copy.bin', memory.buffer()).finally(() => pin.release())
   * const closed = memory.close()
   * assert.equal(memory.closed, true)
   * await Promise.all([written, closed])
   * ```
   */
  pin(): Pin {
    this.#state.check()
    return this.#state.pin()
  }

  /**
   * Closes the mapping: from now on every method throws; when all pins are released and all flushes done, every view becomes
   * empty and the file is let go. Code that still has the address of the memory reads zeros, or gets `EFAULT`.
   *
   * It does not flush; the system writes what was stored when it sees fit. Closing again gives the same promise.
   *
   * @see https://man7.org/linux/man-pages/man2/munmap.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(4096)
   * const view = memory.buffer()
   * await memory.close()
   * assert.equal(view.length, 0)
   * assert.throws(() => memory.buffer(), { code: 'ERR_MEMMAP_CLOSED' })
   * ```
   */
  close(): Promise<void> {
    return this.#state.close()
  }

  /**
   * The same as `close()`, at once. Closing again does nothing.
   *
   * @throws `ERR_MEMMAP_BUSY` while there are pins, or a flush under way; the mapping is then as it was
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(4096)
   * const pin = memory.pin()
   * assert.throws(() => memory.closeSync(), { code: 'ERR_MEMMAP_BUSY' })
   * pin.release()
   * memory.closeSync()
   * assert.equal(memory.closed, true)
   * ```
   */
  closeSync(): void {
    this.#state.closeSync()
  }

  /** The same as `closeSync()`, for `using`. */
  [Symbol.dispose](): void {
    this.closeSync()
  }

  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** What `console.log` shows. */
  [inspect.custom](depth: number | null, options: InspectOptions): string {
    if (depth !== null && depth < 0) return '[Mapping]'
    const { path, label, mode, offset, length, closed, faults } = this
    const shown = {
      ...(path !== undefined && { path }),
      ...(label !== undefined && { label }),
      mode,
      offset,
      length,
      closed,
      ...(faults.length > 0 && { faults }),
    }
    return `Mapping ${inspect(shown, { ...options, depth: depth ?? null })}`
  }
}
