/**
 * Search: what to search for, in which range, with how many threads; and the searches with a single result. Those with many
 * results are in `matches.ts`.
 */
import { unlessStopped } from '../base/abort.js'
import { isRegExp, isUint8Array } from 'node:util/types'
import { call, native, type NativeCancelToken, type NativeMapping, type NativePattern } from '../base/native.js'
import {
  invalidArgType,
  invalidArgValue,
  outOfRange,
  parseOptions,
  parsePosition,
  parseSignal,
  type Range,
  resolveRange,
} from '../base/validate.js'
import type { MappingState } from '../state/mapping-state.js'
import { parseMemory } from '../views/copy.js'
import { patternOf } from './regexp/translate.js'

/**
 * What to search for: a string, which stands for its UTF-8 bytes; bytes; a list of strings and bytes, any of which matches; or a
 * regular expression.
 *
 * The time that a regular expression takes grows only with the number of bytes that the search looks at. It grows with their
 * square if there are many matches and each is decided only far after its end, as for `/a[^]*b|a/` in text without a `b`. The
 * constructs that would break this bound are refused: lookaheads, lookbehinds and back-references. Also refused are properties
 * and strings (`\q{…}`) that the `regex` crate does not support, and the flag `y`. The flag `g` changes nothing: the method
 * decides how many matches are found. There are some differences from JavaScript:
 *
 * - Characters are never split, as with the flag `u`: one half of a surrogate pair has no UTF-8. `.` matches one character,
 *   whatever the flags.
 * - Bytes that are not valid UTF-8 are not characters: not even `[^]` matches them.
 * - With the flag `m`, lines end with `\n`, `\r` or `\r\n`. The latter is one line end, so `^` does not match in the middle of it.
 *   U+2028 and U+2029 do not end lines.
 * - With the flags `i` and `u`, `\b` uses the same letters as `\w` without `i`.
 *
 * A regular expression whose matches can have any length, such as `/a[^]*b/`, or `/a.*b/` where lines are very long, is searched
 * by one thread.
 */
export type Needle = string | Uint8Array | RegExp | readonly (string | Uint8Array)[]

/** The range to search, and with how many threads. */
export interface SearchSyncOptions extends Range {
  /** How many threads work at once, 1 to 1024. @default the number of threads that the machine runs at once */
  readonly threads?: number | undefined
}

