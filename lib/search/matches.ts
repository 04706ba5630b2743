/**
 * All matches of a search, one by one or in batches: the range is searched part by part, and while the caller works on the
 * matches of one part, the next is searched already.
 */
import { AsyncItemIterator, type BatchSource } from '../iterate/async-iterator.js'
import type { NativeJob } from '../base/native.js'
import type { MappingState } from '../state/mapping-state.js'
import {
  type Needle,
  parseSearch,
  parseSearchSync,
  type Search,
  type SearchOptions,
  type SearchSyncOptions,
  whileTelling,
} from './search.js'

/** Where something was found. */
export interface Match {
  /** Its first byte, counted from the start of the mapping. */
  readonly offset: number
  /** In bytes. */
  readonly length: number
  /** Which one of a list of needles it is. Only if there was a list. */
  readonly needle?: number
}

/** Many matches, in order: the same index in each array belongs to the same match. */
export interface MatchBatch {
  /** The first byte of each, counted from the start of the mapping. */
  readonly offsets: Float64Array
  /** The length of each, in bytes. */
  readonly lengths: Float64Array
  /** Which one of a list of needles each is. Only if there was a list. */
  readonly needles?: Uint32Array
}

/** Can be walked through with `for await`, as often as wanted. */
export interface Matches extends AsyncIterable<Match> {
  /** The same matches in batches of up to some hundred thousand; none is empty. */
  batches(): AsyncIterable<MatchBatch>
}

/** Can be walked through with `for`, as often as wanted. */
export interface MatchesSync extends Iterable<Match> {
  /** The same matches in batches of up to some hundred thousand; none is empty. */
  batches(): Iterable<MatchBatch>
}

/** How many bytes are searched at once. */
export interface Pace {
  readonly first: number
  readonly least: number
  readonly most: number
  /** Parts become smaller where they have more matches than this, and larger where they have fewer. */
  readonly wanted: number
}

// The first matches come soon, and so many threads have each something to do. More than so many are not made into objects at
// once, as that keeps others waiting.
const paceOf = (threads: number): Pace => ({
  first: 2 ** 18,
  least: 2 ** 16,
  most: Math.min(threads, 16) * 2 ** 23,
  wanted: 2 ** 15,
})

// A batch costs its bytes alone, up to some MiB. The larger they are, the less often threads wait for one another.
const batchPaceOf = (threads: number): Pace => ({
  ...paceOf(threads),
  most: Math.min(threads, 16) * 2 ** 26,
  wanted: 2 ** 18,
})

/**
 * What the native half gives: in columns where each match starts, how long it is if they are not all of one length, and, if
 * there are several needles, which one it is; then where the search stands afterwards, and how many matches there are.
 */
type Columns = Float64Array

// Numbers behind the columns.
const TAIL = 2

export function matches(state: MappingState, needle: Needle, options?: SearchOptions, pace?: Pace): Matches {
  const search = parseSearch(state, needle, options)
  const walk = <T>(convert: (search: Search, found: Columns) => T[], usual: Pace): AsyncIterable<T> => ({
    [Symbol.asyncIterator]: () => new AsyncItemIterator(new Parts(new Progression(search, pace ?? usual), convert)),
  })
  return { ...walk(items, paceOf(search.threads)), batches: () => walk(batch, batchPaceOf(search.threads)) }
}

export function matchesSync(
  state: MappingState,
  needle: Needle,
  options?: SearchSyncOptions,
  pace?: Pace,
): MatchesSync {
  const search = parseSearchSync(state, needle, options)
  // One thread alone waits for nobody.
  const usual = search.threads === 1 ? paceOf(1) : batchPaceOf(search.threads)
  const walk = <T>(convert: (search: Search, found: Columns) => T[], by: Pace): Iterable<T> => ({
    [Symbol.iterator]: () => stepThrough(new Progression(search, pace ?? by), convert),
  })
  return { ...walk(items, paceOf(search.threads)), batches: () => walk(batch, usual) }
}

function* stepThrough<T>(at: Progression, convert: (search: Search, found: Columns) => T[]): Generator<T, undefined> {
  const { state, pattern, offset, length, threads } = at.search
  while (!at.isOver) {
    state.check()
    const [entry, limit] = at.part()
    const found = state.run((handle) => handle.matchesSync(pattern, offset, length, entry, limit, threads))
    at.advance(found)
    for (const item of convert(at.search, found)) {
      yield item
      if (state.closed) state.check()
    }
  }
  return undefined
}

/** How far a search is, and how much is searched next. */
class Progression {
  readonly search: Search
  readonly #pace: Pace
  #size: number
  #next = 0

  constructor(search: Search, pace: Pace) {
    this.search = search
    this.#pace = pace
    this.#size = pace.first
  }

  /** An empty match may also lie behind the last byte. */
  get isOver(): boolean {
    return this.#next > this.search.length
  }

