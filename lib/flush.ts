/**
 * Flushing: what was stored, on its way to the disk.
 */
import type { Region } from './region.js'
import { type ParsedRange, parseOptions, parsePosition, parseWord, type Range, resolveRange } from './validate.js'

const LEVELS = ['data'] as const

/** How far a flush goes. `data`: the bytes survive a loss of power. */
export type FlushLevel = (typeof LEVELS)[number]

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
  /** How far it went: `volatile` on a file system that keeps nothing, `none` where there is nothing to flush. */
  readonly achieved: 'data' | 'volatile' | 'none'
}

const FLUSH_OPTIONS = ['level', 'offset', 'length']

export async function flush(region: Region, options: FlushOptions | undefined): Promise<FlushResult> {
  const { level, range } = parseFlushOptions(options)
  region.check()
  const { offset, length } = resolveRange(range, region.length)
  const result = await region.runJob((native) => native.flush(offset, length))
  return { bytes: result.bytes, level, achieved: result.achieved as FlushResult['achieved'] }
}

export function flushSync(region: Region, options: FlushOptions | undefined): FlushResult {
  const { level, range } = parseFlushOptions(options)
  region.check()
  const { offset, length } = resolveRange(range, region.length)
  const result = region.run((native) => native.flushSync(offset, length))
  return { bytes: result.bytes, level, achieved: result.achieved as FlushResult['achieved'] }
}

function parseFlushOptions(options: FlushOptions | undefined): { level: FlushLevel; range: ParsedRange } {
  // Validate arguments
  const { level = 'data', offset, length } = parseOptions(options, 'options', FLUSH_OPTIONS)

  // Interpret options
  return { level: parseWord(level, 'options.level', LEVELS), range: parsePosition(offset, length, 'options.') }
}