/** The same options, for asynchronous work. */
export interface SearchOptions extends SearchSyncOptions {
  /** Ends the work; its promise rejects with the signal's reason. @default none */
  readonly signal?: AbortSignal | undefined
  /**
   * Gets the progress from time to time, and once more when all is done. An error that it throws ends the work.
   *
   * @default none
   */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** The progress of a piece of work, in bytes. */
export interface Progress {
  readonly done: number
  readonly total: number
}

/** A piece of work on a range. */
export interface RangeTask {
  readonly state: MappingState
  readonly offset: number
  readonly length: number
  readonly threads: number
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((progress: Progress) => void) | undefined
}

/** A search of a range. */
export interface Search extends RangeTask {
  readonly pattern: NativePattern
  /** Whether the needle is a list, so that matches say which needle they are of. */
  readonly isList: boolean
}

const SYNC_OPTIONS = ['offset', 'length', 'threads']
const OPTIONS = [...SYNC_OPTIONS, 'signal', 'onProgress']
const MAX_THREADS = 1024

// Short enough for a progress bar to move smoothly, long enough to cost nothing; in milliseconds.
const PROGRESS_INTERVAL = 100

export async function indexOf(state: MappingState, needle: Needle, options?: SearchOptions): Promise<number> {
  return offsetOf(await find(parseSearch(state, needle, options), false))
}

export function indexOfSync(state: MappingState, needle: Needle, options?: SearchSyncOptions): number {
  return offsetOf(findSync(parseSearchSync(state, needle, options), false))
}

export async function lastIndexOf(state: MappingState, needle: Needle, options?: SearchOptions): Promise<number> {
  return offsetOf(await find(parseSearch(state, needle, options), true))
}

export function lastIndexOfSync(state: MappingState, needle: Needle, options?: SearchSyncOptions): number {
  return offsetOf(findSync(parseSearchSync(state, needle, options), true))
}

export async function includes(state: MappingState, needle: Needle, options?: SearchOptions): Promise<boolean> {
  return (await indexOf(state, needle, options)) !== -1
}

export function includesSync(state: MappingState, needle: Needle, options?: SearchSyncOptions): boolean {
  return indexOfSync(state, needle, options) !== -1
}

export async function count(state: MappingState, needle: Needle, options?: SearchOptions): Promise<number> {
  const search = parseSearch(state, needle, options)
  const { pattern, offset, length, threads } = search
  return runTask(search, (handle, token) => handle.count(pattern, offset, length, threads, token))
}

export function countSync(state: MappingState, needle: Needle, options?: SearchSyncOptions): number {
  const { pattern, offset, length, threads } = parseSearchSync(state, needle, options)
  return state.run((handle) => handle.countSync(pattern, offset, length, threads))
}

interface FindResult {
  readonly search: Search
  /** The start of the match within the range, its length and its needle; empty if there is no match. */
  readonly match: Float64Array
}

async function find(search: Search, backwards: boolean): Promise<FindResult> {
  const { pattern, offset, length, threads } = search
  const match = await runTask(search, (handle, token) =>
    handle.find(pattern, offset, length, backwards, threads, token),
  )
  return { search, match }
}

function findSync(search: Search, backwards: boolean): FindResult {
  const { state, pattern, offset, length, threads } = search
  return { search, match: state.run((handle) => handle.findSync(pattern, offset, length, backwards, threads)) }
}

function offsetOf({ search, match }: FindResult): number {
  const [start] = match
  return start === undefined ? -1 : search.offset + start
}

/** Runs a task on native threads and reports its progress. */
export async function runTask<T>(
  { state, length: total, signal, onProgress }: RangeTask,
  operation: (native: NativeMapping, token: NativeCancelToken) => Promise<T>,
): Promise<T> {
  if (onProgress === undefined) return state.runCancellable(operation, signal)
  let token: NativeCancelToken | undefined
  const work = state.runCancellable((handle, own) => operation(handle, (token = own)), signal)
  const report = (): void => onProgress({ done: Math.min(token?.done ?? 0, total), total })
  const result = await whileReporting(work, report, () => token?.cancel())
  onProgress({ done: total, total })
  return result
}

/** Waits for some work and calls `report` every 100 ms. If `report` throws, calls `cancel` and rejects with its error. */
export async function whileReporting<T>(work: Promise<T>, report: () => void, cancel: () => void): Promise<T> {
  return unlessStopped(
    () => work,
    (stop) => {
      const tick = (): void => {
        try {
          report()
        } catch (error) {
          cancel()
          stop(error)
        }
      }
      const timer = setInterval(tick, PROGRESS_INTERVAL).unref()
      return () => clearInterval(timer)
    },
  )
}

export function parseSearch(state: MappingState, needle: Needle, options: SearchOptions | undefined): Search {
  const target = parseNeedle(needle)
  return { ...target, ...parseTask(state, options) }
}

export function parseSearchSync(state: MappingState, needle: Needle, options: SearchSyncOptions | undefined): Search {
  const target = parseNeedle(needle)
  return { ...target, ...parseTask(state, options, SYNC_OPTIONS) }
}

/** Parses the options of a task. Call it after all other parsing: it also checks that the mapping is open. */
export function parseTask(state: MappingState, options: SearchOptions | undefined, known = OPTIONS): RangeTask {
  // Validate arguments
  const {
    offset,
    length,
    threads: givenThreads,
    signal: givenSignal,
    onProgress,
  } = parseOptions(options, 'options', known)
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalidArgType('options.onProgress', ['function'], onProgress)
  }

  // Interpret options
  const threads = parseThreads(givenThreads)
  const signal = parseSignal(givenSignal, 'options.signal')
  const range = parsePosition(offset, length, 'options.')

  // Validate interpreted options
  state.check()
  return { state, threads, signal, onProgress, ...resolveRange(range, state.length) }
}

function parseThreads(threads: unknown): number {
  if (threads === undefined) return native.availableThreads()
  if (typeof threads !== 'number') throw invalidArgType('options.threads', ['number'], threads)
  if (!Number.isInteger(threads)) throw outOfRange('options.threads', 'an integer', threads)
  if (threads < 1 || threads > MAX_THREADS) throw outOfRange('options.threads', `>= 1 && <= ${MAX_THREADS}`, threads)
  return threads
}

function parseNeedle(needle: unknown): Pick<Search, 'pattern' | 'isList'> {
  const isList = Array.isArray(needle)
  if (isRegExp(needle)) return { isList, pattern: patternOf(needle) }
  if (isList && needle.length === 0) throw invalidArgValue('needle', needle, 'must not be an empty list')
  const list = isList
    ? needle.map((item, index) => parseBytesOf(item, `needle[${index}]`))
    : [parseBytesOf(needle, 'needle')]
  return { isList, pattern: call(() => native.patternOfNeedles(list)) }
}

function parseBytesOf(needle: unknown, name: string): Uint8Array {
  if (typeof needle === 'string') return Buffer.from(needle)
  const expected = ['string', 'Buffer', 'Uint8Array']
  const wanted = name === 'needle' ? [...expected, 'RegExp', 'Array'] : expected
  if (!isUint8Array(needle)) throw invalidArgType(name, wanted, needle)
  return parseMemory(needle, name, wanted)
}
