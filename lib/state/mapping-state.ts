/**
 * The JavaScript state of a mapping: its native handle, its users (pins and running jobs), and its closing. Closing works as
 * for a FileHandle of Node: `close()` refuses new operations, waits for the last user, and returns the same promise each time.
 */
import { onAbort, unlessStopped } from '../base/abort.js'
import { memmapError, MemmapError, startStackBelow } from '../base/errors.js'
import { faultError, faultTotal, watchFaults } from './faults.js'
import { enter, type Entry, leave, nameOf, traceCaller } from './registry.js'
import { call, callAsync, native, type NativeCancelToken, type NativeMapping } from '../base/native.js'
import { invalidArgType } from '../base/validate.js'
import { ArrayBuffers } from './array-buffers.js'

/**
 * The mode of a mapping: how the file is opened, and what happens to stores. The names are those of `fs` and, for `c`, of numpy.
 *
 * - `r`: reads. Stores through a view stay private to this process.
 * - `r+`: reads and writes a file that exists. Anonymous memory has this mode.
 * - `w+`: creates the file, or empties it, then reads and writes.
 * - `wx+`: as `w+`, but fails if the file exists.
 * - `c`: reads and writes; all changes stay private to this process (copy on write).
 */
export type Mode = 'r' | 'r+' | 'w+' | 'wx+' | 'c'

/** A pin on a mapping: `close()` waits until it is released. */
export interface Pin {
  /** Releases the pin. A second call does nothing. */
  release(): void
  /** Does what `release()` does, for `using`. */
  [Symbol.dispose](): void
}

/** The properties of a new MappingState, besides its native handle. */
export interface MappingTraits {
  readonly path: string | undefined
  readonly label: string | undefined
  readonly mode: Mode
  readonly shared: boolean
  readonly stack: string | undefined
}

/** The key under which a Mapping gives its state to the modules of this library. */
export const STATE: unique symbol = Symbol('memmap.state')

/** Returns the state of a Mapping. Throws `ERR_INVALID_ARG_TYPE` for anything else. */
export function stateOf(mapping: unknown, name = 'mapping'): MappingState {
  const isObject = typeof mapping === 'object' && mapping !== null
  const state: unknown = isObject ? Reflect.get(mapping, STATE) : undefined
  if (state instanceof MappingState) return state
  throw invalidArgType(name, ['Mapping'], mapping)
}

/** The state of one mapping: its native handle, its users, and its closing. */
export class MappingState implements Entry {
  readonly native: NativeMapping
  readonly id: number
  readonly path: string | undefined
  readonly label: string | undefined
  readonly mode: Mode
  readonly shared: boolean
  readonly offset: number
  readonly arrayBuffers: ArrayBuffers
  /** The Mapping, which lives as long as this state. Views, pins and iterators keep this state alive. */
  owner: object | undefined
  #length: number
  #pins = 0
  #jobs = 0
  readonly #stops = new Set<(reason: unknown) => void>()
  // The promises of running cancellable jobs by their tokens, for callers that wait until a cancelled job has ended.
  readonly #running = new WeakMap<NativeCancelToken, Promise<unknown>>()
  readonly #ends = new Set<() => void>()
  #closing: Promise<void> | undefined
  #closed = false
  #gone = false
  #closedAt: string | undefined
  #idle: (() => void) | undefined
  // The number of faults of the whole process when this mapping last had none. While that number stays the same, this mapping has
  // none either; comparing numbers is cheaper than a native call.
  #healthyAt = -1

  constructor(handle: NativeMapping, traits: MappingTraits) {
    watchFaults()
    this.native = handle
    this.id = handle.id
    this.path = traits.path
    this.label = traits.label
    this.mode = traits.mode
    this.offset = handle.offset
    this.#length = handle.length
    this.shared = traits.shared
    this.arrayBuffers = new ArrayBuffers(this, traits.shared)
  }

