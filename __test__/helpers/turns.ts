/** Counts the turns that the event loop has, until it is told to stop. */
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

/** Does nothing for so many milliseconds. */
export function work(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end;);
}
