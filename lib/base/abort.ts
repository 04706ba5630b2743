/**
 * Waits that can end early: because an AbortSignal aborts, because a mapping closes, or for another reason.
 */

/** Watches for an event, and calls `stop` with the reason when it happens. Returns a function that ends the watching. */
export type StopSource = (stop: (reason: unknown) => void) => () => void

/** Calls `listener` with the signal's reason when the signal aborts. Returns a function that removes the listener. */
export function onAbort(signal: AbortSignal | undefined, listener: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => {}
  const abort = (): void => listener(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  return () => signal.removeEventListener('abort', abort)
}

/**
 * Waits for the work that `begin` starts. When a source stops the wait, rejects at once with the reason of that source. The work
 * then continues; its result is dropped, and a rejection of it counts as handled. Every source stops watching when the wait ends.
 *
 * Errors of the work come without the chain of awaiting callers, since the engine does not record it through `Promise.race`. If
 * the stack matters, call `startStackBelow` with the error.
 */
export async function unlessStopped<T>(begin: () => PromiseLike<T> | T, ...sources: StopSource[]): Promise<T> {
  let ends: (() => void)[] = []
  const stopped = new Promise<never>((_, reject) => {
    ends = sources.map((watch) => watch(reject))
  })
  try {
    return await Promise.race([begin(), stopped])
  } finally {
    for (const end of ends) end()
  }
}
