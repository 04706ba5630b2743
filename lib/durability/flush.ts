/**
 * Flushing: what was stored, on its way to the disk.
 */
import type { MappingState } from '../state/mapping-state.js'
import { type ParsedRange, parseOptions, parsePosition, parseWord, type Range, resolveRange } from '../base/validate.js'

/**
 * How far a flush goes, from the least to the most:
 *
 * - `schedule`: the system begins to write, and nothing is promised.
 * - `barrier`: nothing that is written later reaches the disk before it. Only macOS can do that and no more; elsewhere it is
 *   the same as `data`.
 * - `data`: the bytes survive a loss of power, at the length that the file has.
 * - `all`: so do the file's times and permissions, and its name, if a mapping of this process made it.
 */
export type FlushLevel = 'schedule' | 'barrier' | 'data' | 'all'

const LEVELS: readonly FlushLevel[] = ['schedule', 'barrier', 'data', 'all']

/** What to flush, and how far. */
export interface FlushOptions extends Range {
  /** How far it goes. @default 'data' */
  readonly level?: FlushLevel | undefined
}

/** What a flush did. */
export interface FlushResult {
  /** The bytes of the range, or 0 where there is nothing to flush. */
  readonly bytes: number
  /** What was asked for. */
  readonly level: FlushLevel
  /**
   * How far it went:
   *
   * - `all`, `data`, `schedule`: as the level of that name;
   * - `barrier`: the drive has the bytes in its cache, and will write nothing later before them;
   * - `fsync`: the drive has them in its cache, and may still lose them: a macOS volume that can't do more;
   * - `volatile`: the file lives in memory, as all files of a tmpfs do;
   * - `none`: there was nothing to flush, as of private memory.
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
