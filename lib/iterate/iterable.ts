/**
 * How everything that is gone through part by part is iterated: item by item or in batches, with `for` and with `for await`.
 *
 * A Cursor makes the items of one part after the other. A MappedIterable makes cursors, and the iterators over them. Generators would be
 * shorter, and two to four times slower: where the items of a part are there, a step of these is an index, and an
 * asynchronous step is a promise that is fulfilled already.
 */
import { Ahead } from './read-ahead.js'
import type { MappingState } from '../state/mapping-state.js'
import { othersFirst } from './event-loop-budget.js'

/** Makes the items of a range, part by part. */
export interface Cursor<T> {
  /** Nothing before this is needed any more. */
  readonly position: number
  /** Where the bytes end that the next step looks at. */
  readonly reach: number
  /** There is no next step. */
  readonly done: boolean
  /** Whether a step reads all bytes up to `reach`. */
  readonly reads: boolean
  /** Whether the items are views, whose bytes are read later. */
  readonly views: boolean
  /** Makes the items of the next part; none doesn't mean that it was the last one. */
  step(): T[]
}

/** What can be gone through: item by item, or by arrays of items; with `for` or with `for await`; as often as you like. */
export interface MappedIterable<T, B = T[]> extends Iterable<T>, AsyncIterable<T> {
  /** The same in batches, each of the items of some ten KiB: as quick asynchronously as it is synchronously. */
  batches(): Iterable<B> & AsyncIterable<B>
}

/** Where to go and how. */
export interface Route {
  readonly state: MappingState
  readonly start: number
  readonly end: number
  readonly dropBehind: boolean
  readonly signal: AbortSignal | undefined
}

/** Where iterators get the items of the next part from. */
export interface Source<T> {
  /** Whether items that are made already may still be handed out. */
  readonly isOpen: boolean
  /** The items of the next part, at once where they need not be waited for; none: it was the last one. */
  pull(): T[] | Promise<T[]>
  /** Ends it, whatever is under way. Where something goes on for a moment all the same, the promise tells when it has ended. */
  end(): Promise<unknown> | void
}

/**
 * Makes what users go through. `items` is told whether they are wanted in batches; `batched` makes whole batches where they
 * are more than arrays of items.
 */
export function walk<T>(route: Route, items: (inBatches: boolean) => Cursor<T>): MappedIterable<T>
export function walk<T, B>(
  route: Route,
  items: (inBatches: boolean) => Cursor<T>,
  batched: () => Cursor<B>,
): MappedIterable<T, B>
export function walk<T>(
  route: Route,
  items: (inBatches: boolean) => Cursor<T>,
  batched?: () => Cursor<unknown>,
): MappedIterable<T, unknown> {
  const batches = batched ?? (() => new Batched(items(true)))
  return { ...over(route, () => items(false)), batches: () => over(route, batches) }
}

function over<T>(route: Route, cursor: () => Cursor<T>): Iterable<T> & AsyncIterable<T> {
  return {
    [Symbol.iterator]: () => new Items(new Parts(route, cursor(), true)),
    [Symbol.asyncIterator]: () => new AsyncItems(new Parts(route, cursor(), false)),
  }
}

/** Makes each part one item. */
class Batched<T> implements Cursor<T[]> {
  readonly #cursor: Cursor<T>

  constructor(cursor: Cursor<T>) {
    this.#cursor = cursor
  }

  get position(): number {
    return this.#cursor.position
  }

  get reach(): number {
    return this.#cursor.reach
  }

  get done(): boolean {
    return this.#cursor.done
  }

  get reads(): boolean {
    return this.#cursor.reads
  }

  get views(): boolean {
    return this.#cursor.views
  }

  step(): T[][] {
    const items = this.#cursor.step()
    return items.length === 0 ? [] : [items]
  }
}

// Whether others have their turn first is asked at each part, and at each 64th item: those whose number ends in these bits.
const UNTIMED = 63

// Whether the file still reaches to views is asked each so many bytes, as it costs more than making a small view.
const UNASKED = 2 ** 12

/** Goes through a range with a cursor. */
class Parts<T> implements Source<T> {
  readonly #state: MappingState
  readonly #signal: AbortSignal | undefined
  readonly #cursor: Cursor<T>
  readonly #ahead: Ahead
  #asked: number
  #ended = false

  constructor({ state, start, end, dropBehind, signal }: Route, cursor: Cursor<T>, isBlocking: boolean) {
    this.#state = state
    this.#signal = signal
    this.#cursor = cursor
    this.#asked = start
    this.#ahead = new Ahead(state, start, end, { dropBehind, signal, isBlocking })
  }

  get isOpen(): boolean {
    const isWanted = !this.#state.closed && !this.#signal?.aborted
    // Where a page is gone there are zeros in the views that are not handed out yet.
    return isWanted && !(this.#cursor.views && this.#state.hasFaulted)
  }

  pullNow(): T[] {
    while (this.#hasMore()) {
      const items = this.#step()
      if (items.length > 0) return items
    }
    return []
  }

  pull(): T[] | Promise<T[]> {
    const found = this.#pullOrWait()
    return Array.isArray(found) ? found : this.#pullAfter(found)
  }

  end(): void {
    this.#ended = true
    this.#ahead.end()
  }

  // Who has waited makes a step, whatever others have had of this turn.
  #pullOrWait(hasWaited = false): T[] | Promise<void> {
    // It may be ended during a wait, which then is over, though the bytes are not there.
    for (let isFirst = hasWaited; !this.#ended && this.#hasMore(); isFirst = false) {
      const { position, reach } = this.#cursor
      const waiting = this.#ahead.before(position, reach - position) ?? (isFirst ? undefined : othersFirst())
      if (waiting !== undefined) return waiting
      const items = this.#step()
      if (items.length > 0) return items
    }
    return []
  }

