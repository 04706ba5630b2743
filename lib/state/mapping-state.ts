/**
 * The facade's side of a Region: its native handle, who is using it, and how it ends. Its life is that of Node's FileHandle:
 * `close()` lets nothing new begin, waits for the last user, and is the same promise each time.
 */
import { onAbort, unlessStopped } from '../base/abort.js'
import { memmapError, MemmapError, startStackBelow } from '../base/errors.js'
import { faultError, faultTotal, watchFaults } from './faults.js'
import { enter, type Entry, leave, nameOf, traceCaller } from './registry.js'
import { call, callAsync, native, type NativeJob, type NativeMapping } from '../base/native.js'
import { invalidArgType } from '../base/validate.js'
import { ArrayBuffers } from './array-buffers.js'

/** How a mapping may be used; the letters of `fs` and of numpy. */
export type Mode = 'r' | 'r+' | 'w+' | 'wx+' | 'c'

/** Keeps `close()` waiting until it is released. */
export interface Pin {
  /** Lets go. Doing so again does nothing. */
  release(): void
  /** The same as `release()`, for `using`. */
  [Symbol.dispose](): void
}

/** What a Region is made with, besides its native handle. */
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

/** The state of one mapping. */
export class MappingState implements Entry {
  readonly native: NativeMapping
  readonly id: number
  readonly path: string | undefined
  readonly label: string | undefined
  readonly mode: Mode
  readonly shared: boolean
  readonly offset: number
  readonly arrayBuffers: ArrayBuffers
  /** The Mapping, which lives as long as this does: views, pins and iterators hold it so. */
  owner: object | undefined
  #length: number
  #pins = 0
  #jobs = 0
  readonly #stops = new Set<(reason: unknown) => void>()
  // Long jobs, for those who wait until one has heard that it is to stop.
  readonly #running = new WeakMap<NativeJob, Promise<unknown>>()
  readonly #ends = new Set<() => void>()
  #closing: Promise<void> | undefined
  #closed = false
  #gone = false
  #closedAt: string | undefined
  #idle: (() => void) | undefined
  // The process's number of faults when this was last known to have none: asking for that one is cheaper.
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

  /** In bytes. It changes with `resize()` and `refresh()` only. */
  get length(): number {
    return this.#length
  }

  /** Nothing behind this length is handed out any more. */
  setLength(length: number): void {
    this.#length = length
    this.arrayBuffers.setLength(length)
  }

  /** Has the length that the native half has. */
  followLength(): void {
    this.setLength(this.native.length)
  }

  /** True where the library itself may write. */
  get writable(): boolean {
    return this.mode !== 'r'
  }

  /** Enters it in the ledger, when its Mapping is there. */
  enter(owner: object, stack: string | undefined): void {
    this.owner = owner
    enter(this, stack, false)
  }

