/**
 * All matches of a search, one by one or in batches. The range is searched batch by batch. While the caller works on the
 * matches of one batch, the next batch is already being searched.
 */
import type { NativeCancelToken } from '../base/native.js'
import { AsyncItemIterator, type BatchSource } from '../iterate/async-iterator.js'
import type { MappingState } from '../state/mapping-state.js'
import {
  type Needle,
  parseSearch,
  parseSearchSync,
  type Search,
  type SearchOptions,
  type SearchSyncOptions,
  whileReporting,
} from './search.js'

/** A match of a search. */
export interface Match {
  /** Its first byte, counted from the start of the mapping. */
  readonly offset: number
  /** In bytes. */
  readonly length: number
  /** The index of the needle that matched. Only present in searches for a list of needles. */
  readonly needle?: number
}

/** Many matches, in order: elements with the same index belong to the same match. */
export interface MatchBatch {
  /** The first byte of each, counted from the start of the mapping. */
  readonly offsets: Float64Array
  /** The length of each, in bytes. */
  readonly lengths: Float64Array
  /** The index of the needle that matched. Only present in searches for a list of needles. */
  readonly needles?: Uint32Array
}

/** The matches of a search, for `for await`. Can be iterated any number of times. */
export interface Matches extends AsyncIterable<Match> {
  /** Returns the same matches in batches of up to some hundred thousand. No batch is empty. */
  batches(): AsyncIterable<MatchBatch>
}

/** The matches of a search, for `for`. Can be iterated any number of times. */
export interface MatchesSync extends Iterable<Match> {
  /** Returns the same matches in batches of up to some hundred thousand. No batch is empty. */
  batches(): Iterable<MatchBatch>
}

/** How many bytes are searched for each batch. */
export interface BatchSizing {
  /** Bytes of the first batch. */
  readonly first: number
  readonly min: number
  readonly max: number
  /** Batches become smaller if they have more matches than this, and larger if they have fewer. */
  readonly targetMatches: number
}

// The first batch is small, so that the first matches come soon, and still has work for many threads. The number of matches
// that are made into objects at once is limited, since that blocks the event loop.
const sizingOfItems = (threads: number): BatchSizing => ({
  first: 2 ** 18,
  min: 2 ** 16,
  max: Math.min(threads, 16) * 2 ** 23,
  targetMatches: 2 ** 15,
})

// A batch costs only its memory, up to some MiB. Larger batches mean that threads wait for each other less often.
const sizingOfBatches = (threads: number): BatchSizing => ({
  ...sizingOfItems(threads),
  max: Math.min(threads, 16) * 2 ** 26,
  targetMatches: 2 ** 18,
})

/**
 * What the native half returns for a batch: a column of the offsets; a column of the lengths, unless all matches have the same
 * length; a column of the needles, if there are several. Two numbers follow: the position of the search afterwards, and the
 * number of matches.
 */
type Columns = Float64Array

// The number of elements after the columns.
const TRAILER_LENGTH = 2

type Convert<T> = (search: Search, columns: Columns) => T[]

export function matches(state: MappingState, needle: Needle, options?: SearchOptions, sizing?: BatchSizing): Matches {
  const search = parseSearch(state, needle, options)
  const iterable = <T>(convert: Convert<T>, usual: BatchSizing): AsyncIterable<T> => ({
    [Symbol.asyncIterator]: () =>
      new AsyncItemIterator(new MatchSource(new SearchPosition(search, sizing ?? usual), convert)),
  })
  return {
    ...iterable(toItems, sizingOfItems(search.threads)),
    batches: () => iterable(toBatch, sizingOfBatches(search.threads)),
  }
}

export function matchesSync(
  state: MappingState,
  needle: Needle,
  options?: SearchSyncOptions,
  sizing?: BatchSizing,
): MatchesSync {
  const search = parseSearchSync(state, needle, options)
  // A single thread never waits for other threads, so large batches have no advantage.
  const ofBatches = search.threads === 1 ? sizingOfItems(1) : sizingOfBatches(search.threads)
  const iterable = <T>(convert: Convert<T>, usual: BatchSizing): Iterable<T> => ({
    [Symbol.iterator]: () => iterateSync(new SearchPosition(search, sizing ?? usual), convert),
  })
  return {
    ...iterable(toItems, sizingOfItems(search.threads)),
    batches: () => iterable(toBatch, ofBatches),
  }
}

function* iterateSync<T>(position: SearchPosition, convert: Convert<T>): Generator<T, undefined> {
  const { state, pattern, offset, length, threads } = position.search
  while (!position.isAtEnd) {
    state.check()
    const [next, limit] = position.batch()
    const columns = state.run((handle) => handle.matchesSync(pattern, offset, length, next, limit, threads))
    position.advance(columns)
    for (const item of convert(position.search, columns)) {
      yield item
      if (state.closed) state.check()
    }
  }
  return undefined
}

/** The position of a search, and the size of its next batch. */
class SearchPosition {
  readonly search: Search
  readonly #sizing: BatchSizing
  #size: number
  #next = 0

  constructor(search: Search, sizing: BatchSizing) {
    this.search = search
    this.#sizing = sizing
    this.#size = sizing.first
  }

  /** An empty match may also be after the last byte, so the search ends only beyond that position. */
  get isAtEnd(): boolean {
    return this.#next > this.search.length
  }