  async #pullAfter(waiting: Promise<void>): Promise<T[]> {
    let found: T[] | Promise<void> = waiting
    while (!Array.isArray(found)) {
      await found
      found = this.#pullOrWait(true)
    }
    return found
  }

  #hasMore(): boolean {
    if (this.#signal?.aborted) throw this.#signal.reason
    this.#state.check()
    return !this.#cursor.done
  }

  #step(): T[] {
    const { position, reach } = this.#cursor
    this.#ahead.behind(position)
    const items = this.#cursor.step()
    // In the place of a page that could not be delivered the items have zeros, and so they have, without a fault, in the rest
    // of the page where the file ends now.
    this.#state.check()
    if (items.length > 0) this.#checkExtent(position, reach)
    return items
  }

  #checkExtent(position: number, reach: number): void {
    if (this.#cursor.reads) return this.#state.run((native) => native.checkRead(position, reach - position))
    const length = reach - this.#asked
    if (length < UNASKED && !this.#cursor.done) return
    this.#state.run((native) => native.checkExtent(this.#asked, length))
    this.#asked = reach
  }
}

class Items<T> implements IterableIterator<T> {
  readonly #source: Parts<T>
  #items: readonly T[] = []
  #index = 0
  #ended = false

  constructor(source: Parts<T>) {
    this.#source = source
  }

  next(): IteratorResult<T, undefined> {
    const index = this.#index
    if (index < this.#items.length && this.#source.isOpen) {
      this.#index = index + 1
      return { done: false, value: this.#items[index] as T }
    }
    return this.#advance()
  }

  return(): IteratorResult<T, undefined> {
    this.#end()
    return { done: true, value: undefined }
  }

  throw(error: unknown): never {
    this.#end()
    throw error
  }

  [Symbol.iterator](): this {
    return this
  }

  #advance(): IteratorResult<T, undefined> {
    if (this.#ended) return { done: true, value: undefined }
    try {
      this.#items = this.#source.pullNow()
    } catch (error) {
      return this.throw(error)
    }
    if (this.#items.length === 0) return this.return()
    this.#index = 1
    return { done: false, value: this.#items[0] as T }
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#items = []
    this.#source.end()
  }
}

/**
 * An asynchronous iterator. Steps may be asked for before the one before is there; they are answered in that order. Ending it
 * answers those that still wait with `done`.
 */
export class AsyncItems<T> implements AsyncIterableIterator<T> {
  readonly #source: Source<T>
  #items: readonly T[] = []
  #index = 0
  #ended = false
  // The last step that is not answered yet.
  #last: Promise<unknown> | undefined

  constructor(source: Source<T>) {
    this.#source = source
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const index = this.#index
    const isNext = index < this.#items.length && this.#last === undefined && (index & UNTIMED) !== UNTIMED
    if (isNext && this.#source.isOpen) {
      this.#index = index + 1
      return Promise.resolve({ done: false, value: this.#items[index] as T })
    }
    if (this.#last !== undefined) return this.#queue(this.#last.then(() => this.#advance()))
    const step = this.#advance()
    // Not by its class: the global Promise may be somebody else's.
    return 'then' in step ? this.#queue(step) : Promise.resolve(step)
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    await this.#end()
    return { done: true, value: undefined }
  }

  async throw(error: unknown): Promise<never> {
    await this.#end()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #queue(answer: Promise<IteratorResult<T, undefined>>): Promise<IteratorResult<T, undefined>> {
    // Before anybody else hears of the answer, so that the next step finds the way free.
    const clear = (): void => {
      if (this.#last === last) this.#last = undefined
    }
    const last = answer.then(clear, clear)
    this.#last = last
    return answer
  }

  #advance(hasWaited = false): IteratorResult<T, undefined> | Promise<IteratorResult<T, undefined>> {
    if (this.#index < this.#items.length && this.#source.isOpen) {
      const isTimed = !hasWaited && (this.#index & UNTIMED) === UNTIMED
      const waiting = isTimed ? othersFirst() : undefined
      if (waiting !== undefined) return this.#advanceAfter(waiting)
      return { done: false, value: this.#items[this.#index++] as T }
    }
    if (this.#ended) return { done: true, value: undefined }
    try {
      const pulled = this.#source.pull()
      return Array.isArray(pulled) && pulled.length > 0 ? this.#take(pulled) : this.#waitFor(pulled)
    } catch (error) {
      return this.throw(error)
    }
  }

  async #advanceAfter(waiting: Promise<void>): Promise<IteratorResult<T, undefined>> {
    await waiting
    return this.#advance(true)
  }

  async #waitFor(pulled: T[] | Promise<T[]>): Promise<IteratorResult<T, undefined>> {
    try {
      const items = await pulled
      if (items.length === 0) await this.#end()
      if (!this.#ended) return this.#take(items)
    } catch (error) {
      // Whoever ended it does not want to hear what that has broken off.
      if (!this.#ended) {
        await this.#end()
        throw error
      }
    }
    return { done: true, value: undefined }
  }

  #take(items: readonly T[]): IteratorResult<T, undefined> {
    this.#items = items
    this.#index = 1
    return { done: false, value: items[0] as T }
  }

  #end(): Promise<unknown> | void {
    if (this.#ended) return
    this.#ended = true
    this.#items = []
    return this.#source.end()
  }
}
