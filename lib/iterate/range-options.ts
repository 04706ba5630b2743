/**
 * The options that all iterables over a range share, and the range that they describe.
 */
import { parseBoolean, parsePosition, parseSignal, type Range, resolveRange } from '../base/validate.js'
import type { MappingState } from '../state/mapping-state.js'

/** Options of everything that iterates over a range from its start to its end. */
export interface IterateOptions extends Range {
  /**
   * Drop pages after they were used, from the page cache too, so that iterating over a file larger than memory keeps little of
   * it in memory. In mode `r`, bytes stored into dropped pages are lost. @default false
   */
  readonly dropBehind?: boolean | undefined
  /** Ends the loop: its next step fails with the signal's reason. @default none */
  readonly signal?: AbortSignal | undefined
}

/** The names of the options of `IterateOptions`. */
export const ITERATE_OPTIONS = ['offset', 'length', 'dropBehind', 'signal']

/** The part of a mapping to iterate over, and how. */
export interface IterationRange {
  readonly state: MappingState
  readonly start: number
  readonly end: number
  readonly dropBehind: boolean
  readonly signal: AbortSignal | undefined
}

/**
 * Parses the options, and returns a function that resolves them for a mapping. Reading an option can run code of the caller, so
 * call that function last: nothing runs between its checks and the start of the iteration.
 */
export function parseIterateOptions({
  offset,
  length,
  dropBehind,
  signal,
}: IterateOptions): (state: MappingState) => IterationRange {
  const range = parsePosition(offset, length, 'options.')
  const others = {
    dropBehind: parseBoolean(dropBehind, 'options.dropBehind') ?? false,
    signal: parseSignal(signal, 'options.signal'),
  }
  return (state) => {
    state.check()
    const { offset: start, length: total } = resolveRange(range, state.length)
    return { state, start, end: start + total, ...others }
  }
}
