/**
 * Waiting for a lock: with a timeout and a signal, and until the mapping is closed.
 */
import { onAbort } from '../base/abort.js'
import { MemmapError, startStackBelow } from '../base/errors.js'
import { callAsync, native, type NativeLockFile, type NativeLockRequest, translate } from '../base/native.js'

/** Something that can be locked. */
export interface LockTarget {
  readonly file: NativeLockFile
  readonly path: string | undefined
  /** Where its byte 0 is in the file. */
  readonly base: number
  /** Throws if it is closed. */
  check(): void
  /** Has `stop` called when it begins to close. Gives what takes that back. */
  onClosing(stop: (reason: unknown) => void): () => void
  /** Has `end` called when it has closed. Gives what takes that back. */
  onClosed(end: () => void): () => void
}

export interface Waiting {
  readonly timeout: number | undefined
  readonly signal: AbortSignal | undefined
  readonly target: LockTarget
  /** The error of having waited too long. */
  late(): unknown
  /** Takes back what was granted before it was given up; it is called at once, before any other request. */
  undo(request: NativeLockRequest): void
  /** Gets what comes when nobody waits for it any more. */
  drop?(handle: number): void
}

/**
 * Waits for what `begin` promises, unless the time is up, the signal is aborted or the mapping closed before; then it rejects
 * at once, and what comes too late is released.
 */
export function settle(begin: (request: NativeLockRequest) => Promise<number>, waiting: Waiting): Promise<number> {
  const { timeout, signal, target, late } = waiting
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
      if (!request.cancel()) waiting.undo(request)
      reject(reason)
    }
    const timer = timeout === undefined ? undefined : setTimeout(() => giveUp(translate(late())), timeout)
    const ignoreAbort = onAbort(signal, giveUp)
    const forget = target.onClosing(giveUp)
    callAsync(() => begin(request)).then(
      (handle) => (over() ? resolve(handle) : waiting.drop?.(handle)),
      (error: unknown) => over() && reject(error),
    )
  })
}

// A promise of our own is not among those through which the engine finds the callers that await.
export function restack(error: unknown, signal: AbortSignal | undefined, hide: (...args: never[]) => unknown): unknown {
  if (error instanceof MemmapError && !signal?.aborted) startStackBelow(error, hide)
  return error
}
