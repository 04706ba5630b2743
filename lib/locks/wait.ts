/**
 * Waiting for a lock. A timeout, a signal or closing the mapping ends the wait.
 */
import { onAbort } from '../base/abort.js'
import { MemmapError, startStackBelow } from '../base/errors.js'
import { callAsync, native, type NativeLockFile, type NativeLockRequest, translate } from '../base/native.js'

/** A file that can be locked: that of a mapping, or a file by itself. */
export interface LockTarget {
  readonly file: NativeLockFile
  readonly path: string | undefined
  /** The offset in the file at which the offsets of the target begin, in bytes. */
  readonly base: number
  /** Throws if the target is closed. */
  check(): void
  /** Registers `stop` for the moment at which the target begins to close. Returns a function that unregisters it. */
  onClosing(stop: (reason: unknown) => void): () => void
  /** Registers `end` for the moment at which the target has closed. Returns a function that unregisters it. */
  onClosed(end: () => void): () => void
}

/** The conditions and callbacks of a wait. */
export interface Wait {
  readonly timeout: number | undefined
  readonly signal: AbortSignal | undefined
  readonly target: LockTarget
  /** Returns the error for a wait that took longer than `timeout`. */
  timeoutError(): unknown
  /** Undoes a grant that came before the wait was given up. Called at once, before any other request. */
  undo(request: NativeLockRequest): void
  /** Receives the handle of a lock that is granted after the wait was given up. */
  drop?(handle: number): void
}

/**
 * Waits for the promise of `begin`. If the timeout expires, the signal is aborted or the mapping is closed first, the returned
 * promise rejects at once, and a lock that is granted later is released.
 */
export function settle(begin: (request: NativeLockRequest) => Promise<number>, wait: Wait): Promise<number> {
  const { timeout, signal, target, timeoutError } = wait
  const request = new native.NativeLockRequest()
  return new Promise((resolve, reject) => {
    let isOver = false
    const over = (): boolean => {
      if (isOver) return false
      isOver = true
      clearTimeout(timer)
      ignoreAbort()
      forget()
      return true
    }
    const giveUp = (reason: unknown): void => {
      if (!over()) return
      if (!request.cancel()) wait.undo(request)
      reject(reason)
    }
    const timer = timeout === undefined ? undefined : setTimeout(() => giveUp(translate(timeoutError())), timeout)
    const ignoreAbort = onAbort(signal, giveUp)
    const forget = target.onClosing(giveUp)
    callAsync(() => begin(request)).then(
      (handle) => (over() ? resolve(handle) : wait.drop?.(handle)),
      (error: unknown) => over() && reject(error),
    )
  })
}

// Restarts the stack of an error at the caller of `hide`. The engine finds awaiting callers only through promises of async
// functions, and not through the promise that settle() makes.
export function restack(error: unknown, signal: AbortSignal | undefined, hide: (...args: never[]) => unknown): unknown {
  if (error instanceof MemmapError && !signal?.aborted) startStackBelow(error, hide)
  return error
}