  /** True from the moment that `close()` is called. */
  get closed(): boolean {
    return this.#closed
  }

  /** The length in bytes. Only `resize()` and `refresh()` change it. */
  get length(): number {
    return this.#length
  }

  /** Sets the length. New views, copies and iterators end there. */
  setLength(length: number): void {
    this.#length = length
    this.arrayBuffers.setLength(length)
  }

  /** Sets the length to that of the native mapping. */
  followLength(): void {
    this.setLength(this.native.length)
  }

  /** True if methods of the library may write into the mapping. */
  get writable(): boolean {
    return this.mode !== 'r'
  }

  /** Enters this state in the registry, together with its Mapping. */
  enter(owner: object, stack: string | undefined): void {
    this.owner = owner
    enter(this, stack, false)
  }

  /** Throws if the mapping is closed. */
  checkOpen(): void {
    if (this.#closed) throw this.#closedError()
  }

  /**
   * Throws if the mapping is closed or has faulted. Callers first read all arguments, since reading them may run code of the user
   * that closes the mapping.
   */
  check(): void {
    this.checkOpen()
    if (this.hasFaulted) throw faultError(this)
  }

  /** True if a page could not be delivered. */
  get hasFaulted(): boolean {
    // Read before the count of this mapping, so that the next call notices a fault that happens between the two.
    const total = faultTotal()
    if (total === this.#healthyAt) return false
    if (this.native.faultCount() > 0) return true
    this.#healthyAt = total
    return false
  }

  /** Throws if the mapping is closed, has faulted or is read-only. */
  checkWritable(): void {
    this.check()
    if (this.writable) return
    throw memmapError(
      'ERR_MEMMAP_READ_ONLY',
      `The mapping of ${nameOf(this)} is read-only; map the file with mode 'r+' to write to it, or with mode 'c' for private changes`,
      { path: this.path },
    )
  }

  /** Calls the native half. After a fault during the call, throws the error that every later call throws too. */
  run<T>(operation: (native: NativeMapping) => T): T {
    try {
      return call(() => operation(this.native))
    } catch (error) {
      throw this.#toFaultError(error)
    }
  }

  /** Does what `run()` does for a job on another thread. `close()` waits for the job. */
  async runJob<T>(operation: (native: NativeMapping) => Promise<T>): Promise<T> {
    this.#jobs++
    try {
      return await callAsync(() => operation(this.native))
    } catch (error) {
      throw this.#toFaultError(error)
    } finally {
      this.#jobs--
      this.#wake()
    }
  }

  /**
   * Does what `runJob()` does for a job that can be cancelled. Closing the mapping or aborting the signal cancels the job: the
   * promise rejects at once, with `ERR_MEMMAP_CLOSED` or the signal's reason. `close()` waits until the job has ended.
   */
  async runCancellable<T>(
    operation: (native: NativeMapping, token: NativeCancelToken) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    if (signal?.aborted) throw signal.reason
    this.check()
    const token = new native.NativeCancelToken()
    const cancelling =
      (stop: (reason: unknown) => void) =>
      (reason: unknown): void => {
        token.cancel()
        stop(reason)
      }
    const begin = (): Promise<T> => {
      const work = this.runJob((handle) => operation(handle, token))
      this.#running.set(token, work)
      return work
    }
    try {
      return await unlessStopped(
        begin,
        (stop) => this.onClosing(cancelling(stop)),
        (stop) => onAbort(signal, cancelling(stop)),
      )
    } catch (error) {
      // The error has no chain of awaiting callers (see `unlessStopped`), so its stack starts at the caller of this method.
      if (error instanceof MemmapError && !signal?.aborted) startStackBelow(error, this.runCancellable)
      throw error
    }
  }

  /** Waits until the job with this token has ended, which may be a moment after it was cancelled. */
  async ended(token: NativeCancelToken): Promise<void> {
    await this.#running.get(token)?.catch(() => {})
  }

  /** Throws if a page could not be delivered, if the file is shorter than the mapping, or if a flush of the file has failed. */
  assertHealthy(): void {
    this.check()
    this.run((handle) => {
      handle.checkExtent(0, this.length)
      handle.checkDamage()
    })
  }

  /** Does what `pin()` does, but throws if the mapping is closed or has faulted. */
  pinOpen(): Pin {
    this.check()
    return this.pin()
  }

  /** Makes `close()` wait until the pin is released. */
  pin(): Pin {
    let held = true
    const release = (): void => {
      if (!held) return
      held = false
      this.#countPin(-1)
      this.#wake()
    }
    this.#countPin(1)
    return { release, [Symbol.dispose]: release }
  }

  /**
   * Does what `pin()` does, for holders that can stop: when the mapping begins to close, calls `stop` with the error to report.
   */
  pinUntil(stop: (reason: unknown) => void): Pin {
    const pin = this.pin()
    this.#stops.add(stop)
    const release = (): void => {
      this.#stops.delete(stop)
      pin.release()
    }
    return { release, [Symbol.dispose]: release }
  }

  /** Calls `stop` with the error to report when the mapping begins to close. Returns a function that removes `stop`. */
  onClosing(stop: (reason: unknown) => void): () => void {
    this.#stops.add(stop)
    return () => this.#stops.delete(stop)
  }

  /** Calls `end` after the mapping has closed and its pages are unmapped. Returns a function that removes `end`. */
  onClosed(end: () => void): () => void {
    this.#ends.add(end)
    return () => this.#ends.delete(end)
  }

  /** Closes the mapping when its last user has gone. Returns the same promise each time. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  /** Closes the mapping. Throws `ERR_MEMMAP_BUSY` if it has users. */
  closeSync(): void {
    if (this.#gone) return
    this.checkIdle()
    this.#refuse()
    this.#closing ??= Promise.resolve()
    this.#stop()
    this.arrayBuffers.detach()
    try {
      call(() => this.native.closeSync())
    } finally {
      this.#leave()
    }
  }

  /** Throws if pins are held or jobs are running. */
  checkIdle(): void {
    if (this.#users === 0) return
    throw memmapError(
      'ERR_MEMMAP_BUSY',
      `The mapping of ${nameOf(this)} is in use by ${this.#pins} pins and ${this.#jobs} running operations; release the pins, and await the operations`,
      { path: this.path },
    )
  }

  get #users(): number {
    return this.#pins + this.#jobs
  }

  // Without users, the views are empty when this returns its promise, which is fulfilled later.
  async #close(): Promise<void> {
    this.#refuse()
    this.#stop()
    if (this.#users > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    this.arrayBuffers.detach()
    try {
      await callAsync(() => this.native.close())
    } finally {
      this.#leave()
    }
  }

  #stop(): void {
    for (const stop of this.#stops) stop(this.#closedError())
  }

  #refuse(): void {
    this.#closed = true
    this.#closedAt ??= traceCaller(this.#refuse)
  }

  #wake(): void {
    if (this.#users === 0) this.#idle?.()
  }

  #leave(): void {
    if (this.#gone) return
    this.#gone = true
    leave(this)
    const failures: unknown[] = []
    for (const end of this.#ends) {
      try {
        end()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  #countPin(by: 1 | -1): void {
    this.#pins += by
    this.native.addPins(by)
  }

  #closedError(): MemmapError {
    const where = this.#closedAt === undefined ? '' : `; it was closed here:\n${this.#closedAt}`
    return memmapError('ERR_MEMMAP_CLOSED', `The mapping of ${nameOf(this)} is closed${where}`, { path: this.path })
  }

  #toFaultError(error: unknown): unknown {
    const isFault = error instanceof MemmapError && error.code === 'ERR_MEMMAP_FAULT'
    return isFault && this.native.faultCount() > 0 ? faultError(this) : error
  }
}
