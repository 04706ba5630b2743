/**
 * Read-ahead and drop-behind for a loop that goes through a range from its start to its end: brings pages into memory on a
 * native thread before the loop touches them, and drops pages that the loop has used.
 *
 *     start       released      used       until         ready         goal        end
 *       |-- dropped --|-- used --|-- in use --|-- in memory --|-- on the way --|------|
 *
 * The loop calls `prepare()` before it touches bytes, and `markUsed()` when it no longer needs them.
 */
import { onAbort, unlessStopped } from '../base/abort.js'
import { MemmapError } from '../base/errors.js'
import { callAsync, native, type NativeCancelToken } from '../base/native.js'
import type { MappingState } from '../state/mapping-state.js'
import { chooseReadAheadPolicy, logFailure, type ReadAheadPolicy } from './read-ahead-policy.js'

export interface ReadAheadOptions {
  /** The most bytes to bring into memory at once. @default 32 MiB */
  readonly maxStep?: number | undefined
  /** Drop pages that were used. @default false */
  readonly dropBehind?: boolean | undefined
  /** Ends a wait, which then rejects with the signal's reason. @default none */
  readonly signal?: AbortSignal | undefined
  /** The loop cannot wait: no read-ahead, only drop-behind. @default false */
  readonly isBlocking?: boolean | undefined
}

// The loop waits for the first bytes, so the first step is small. Each following step is twice as large, up to the limit of
// the policy.
const FIRST_STEP = 2 ** 20

// The page cache keeps a file in runs of pages (folios) of up to this size, each aligned to its size. It drops a folio only as
// a whole.
const MAX_FOLIO_SIZE = 2 ** 21

export class ReadAhead {
  readonly #state: MappingState
  readonly #start: number
  readonly #end: number
  readonly #policy: ReadAheadPolicy
  readonly #signal: AbortSignal | undefined
  readonly #isBlocking: boolean
  #step = FIRST_STEP
  // Offsets; see the picture above.
  #released: number
  #used: number
  #ready: number
  #goal: number
  // The end of the last fetch that was completed, and of the last one that was begun.
  #fetched: number
  #fetching: number
  #job: NativeCancelToken | undefined
  #working: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined
  // Set after a failed fetch of bytes that the loop did not need yet: from then on only needed bytes are fetched.
  #isCautious = false
  #ended = false