  /** Throws if this is closed. */
  checkOpen(): void {
    if (this.#closed) throw this.#closedError()
  }

  /** Throws if this is closed or has faulted. Call it after the last thing that could run code of the user. */
  check(): void {
    this.checkOpen()
    if (this.hasFaulted) throw faultError(this)
  }

  /** Whether a page could not be delivered. */
  get hasFaulted(): boolean {
    // Asked before the mapping's own number, so that a fault in between is seen the next time.
    const total = faultTotal()
    if (total === this.#healthyAt) return false
    if (this.native.faultCount() > 0) return true
    this.#healthyAt = total
    return false
  }

  /** The same before writing: throws also if this is read-only. */
  checkWritable(): void {
    this.check()
    if (this.writable) return
    throw memmapError(
      'ERR_MEMMAP_READ_ONLY',
      `The mapping of ${nameOf(this)} is read-only: map it with mode 'r+' to write to the file, or with 'c' to write privately`,
      { path: this.path },
    )
  }

  /** Calls the native half. A fault that it met on the way is told as every later call will tell it. */
  run<T>(operation: (native: NativeMapping) => T): T {
    try {
      return call(() => operation(this.native))
    } catch (error) {
      throw this.#retell(error)
    }
  }

  /** The same for a job on another thread. `close()` waits for it. */
  async runJob<T>(operation: (native: NativeMapping) => Promise<T>): Promise<T> {
    this.#jobs++
    try {
      return await callAsync(() => operation(this.native))
    } catch (error) {
      throw this.#retell(error)
    } finally {
      this.#jobs--
      this.#wake()
    }
  }

  /**
   * The same for a long job. Closing the mapping or aborting the signal ends it: the promise rejects at once, with
   * `ERR_MEMMAP_CLOSED` or the signal's reason. What still runs then is told to stop, and `close()` waits for it.
   */
  async runCancellable<T>(
    operation: (native: NativeMapping, job: NativeJob) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    if (signal?.aborted) throw signal.reason
    this.check()
    const job = new native.NativeJob()
    const cancelling =
      (stop: (reason: unknown) => void) =>
      (reason: unknown): void => {
        job.cancel()
        stop(reason)
      }
    const begin = (): Promise<T> => {
      const work = this.runJob((handle) => operation(handle, job))
      this.#running.set(job, work)
      return work
    }
    try {
      return await unlessStopped(
        begin,
        (stop) => this.onClosing(cancelling(stop)),
        (stop) => onAbort(signal, cancelling(stop)),
      )
    } catch (error) {
      // A race is not among the promises through which the engine finds the callers that await.
      if (error instanceof MemmapError && !signal?.aborted) startStackBelow(error, this.runCancellable)
      throw error
    }
  }

  /** Is fulfilled when a long job is no more, which may be a moment after it was told to stop. */
  async ended(job: NativeJob): Promise<void> {
    await this.#running.get(job)?.catch(() => {})
  }

  /** Throws if a page could not be delivered, if the file no longer reaches to the end, or if a flush of it has failed. */
  assertHealthy(): void {
    this.check()
    this.run((handle) => {
      handle.checkExtent(0, this.length)
      handle.checkDamage()
    })
  }

  /** The same as `pin()`, for users: throws if this is closed or has faulted. */
  pinOpen(): Pin {
    this.check()
    return this.pin()
  }

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

  /** The same for a holder that can let go early: closing calls `stop`, with the error to end with, instead of waiting. */
  pinUntil(stop: (reason: unknown) => void): Pin {
    const pin = this.pin()
    this.#stops.add(stop)
    const release = (): void => {
      this.#stops.delete(stop)
      pin.release()
    }
    return { release, [Symbol.dispose]: release }
  }

  /** Has `stop` called, with the error to end with, when this begins to close. Gives what takes that back. */
  onClosing(stop: (reason: unknown) => void): () => void {
    this.#stops.add(stop)
    return () => this.#stops.delete(stop)
  }

  /** Has `end` called when the pages have gone, as the last thing. Gives what takes that back. */
  onClosed(end: () => void): () => void {
    this.#ends.add(end)
    return () => this.#ends.delete(end)
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

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

  /** Throws if pins are held or jobs under way. */
  checkIdle(): void {
    if (this.#users === 0) return
    throw memmapError(
      'ERR_MEMMAP_BUSY',
      `The mapping of ${nameOf(this)} is in use: ${this.#pins} pins, ${this.#jobs} jobs; release the pins, and await what is under way`,
      { path: this.path },
    )
  }

  get #users(): number {
    return this.#pins + this.#jobs
  }

  // Without users the views are empty when this returns its promise, not only when that is fulfilled.
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
    const where = this.#closedAt === undefined ? '' : `; it was closed\n${this.#closedAt}`
    return memmapError('ERR_MEMMAP_CLOSED', `The mapping of ${nameOf(this)} is closed${where}`, { path: this.path })
  }

  #retell(error: unknown): unknown {
    const isFault = error instanceof MemmapError && error.code === 'ERR_MEMMAP_FAULT'
    return isFault && this.native.faultCount() > 0 ? faultError(this) : error
  }
}
