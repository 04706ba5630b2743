/**
 * The turns of the event loop. A loop over what is in memory never waits, and would keep every timer and socket waiting until
 * it ends. So all loops of a thread together have some time in each turn; when it is up, each goes on in the next turn.
 */
import { setImmediate } from 'node:timers'

// Saved: what tests put in its place may never come.
const later = setImmediate

// In milliseconds. A turn costs some microseconds.
const BURST = 2

let began: number | undefined
let next: Promise<void> | undefined

/**
 * What to wait for before going on, if the time of this turn is up. Who has waited makes a step before asking again, so that
 * nobody stands still because of others.
 */
export function othersFirst(): Promise<void> | undefined {
  if (next !== undefined) return next
  if (began === undefined) begin()
  else if (performance.now() - began >= BURST) next = new Promise<void>((resolve) => later(resolve)).then(begin)
  return next
}

function begin(): void {
  next = undefined
  began = performance.now()
  later(() => (began = undefined))
}
