/**
 * Goes ahead of somebody who walks through a range from front to back: brings pages into memory, on threads of ours, while he
 * works on those before, and lets go of the ones behind him.
 *
 *     start        released        used         until           ready            goal        end
 *       |-- let go of --|-- behind --|-- in use --|-- in memory --|-- on the way --|------------|
 *
 * The one who walks says where he is, with `before()`, and what he is done with, with `behind()`.
 */
import { MemmapError } from '../base/errors.js'
import { callAsync, native, type NativeJob } from '../base/native.js'
import type { MappingState } from '../state/mapping-state.js'
import { logFailure, type Plan, planWalk } from './read-ahead-policy.js'

/** How to go ahead. */
export interface AheadOptions {
  /** The most bytes that are brought in at once. @default 32 MiB */
  readonly window?: number | undefined
  /** Let go of pages that were used. @default false */
  readonly dropBehind?: boolean | undefined
  /** Ends a wait; its reason is what the wait rejects with. @default none */
  readonly signal?: AbortSignal | undefined
  /** Nobody will wait: only drop behind. @default false */
  readonly isBlocking?: boolean | undefined
}

// The first bytes are waited for, so there are few of them; each time after that twice as many, up to a window.
const FIRST_STEP = 2 ** 20

// The cache keeps a file in pieces of up to this, each at a multiple of its size, and lets go of none of which a part is
// spared.
const LARGEST_FOLIO = 2 ** 21

export class Ahead {
  readonly #state: MappingState
  readonly #start: number
  readonly #end: number
  readonly #plan: Plan
  readonly #signal: AbortSignal | undefined
  readonly #isBlocking: boolean
  #step = FIRST_STEP
  #released: number
  #used: number
  #ready: number
  #fetched: number
  #fetching: number
  #goal: number
  #job: NativeJob | undefined
  #working: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined
  #isCautious = false
  #ended = false

  constructor(state: MappingState, start: number, end: number, options: AheadOptions = {}) {
    const { window, dropBehind = false, signal, isBlocking = false } = options
    this.#state = state
    this.#start = this.#released = this.#used = this.#ready = this.#fetched = this.#fetching = this.#goal = start
    this.#end = end
    this.#plan = planWalk(state, start, end, { isBlocking, dropBehind, window })
    this.#signal = signal
    this.#isBlocking = isBlocking
    if (this.#plan.window === 0) this.#ready = end
  }

  /**
   * Is called before these bytes are touched. Without a promise they are in memory now. With one, they are when it is
   * fulfilled; it rejects when the mapping is closed or the signal aborted, or when the disk fails.
   */
  before(offset: number, length: number): Promise<void> | undefined {
    const until = Math.min(offset + length, this.#end)
    if (this.#used < offset) this.#used = offset
    if (until + this.#plan.reach > this.#goal) {
      this.#goal = Math.min(until + this.#plan.reach, this.#end)
      this.#goOn(until)
    }
    return until <= this.#ready ? undefined : this.#wait(until)
  }

  /** Is called when nobody needs what lies before `offset` any more. */
  behind(offset: number): void {
    if (this.#used < offset) this.#used = offset
    if (this.#plan.drop === 0 || offset - this.#released < this.#plan.drop) return
    this.#release(offset - ((this.#state.offset + offset) % LARGEST_FOLIO))
  }

  /** Ends it, and lets go of what was brought in, if pages are dropped at all. Ending it again does nothing. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#job?.cancel()
    if (this.#plan.drop > 0 && !this.#state.closed) this.#release(Math.max(this.#used, this.#fetching))
  }

  async #wait(until: number): Promise<void> {
    while (until > this.#ready && !this.#ended) {
      if (this.#failure !== undefined) throw this.#failure.error
      if (this.#working === undefined) this.#goOn(until)
      await unlessAborted(this.#working, this.#signal)
    }
  }

  // One job at a time: two would make the disk jump between them.
  #goOn(until: number): void {
    while (this.#working === undefined && this.#failure === undefined && !this.#ended && this.#ready < this.#end) {
      const isNeeded = this.#ready < until
      const step = this.#isCautious ? 0 : this.#step
      const size = Math.min(Math.max(step, until - this.#ready), this.#end - this.#ready)
      // Not before there is room for a whole step: asking costs a call.
      if (!isNeeded && (this.#isCautious || this.#ready + size > this.#goal)) return
      this.#step = Math.min(this.#step * 2, this.#plan.window)
      // A file that is in memory needs no thread. Of one that was not, the system itself reads some ahead, but doesn't map it.
      const isAsked = isNeeded || this.#fetched === this.#start
      if (isAsked && this.#isResident(size)) this.#ready += size
      else this.#working = this.#fetch(size, until)
    }
  }

  // What can't be asked, of a mapping that was closed meanwhile, can't be fetched either: that tells why.
  #isResident(size: number): boolean {
    try {
      return this.#state.run((handle) => handle.isResident(this.#ready, size))
    } catch {
      return false
    }
  }

  // Not counted among the jobs of the mapping: a loop that holds nothing between two steps can close it in any way. The
  // native half holds the pages, a few MiB at a time, and sees that it was closed.
  async #fetch(size: number, until: number): Promise<void> {
    const job = (this.#job = new native.NativeJob())
    this.#fetching = this.#ready + size
    try {
      await callAsync(() => this.#state.native.prefetch(this.#ready, size, job))
      this.#fetched = this.#ready += size
    } catch (error) {
      this.#fail(error, this.#ready + size <= until)
    }
    this.#working = undefined
    this.#goOn(this.#ready)
  }

  // A page that can't be had is an error for who comes to it, not for who is far from it: from then on no more is fetched than
  // is needed. A system that can't fetch is none at all.
  #fail(error: unknown, isNeeded: boolean): void {
    if (error instanceof MemmapError && error.syscall !== undefined) {
      logFailure(this.#state, 'fetching ahead', error)
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

  // It takes milliseconds, which only a loop that waits for everything has to spend itself.
  #release(until: number): void {
    const from = this.#released
    this.#released = Math.max(from, until)
    const length = this.#released - from
    const failed = (error: unknown): void => logFailure(this.#state, 'letting go of pages', error)
    const releaseNow = (): void => {
      try {
        this.#state.run((handle) => handle.releaseSync(from, length))
      } catch (error) {
        failed(error)
      }
    }
    if (this.#isBlocking) return releaseNow()
    // A mapping that is closed before the thread comes to it has no pages any more, but its file still has.
    const forget = this.#state.onClosing(releaseNow)
    void callAsync(() => this.#state.native.release(from, length))
      .catch(failed)
      .finally(forget)
  }
}

/** Waits for a promise, but no longer than until the signal is aborted. */
async function unlessAborted(promise: Promise<void> | undefined, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return promise
  if (signal.aborted) throw signal.reason
  let forget: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort)
    forget = () => signal.removeEventListener('abort', abort)
  })
  try {
    await Promise.race([promise, aborted])
  } finally {
    forget?.()
  }
}
