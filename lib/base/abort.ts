/**
 * Waits that end early: when an AbortSignal aborts, when a mapping closes, or for any other reason.
 */

/** Watches for something that ends a wait, and calls `stop` with the reason then. Returns what ends the watching. */
export type StopSource = (stop: (reason: unknown) => void) => () => void

/** Calls `listener` with the signal's reason when the signal aborts. Returns a function that removes the listener. */
export function onAbort(signal: AbortSignal | undefined, listener: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => {}
  const abort = (): void => listener(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  return () => signal.removeEventListener('abort', abort)
}

/**
 * Waits for the work that `begin` starts. Rejects at once when a source stops the wait, with the reason that it gives. The
 * work goes on then; its result is dropped, and its rejection is no unhandled one. Watching ends with the wait.
 *
 * The engine does not follow a race to the callers that await it: where the stack matters, cut it anew (`startStackBelow`).
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
