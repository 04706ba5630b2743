/** Counts the turns of the event loop until it is stopped. */
export function countTurns(): { readonly count: number; stop(): void } {
  let count = 0
  let going = true
  const turn = (): void => {
    count++
    if (going) setImmediate(turn)
  }
  setImmediate(turn)
  return {
    get count() {
      return count
    },
    stop() {
      going = false
    },
  }
}

/** Blocks this thread for that number of milliseconds. */
export function work(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end;);
}