  get done(): number {
    return Math.min(this.#next, this.search.length)
  }

  /** Where the search stands, and where the next matches must begin before. */
  part(): [entry: number, limit: number] {
    return [this.#next, Math.min(this.#next + this.#size, this.search.length + 1)]
  }

  advance(found: Columns): void {
    const { least, most, wanted } = this.#pace
    const [next = 0, count = 0] = found.subarray(-TAIL)
    const fitting = count === 0 ? most : ((next - this.#next) * wanted) / count
    this.#size = Math.max(least, Math.min(Math.ceil(fitting), this.#size * 4, most))
    this.#next = next
  }
}

/** Gives the matches of part after part, and searches one part ahead. */
class Parts<T> implements BatchSource<T> {
  readonly #at: Progression
  readonly #convert: (search: Search, found: Columns) => T[]
  #ahead: Promise<Columns> | undefined
  #job: NativeJob | undefined
  #told = 0
  #ended = false

  constructor(at: Progression, convert: (search: Search, found: Columns) => T[]) {
    this.#at = at
    this.#convert = convert
  }

  get isOpen(): boolean {
    const { state, signal } = this.#at.search
    return !state.closed && !signal?.aborted
  }

  async pull(): Promise<T[]> {
    const { search } = this.#at
    const { state, signal } = search
    const check = (): void => {
      if (signal?.aborted) throw signal.reason
      state.check()
    }
    while (true) {
      check()
      if (this.#ahead === undefined && this.#at.isOver) return []
      const found = await this.#waitFor(this.#ahead ?? this.#search())
      // Ended when the part was through already: nothing was left to cancel.
      if (this.#ended) return []
      this.#at.advance(found)
      this.#ahead = this.#at.isOver ? undefined : this.#search()
      this.#tell(this.#at.done)
      // Who is told may have ended it.
      check()
      if (found.length > TAIL) return this.#convert(search, found)
    }
  }

  // Until the search has heard of it the mapping is in use.
  end(): Promise<unknown> | undefined {
    this.#ended = true
    this.#job?.cancel()
    return this.#job && this.#at.search.state.ended(this.#job)
  }

  // A part in which there is one match that goes on and on can take long.
  #waitFor(part: Promise<Columns>): Promise<Columns> {
    if (this.#at.search.onProgress === undefined) return part
    const { done } = this.#at
    return whileTelling(
      part,
      () => this.#tell(done + (this.#job?.done ?? 0)),
      () => this.#job?.cancel(),
    )
  }

  // Where a part has too many matches for one batch, some of what was searched is searched again: no step back is told.
  #tell(done: number): void {
    const { onProgress, length: total } = this.#at.search
    this.#told = Math.max(this.#told, Math.min(done, total))
    onProgress?.({ done: this.#told, total })
  }

  #search(): Promise<Columns> {
    const { state, pattern, offset, length, threads, signal } = this.#at.search
    const [entry, limit] = this.#at.part()
    const work = state.runCancellable((handle, job) => {
      this.#job = job
      return handle.matches(pattern, offset, length, entry, limit, threads, job)
    }, signal)
    // Nobody may ever ask for it.
    work.catch(() => {})
    return work
  }
}

function items(search: Search, found: Columns): Match[] {
  const [offsets, lengths, needles] = [columnOf(found, 0), columnOf(found, 1), needlesOf(found)]
  const all = search.pattern.length
  const made: Match[] = []
  for (let index = 0; index < offsets.length; index++) {
    const place = { offset: offsets[index] as number, length: all ?? (lengths[index] as number) }
    made.push(search.isList ? { ...place, needle: needles[index] as number } : place)
  }
  return made
}

function batch(search: Search, found: Columns): MatchBatch[] {
  const offsets = columnOf(found, 0)
  if (offsets.length === 0) return []
  const all = search.pattern.length
  if (all === null) {
    const lengths = columnOf(found, 1)
    return [search.isList ? { offsets, lengths, needles: needlesOf(found) } : { offsets, lengths }]
  }
  // Most often nobody asks for them, and memory that is filled is what a search for many matches takes longest for.
  let lengths: Float64Array | undefined
  return [
    {
      offsets,
      get lengths(): Float64Array {
        return (lengths ??= new Float64Array(offsets.length).fill(all))
      },
      ...(search.isList && { needles: needlesOf(found) }),
    },
  ]
}

/** A column of what the native half gives, which is not a copy; empty if it isn't there. */
function columnOf(found: Columns, column: number): Float64Array {
  const count = found.at(-1) as number
  const end = (column + 1) * count
  return end > found.length - TAIL ? found.subarray(0, 0) : found.subarray(end - count, end)
}

// A list of one needle has no column: each match is of the first.
function needlesOf(found: Columns): Uint32Array {
  const needles = new Uint32Array(found.at(-1) as number)
  needles.set(columnOf(found, 2))
  return needles
}