  get done(): number {
    return Math.min(this.#next, this.search.length)
  }

  /** Returns the position of the search, and the position before which the matches of the next batch begin. */
  batch(): [next: number, limit: number] {
    return [this.#next, Math.min(this.#next + this.#size, this.search.length + 1)]
  }

  advance(columns: Columns): void {
    const { min, max, targetMatches } = this.#sizing
    const [next = 0, count = 0] = columns.subarray(-TRAILER_LENGTH)
    const wanted = count === 0 ? max : ((next - this.#next) * targetMatches) / count
    this.#size = Math.max(min, Math.min(Math.ceil(wanted), this.#size * 4, max))
    this.#next = next
  }
}

/** Returns the matches batch by batch, and searches one batch ahead. */
class MatchSource<T> implements BatchSource<T> {
  readonly #position: SearchPosition
  readonly #convert: Convert<T>
  #ahead: Promise<Columns> | undefined
  #token: NativeCancelToken | undefined
  #reported = 0
  #ended = false

  constructor(position: SearchPosition, convert: Convert<T>) {
    this.#position = position
    this.#convert = convert
  }

  get isOpen(): boolean {
    const { state, signal } = this.#position.search
    return !state.closed && !signal?.aborted
  }

  async pull(): Promise<T[]> {
    const { search } = this.#position
    const { state, signal } = search
    const check = (): void => {
      if (signal?.aborted) throw signal.reason
      state.check()
    }
    while (true) {
      check()
      if (this.#ahead === undefined && this.#position.isAtEnd) return []
      const columns = await this.#waitFor(this.#ahead ?? this.#searchBatch())
      // Ended after the batch was complete, when there was nothing to cancel.
      if (this.#ended) return []
      this.#position.advance(columns)
      this.#ahead = this.#position.isAtEnd ? undefined : this.#searchBatch()
      this.#report(this.#position.done)
      // The callback may have closed the mapping or aborted the signal.
      check()
      if (columns.length > TRAILER_LENGTH) return this.#convert(search, columns)
    }
  }

  // The mapping is in use until the native search notices that it was cancelled.
  end(): Promise<unknown> | undefined {
    this.#ended = true
    this.#token?.cancel()
    return this.#token && this.#position.search.state.ended(this.#token)
  }

  // A batch can take long, for example if one match never seems to end: report the progress within it too.
  #waitFor(batch: Promise<Columns>): Promise<Columns> {
    if (this.#position.search.onProgress === undefined) return batch
    const { done } = this.#position
    return whileReporting(
      batch,
      () => this.#report(done + (this.#token?.done ?? 0)),
      () => this.#token?.cancel(),
    )
  }

  // If a batch has too many matches, some of its bytes are searched again for the next one. Reported progress never decreases.
  #report(done: number): void {
    const { onProgress, length: total } = this.#position.search
    this.#reported = Math.max(this.#reported, Math.min(done, total))
    onProgress?.({ done: this.#reported, total })
  }

  #searchBatch(): Promise<Columns> {
    const { state, pattern, offset, length, threads, signal } = this.#position.search
    const [next, limit] = this.#position.batch()
    const work = state.runCancellable((handle, token) => {
      this.#token = token
      return handle.matches(pattern, offset, length, next, limit, threads, token)
    }, signal)
    // The caller may never request this batch, so its rejection must not be reported as unhandled.
    work.catch(() => {})
    return work
  }
}

function toItems(search: Search, columns: Columns): Match[] {
  const [offsets, lengths, needles] = [columnOf(columns, 0), columnOf(columns, 1), needlesOf(columns)]
  const sameLength = search.pattern.matchLength
  const items: Match[] = []
  for (let index = 0; index < offsets.length; index++) {
    const range = { offset: offsets[index] as number, length: sameLength ?? (lengths[index] as number) }
    items.push(search.isList ? { ...range, needle: needles[index] as number } : range)
  }
  return items
}

function toBatch(search: Search, columns: Columns): MatchBatch[] {
  const offsets = columnOf(columns, 0)
  if (offsets.length === 0) return []
  const sameLength = search.pattern.matchLength
  if (sameLength === null) {
    const lengths = columnOf(columns, 1)
    return [search.isList ? { offsets, lengths, needles: needlesOf(columns) } : { offsets, lengths }]
  }
  // Made when they are read, which is rare: a search with many matches spends most of its time filling memory.
  let lengths: Float64Array | undefined
  return [
    {
      offsets,
      get lengths(): Float64Array {
        return (lengths ??= new Float64Array(offsets.length).fill(sameLength))
      },
      ...(search.isList && { needles: needlesOf(columns) }),
    },
  ]
}

// Returns a column without copying it; an empty one if the native half did not return that column.
function columnOf(columns: Columns, column: number): Float64Array {
  const count = columns.at(-1) as number
  const end = (column + 1) * count
  return end > columns.length - TRAILER_LENGTH ? columns.subarray(0, 0) : columns.subarray(end - count, end)
}

// For a list of one needle there is no column of needles, and every match is of needle 0.
function needlesOf(columns: Columns): Uint32Array {
  const needles = new Uint32Array(columns.at(-1) as number)
  needles.set(columnOf(columns, 2))
  return needles
}