  constructor(state: MappingState, start: number, end: number, options: ReadAheadOptions = {}) {
    const { maxStep, dropBehind = false, signal, isBlocking = false } = options
    this.#state = state
    this.#start = this.#released = this.#used = this.#ready = this.#fetched = this.#fetching = this.#goal = start
    this.#end = end
    this.#policy = chooseReadAheadPolicy(state, start, end, { isBlocking, dropBehind, maxStep })
    this.#signal = signal
    this.#isBlocking = isBlocking
    if (this.#policy.maxStep === 0) this.#ready = end
  }

  /**
   * Prepares a range that the loop is about to touch. Returns undefined if it is in memory now, and otherwise a promise that is
   * fulfilled when it is. The promise rejects when the mapping is closed, the signal is aborted, or the disk fails.
   */
  prepare(offset: number, length: number): Promise<void> | undefined {
    const until = Math.min(offset + length, this.#end)
    if (this.#used < offset) this.#used = offset
    if (until + this.#policy.distance > this.#goal) {
      this.#goal = Math.min(until + this.#policy.distance, this.#end)
      this.#fetchMore(until)
    }
    return until <= this.#ready ? undefined : this.#wait(until)
  }

  /** Marks everything before `offset` as used: no byte of it is needed any more. */
  markUsed(offset: number): void {
    if (this.#used < offset) this.#used = offset
    if (this.#policy.dropInterval === 0 || offset - this.#released < this.#policy.dropInterval) return
    this.#release(offset - ((this.#state.offset + offset) % MAX_FOLIO_SIZE))
  }

  /** Ends it. With drop-behind, drops also the pages that were fetched and not used. Further calls do nothing. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#job?.cancel()
    if (this.#policy.dropInterval > 0 && !this.#state.closed) this.#release(Math.max(this.#used, this.#fetching))
  }

  async #wait(until: number): Promise<void> {
    while (until > this.#ready && !this.#ended) {
      if (this.#failure !== undefined) throw this.#failure.error
      if (this.#working === undefined) this.#fetchMore(until)
      const signal = this.#signal
      if (signal?.aborted) throw signal.reason
      await unlessStopped(
        () => this.#working,
        (stop) => onAbort(signal, stop),
      )
    }
  }

  // One fetch at a time: two would make the disk jump between them.
  #fetchMore(until: number): void {
    while (this.#working === undefined && this.#failure === undefined && !this.#ended && this.#ready < this.#end) {
      const isNeeded = this.#ready < until
      const step = this.#isCautious ? 0 : this.#step
      const size = Math.min(Math.max(step, until - this.#ready), this.#end - this.#ready)
      // Wait until there is room for a whole step: each fetch costs a call.
      if (!isNeeded && (this.#isCautious || this.#ready + size > this.#goal)) return
      this.#step = Math.min(this.#step * 2, this.#policy.maxStep)
      // A file that is in memory needs no thread. For a file that was not, the kernel itself reads ahead, but does not map the
      // pages: after a fetch, checking again is worthwhile only for needed bytes.
      const isChecked = isNeeded || this.#fetched === this.#start
      if (isChecked && this.#isResident(size)) this.#ready += size
      else this.#working = this.#fetch(size, until)
    }
  }

  // If the mapping was closed meanwhile, the check fails. Then the fetch fails too, and reports the reason.
  #isResident(size: number): boolean {
    try {
      return this.#state.run((handle) => handle.isResident(this.#ready, size))
    } catch {
      return false
    }
  }

  // Not counted among the jobs of the mapping: a loop holds nothing between two steps, so the mapping can be closed in either
  // way. The native half holds the pages for a few MiB at a time, and notices that the mapping was closed.
  async #fetch(size: number, until: number): Promise<void> {
    const job = (this.#job = new native.NativeCancelToken())
    this.#fetching = this.#ready + size
    try {
      await callAsync(() => this.#state.native.prefetch(this.#ready, size, job))
      this.#fetched = this.#ready += size
    } catch (error) {
      this.#fail(error, this.#ready + size <= until)
    }
    this.#working = undefined
    this.#fetchMore(this.#ready)
  }

  // A page that cannot be read is an error for a loop that needs it now. If the loop is still far from it, only needed bytes
  // are fetched from then on. If the system does not support fetching, read-ahead is turned off.
  #fail(error: unknown, isNeeded: boolean): void {
    if (error instanceof MemmapError && error.syscall !== undefined) {
      logFailure(this.#state, 'read-ahead', error)
      this.#ready = this.#end
    } else if (isNeeded || this.#state.closed) {
      this.#failure = { error: this.#reasonFor(error) }
    } else {
      this.#isCautious = true
    }
  }

  #reasonFor(error: unknown): unknown {
    try {
      this.#state.check()
      return error
    } catch (reason) {
      return reason
    }
  }

  // Takes milliseconds. Only a blocking loop spends them on its own thread.
  #release(until: number): void {
    const from = this.#released
    this.#released = Math.max(from, until)
    const length = this.#released - from
    const failed = (error: unknown): void => logFailure(this.#state, 'drop-behind', error)
    const releaseNow = (): void => {
      try {
        this.#state.run((handle) => handle.releaseSync(from, length))
      } catch (error) {
        failed(error)
      }
    }
    if (this.#isBlocking) return releaseNow()
    // If the mapping is closed before the native thread starts, its pages are gone from this process, but those of the file are
    // still in the page cache.
    const forget = this.#state.onClosing(releaseNow)
    void callAsync(() => this.#state.native.release(from, length))
      .catch(failed)
      .finally(forget)
  }
}
