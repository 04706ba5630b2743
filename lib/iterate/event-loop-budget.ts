/**
 * A time budget for each turn of the event loop. A loop over data that is already in memory never has to wait, so it would
 * block every timer and socket until it ends. Therefore all loops of a thread share one budget for each turn. When the budget
 * is used up, every loop continues in the next turn.
 */
import { setImmediate } from 'node:timers'

// Saved when the module is loaded: a test may replace the global one with a fake that never calls back.
const later = setImmediate

// In milliseconds. A turn of the event loop costs some microseconds.
const BUDGET = 2

let turnStart: number | undefined
let nextTurn: Promise<void> | undefined

/**
 * Returns a promise for the next turn if the budget of this turn is used up, and undefined otherwise. After waiting for the
 * promise, a caller always makes one step before it asks again, even if the budget is used up: so every loop makes progress.
 */
export function yieldIfOverBudget(): Promise<void> | undefined {
  if (nextTurn !== undefined) return nextTurn
  if (turnStart === undefined) startTurn()
  else if (performance.now() - turnStart >= BUDGET) {
    nextTurn = new Promise<void>((resolve) => later(resolve)).then(startTurn)
  }
  return nextTurn
}

function startTurn(): void {
  nextTurn = undefined
  turnStart = performance.now()
  later(() => (turnStart = undefined))
}
