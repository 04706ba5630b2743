/**
 * Flush: writing stored bytes to the disk.
 */
import type { MappingState } from '../state/mapping-state.js'
import { type ParsedRange, parseOptions, parsePosition, parseWord, type Range, resolveRange } from '../base/validate.js'

/**
 * The guarantee of a flush, from the weakest to the strongest:
 *
 * - `schedule`: the system begins to write, without any guarantee.
 * - `barrier`: later writes do not reach the disk before these bytes. Only macOS has this level; on other systems it is the
 *   same as `data`.
 * - `data`: the bytes and the length of the file survive a loss of power.
 * - `all`: as `data`, and also the times and permissions of the file survive, and its name if a mapping of this process created
 *   the file.
 */
export type FlushLevel = 'schedule' | 'barrier' | 'data' | 'all'

const LEVELS: readonly FlushLevel[] = ['schedule', 'barrier', 'data', 'all']

/** Options of `flush()`: the range and the level. */
export interface FlushOptions extends Range {
  /** The requested guarantee. @default 'data' */
  readonly level?: FlushLevel | undefined
}

/** The result of a flush. */
export interface FlushResult {
  /** The length of the range in bytes, or 0 if there was nothing to flush. */
  readonly bytes: number
  /** The requested level. */
  readonly level: FlushLevel
  /**
   * The guarantee that was reached:
   *
   * - `all`, `data`, `schedule`: that of the level of the same name;
   * - `barrier`: the drive has the bytes in its cache, and writes them before any later bytes;
   * - `fsync`: the drive has the bytes in its cache and may still lose them, on a macOS volume that supports no stronger level;
   * - `volatile`: the file is kept in memory only, as in a tmpfs;
   * - `none`: there was nothing to flush, for example in private memory.
   */
  readonly achieved: 'all' | 'data' | 'barrier' | 'fsync' | 'schedule' | 'volatile' | 'none'
}

const FLUSH_OPTIONS = ['level', 'offset', 'length']

export async function flush(state: MappingState, options: FlushOptions | undefined): Promise<FlushResult> {
  const { level, range } = parseFlushOptions(options)
  state.check()
  const { offset, length } = resolveRange(range, state.length)
  const result = await state.runJob((native) => native.flush(level, offset, length))
  return { bytes: result.bytes, level, achieved: result.achieved as FlushResult['achieved'] }
}

export function flushSync(state: MappingState, options: FlushOptions | undefined): FlushResult {
  const { level, range } = parseFlushOptions(options)
  state.check()
  const { offset, length } = resolveRange(range, state.length)
  const result = state.run((native) => native.flushSync(level, offset, length))
  return { bytes: result.bytes, level, achieved: result.achieved as FlushResult['achieved'] }
}

function parseFlushOptions(options: FlushOptions | undefined): { level: FlushLevel; range: ParsedRange } {
  // Validate arguments
  const { level = 'data', offset, length } = parseOptions(options, 'options', FLUSH_OPTIONS)

  // Interpret options
  return { level: parseWord(level, 'options.level', LEVELS), range: parsePosition(offset, length, 'options.') }
}
