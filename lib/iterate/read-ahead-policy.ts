/**
 * What is done about pages when a range is gone through: whether they are brought into memory before they are touched, how
 * far ahead, and whether they are let go of behind. It is decided here and nowhere else, from the size of the range, from
 * whether it is in memory already, and from who goes through it.
 *
 * `NODE_DEBUG=memmap` shows each decision on the standard error.
 */
import { debuglog } from 'node:util'
import { nameOf } from '../state/registry.js'
import type { MappingState } from '../state/mapping-state.js'

/** Who goes through a range, and how. */
export interface Access {
  /** True where nobody can wait for a page before touching it: a loop without `await`. */
  readonly isBlocking: boolean
  /** Let go of pages once they were used. */
  readonly dropBehind: boolean
  /** The most bytes that are brought in at once. */
  readonly window?: number | undefined
}

/** What is done about the pages of a range. */
export interface Plan {
  /** Bytes that are brought into memory at once; 0: nothing is brought in, whoever touches a page waits for it. */
  readonly window: number
  /** How many bytes are kept ready, or on the way, beyond those in use. */
  readonly reach: number
  /** Pages behind are let go of after so many bytes; 0: they stay. */
  readonly drop: number
}

const MIB = 2 ** 20

// Long enough that a disk is never without a request, and short enough that what was brought in is still there when it is
// used, and that little was in vain when the loop ends early.
const WINDOW = 32 * MIB
const WINDOWS_AHEAD = 2

// Where pages are let go of, few shall be in memory; and the same ones are soon used again, which costs less than fresh ones.
const DROPPED_WINDOW = 8 * MIB

// Letting go of less at a time costs a call each and splits the large pages of the cache; of more, keeps more in memory.
const DROP = 16 * MIB

const debug = debuglog('memmap')

/** Decides how to go through `start..end` of a mapping from front to back. */
export function planWalk(state: MappingState, start: number, end: number, access: Access): Plan {
  const isFile = state.native.size > 0
  const most = access.dropBehind ? DROPPED_WINDOW : WINDOW
  const window = !isFile || access.isBlocking ? 0 : Math.min(access.window ?? most, most)
  const drop = isFile && access.dropBehind && state.mode !== 'c' ? DROP : 0
  const plan = { window, reach: window * WINDOWS_AHEAD, drop }
  if (debug.enabled) debug('%s, bytes %d to %d: %s', nameOf(state), start, end, describe(plan, isFile, access))
  return plan
}

/** Writes down that something could not be done that would only have made things quicker. */
export function logFailure(state: MappingState, what: string, error: unknown): void {
  debug('%s: %s failed: %s', nameOf(state), what, error)
}

function describe({ window, reach, drop }: Plan, isFile: boolean, access: Access): string {
  const behind = drop === 0 ? 'pages behind stay' : `pages behind are dropped each ${drop / MIB} MiB`
  if (window > 0) return `what is not in memory is fetched ${reach / MIB} MiB ahead, ${behind}`
  if (!isFile) return 'no file, nothing to fetch'
  return `${access.isBlocking ? 'a blocking loop' : 'no window'}, nothing is fetched ahead, ${behind}`
}
