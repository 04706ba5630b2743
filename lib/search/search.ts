/**
 * Searching: what is looked for, where, and by how many threads; and the searches that have one answer. Those with many are in
 * `matches.ts`.
 */
import { unlessStopped } from '../base/abort.js'
import { isRegExp, isUint8Array } from 'node:util/types'
import { parseMemory } from '../views/copy.js'
import { call, native, type NativeJob, type NativeMapping, type NativePattern } from '../base/native.js'
import type { MappingState } from '../state/mapping-state.js'
import { patternOf } from './regexp/translate.js'
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

/**
 * What to search for: a string, which stands for its UTF-8 bytes; bytes; any of several of these; or an expression.
 *
 * The time until a match of an expression is decided grows with the number of bytes looked at and with nothing else; where each of
 * many is decided only far behind its end, as of `/a[^]*b|a/` where there is no `b`, all of them take the square of that. What stands
 * against this is refused: lookaheads, lookbehinds and back-references; and also properties and strings (`\q{…}`) that the `regex`
 * crate doesn't know, and the flag `y`. The flag `g` changes nothing: how much is found is up to the method. Some things differ from
 * JavaScript:
 *
 * - Characters are whole, as with the flag `u`: half of one is in no UTF-8. `.` finds one character, whatever the flags.
 * - Bytes that are no UTF-8 are no characters: not even `[^]` finds them.
 * - With the flag `m` lines end with `\n`, `\r` or `\r\n`: the latter is one end, so that `^` is not in the middle of it; U+2028
 *   and U+2029 end no lines.
 * - With the flags `i` and `u` the letters of `\b` are still those of `\w` without `i`.
 *
 * One whose matches can be of any length, such as `/a[^]*b/`, or `/a.*b/` where lines are very long, is searched by one thread.
 */
export type Needle = string | Uint8Array | RegExp | readonly (string | Uint8Array)[]

/** Where to go through a mapping, and with how many threads. */
export interface SearchSyncOptions extends Range {
  /** How many threads work at once, 1 to 1024. @default as many as the machine runs at once */
  readonly threads?: number | undefined
}

/** The same for work that is waited for. */
export interface SearchOptions extends SearchSyncOptions {
  /** Ends the work; what waits for it rejects with the signal's reason. @default none */
  readonly signal?: AbortSignal | undefined
  /** Is told now and then how far the work is, and at its end that all is done. What it throws ends the work. @default none */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** How far a piece of work is, in bytes. */
export interface Progress {
  readonly done: number
  readonly total: number
}

/** Where, how, and for whom a range is gone through. */
export interface Task {
  readonly state: MappingState
  readonly offset: number
  readonly length: number
  readonly threads: number
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((progress: Progress) => void) | undefined
}

/** A task of searching. */
export interface Search extends Task {
  readonly pattern: NativePattern
  /** Whether matches say which needle they are. */
  readonly isList: boolean
}

const SYNC_OPTIONS = ['offset', 'length', 'threads']
const OPTIONS = [...SYNC_OPTIONS, 'signal', 'onProgress']
const MOST_THREADS = 1024

// Often enough for a bar that moves, too seldom to cost anything; in milliseconds.
const PROGRESS_INTERVAL = 100

export async function indexOf(state: MappingState, needle: Needle, options?: SearchOptions): Promise<number> {
  return place(await find(parseSearch(state, needle, options), false))
}

export function indexOfSync(state: MappingState, needle: Needle, options?: SearchSyncOptions): number {
  return place(findSync(parseSearchSync(state, needle, options), false))
}

export async function lastIndexOf(state: MappingState, needle: Needle, options?: SearchOptions): Promise<number> {
  return place(await find(parseSearch(state, needle, options), true))
}

export function lastIndexOfSync(state: MappingState, needle: Needle, options?: SearchSyncOptions): number {
  return place(findSync(parseSearchSync(state, needle, options), true))
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
  return runTask(search, (handle, job) => handle.count(pattern, offset, length, threads, job))
}

export function countSync(state: MappingState, needle: Needle, options?: SearchSyncOptions): number {
  const { pattern, offset, length, threads } = parseSearchSync(state, needle, options)
  return state.run((handle) => handle.countSync(pattern, offset, length, threads))
}

interface Found {
  readonly search: Search
  readonly triple: Float64Array
}

async function find(search: Search, backwards: boolean): Promise<Found> {
  const { pattern, offset, length, threads } = search
  const triple = await runTask(search, (handle, job) => handle.find(pattern, offset, length, backwards, threads, job))
  return { search, triple }
}

function findSync(search: Search, backwards: boolean): Found {
  const { state, pattern, offset, length, threads } = search
  return { search, triple: state.run((handle) => handle.findSync(pattern, offset, length, backwards, threads)) }
}

function place({ search, triple }: Found): number {
  const [start] = triple
  return start === undefined ? -1 : search.offset + start
}

/** Runs a task on other threads, and tells how far it is. */
export async function runTask<T>(
  { state, length: total, signal, onProgress }: Task,
  operation: (native: NativeMapping, job: NativeJob) => Promise<T>,
): Promise<T> {
  if (onProgress === undefined) return state.runCancellable(operation, signal)
  let job: NativeJob | undefined
  const work = state.runCancellable((handle, own) => operation(handle, (job = own)), signal)
  const tell = (): void => onProgress({ done: Math.min(job?.done ?? 0, total), total })
  const result = await whileTelling(work, tell, () => job?.cancel())
  onProgress({ done: total, total })
  return result
}

/** Waits for some work, and calls `tell` now and then. What that throws ends the wait, and `cancel` is called. */
export async function whileTelling<T>(work: Promise<T>, tell: () => void, cancel: () => void): Promise<T> {
  return unlessStopped(
    () => work,
    (stop) => {
      const tick = (): void => {
        try {
          tell()
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

/** Reads the options of a task. It is the last to be read: afterwards the mapping is known to be open. */
export function parseTask(state: MappingState, options: SearchOptions | undefined, known = OPTIONS): Task {
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
  if (threads < 1 || threads > MOST_THREADS) throw outOfRange('options.threads', `>= 1 && <= ${MOST_THREADS}`, threads)
  return threads
}

function parseNeedle(needle: unknown): Pick<Search, 'pattern' | 'isList'> {
  const isList = Array.isArray(needle)
  if (isRegExp(needle)) return { isList, pattern: patternOf(needle) }
  if (isList && needle.length === 0) throw invalidArgValue('needle', needle, 'must not be an empty list')
  const list = isList
    ? needle.map((one, index) => parseBytesOf(one, `needle[${index}]`))
    : [parseBytesOf(needle, 'needle')]
  return { isList, pattern: call(() => native.needles(list)) }
}

function parseBytesOf(needle: unknown, name: string): Uint8Array {
  if (typeof needle === 'string') return Buffer.from(needle)
  const expected = ['string', 'Buffer', 'Uint8Array']
  const wanted = name === 'needle' ? [...expected, 'RegExp', 'Array'] : expected
  if (!isUint8Array(needle)) throw invalidArgType(name, wanted, needle)
  return parseMemory(needle, name, wanted)
}
