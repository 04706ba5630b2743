/**
 * Decides how the pages of a range are handled while it is iterated: whether they are brought into memory before they are
 * touched, how far ahead, and whether they are dropped afterwards. The decision is made here and nowhere else. It depends on
 * whether the mapping has a file and on the kind of loop.
 *
 * `NODE_DEBUG=memmap` prints each decision to standard error.
 */
import { debuglog } from 'node:util'
import type { MappingState } from '../state/mapping-state.js'
import { nameOf } from '../state/registry.js'

/** How a range is iterated. */
export interface AccessPattern {
  /** Whether the loop cannot wait for a page before it touches it: a loop without `await`. */
  readonly isBlocking: boolean
  /** Drop pages after they were used. */
  readonly dropBehind: boolean
  /** The most bytes to bring into memory at once. @default 32 MiB */
  readonly maxStep?: number | undefined
}

/** How the pages of a range are handled. */
export interface ReadAheadPolicy {
  /** The most bytes to bring into memory at once; 0: there is no read-ahead, and a loop waits when it touches a page. */
  readonly maxStep: number
  /** How many bytes after those in use are kept in memory, or on their way there. */
  readonly distance: number
  /** Used pages are dropped after each run of this many bytes; 0: they stay. */
  readonly dropInterval: number
}

const MIB = 2 ** 20

// Large enough that the disk always has a request to work on. Small enough that pages are still in memory when they are used,
// and that little is wasted when the loop ends early.
const MAX_STEP = 32 * MIB
const STEPS_AHEAD = 2

// With drop-behind, few pages shall be in memory. The kernel also soon reuses the same physical pages, which costs less than
// fresh ones.
const MAX_DROPPED_STEP = 8 * MIB

// Dropping fewer bytes at a time costs more calls and splits the large pages of the page cache; more keeps more in memory.
const DROP_INTERVAL = 16 * MIB

const debug = debuglog('memmap')

/** Decides how to handle the pages of `start..end` of a mapping, which is iterated from its start to its end. */
export function chooseReadAheadPolicy(
  state: MappingState,
  start: number,
  end: number,
  access: AccessPattern,
): ReadAheadPolicy {
  const isFile = state.native.size > 0
  const limit = access.dropBehind ? MAX_DROPPED_STEP : MAX_STEP
  const maxStep = !isFile || access.isBlocking ? 0 : Math.min(access.maxStep ?? limit, limit)
  const dropInterval = isFile && access.dropBehind && state.mode !== 'c' ? DROP_INTERVAL : 0
  const policy = { maxStep, distance: maxStep * STEPS_AHEAD, dropInterval }
  if (debug.enabled) debug('%s, bytes %d to %d: %s', nameOf(state), start, end, describe(policy, isFile, access))
  return policy
}

/** Logs the failure of something that would only have made the iteration faster. */
export function logFailure(state: MappingState, what: string, error: unknown): void {
  debug('%s: %s failed: %s', nameOf(state), what, error)
}

function describe(
  { maxStep, distance, dropInterval }: ReadAheadPolicy,
  isFile: boolean,
  access: AccessPattern,
): string {
  if (!isFile) return 'no file, no read-ahead'
  const reason = access.isBlocking ? 'blocking loop' : 'step of 0 bytes'
  const readAhead = maxStep > 0 ? `read-ahead of ${distance / MIB} MiB` : `no read-ahead (${reason})`
  return `${readAhead}, ${dropInterval > 0 ? `drop-behind every ${dropInterval / MIB} MiB` : 'no drop-behind'}`
}
