/**
 * How ranges of a mapping are iterated: item by item or in batches, with `for` and with `for await`.
 *
 * A BatchReader makes the items of one batch after another. A MappedIterable creates BatchReaders and the iterators over them.
 * Generators would be shorter, but two to four times slower. Here, a step within a batch only increments an index, and an
 * asynchronous step within a batch is a promise that is already fulfilled.
 */
import type { MappingState } from '../state/mapping-state.js'
import { AsyncItemIterator, type BatchSource } from './async-iterator.js'
import { yieldIfOverBudget } from './event-loop-budget.js'
import type { IterationRange } from './range-options.js'
import { ReadAhead } from './read-ahead.js'

/** Makes the items of a range, batch by batch. */
export interface BatchReader<T> {
  /** The offset before which no byte is needed any more. */
  readonly position: number
  /** The end offset of the bytes that the next batch may need. */
  readonly batchEnd: number
  /** Whether there is no next batch. */
  readonly done: boolean
  /** Whether making a batch reads all bytes up to `batchEnd`. */
  readonly readsBytes: boolean
  /** Whether the items are views, whose bytes are read later. */
  readonly yieldsViews: boolean
  /** Makes the items of the next batch. An empty array does not mean that it was the last one. */
  readBatch(): T[]
}

/** The items of a range: one by one, or in batches; with `for` or `for await`. Can be iterated any number of times. */
export interface MappedIterable<T, B = T[]> extends Iterable<T>, AsyncIterable<T> {
  /** Returns the same items in batches, each made of some tens of KiB: `for await` is then as fast as `for`. */
  batches(): Iterable<B> & AsyncIterable<B>
}

/**
 * Makes an iterable. `readItems` gets true where its items will be handed out in batches. `readBatches` makes whole batches, for
 * iterables whose batches are more than arrays of items.
 */
export function makeIterable<T>(
  range: IterationRange,
  readItems: (inBatches: boolean) => BatchReader<T>,
): MappedIterable<T>
export function makeIterable<T, B>(
  range: IterationRange,
  readItems: (inBatches: boolean) => BatchReader<T>,
  readBatches: () => BatchReader<B>,
): MappedIterable<T, B>
export function makeIterable<T>(
  range: IterationRange,
  readItems: (inBatches: boolean) => BatchReader<T>,
  readBatches?: () => BatchReader<unknown>,
): MappedIterable<T, unknown> {
  const batches = readBatches ?? (() => new BatchAsItem(readItems(true)))
  return { ...iterablesOver(range, () => readItems(false)), batches: () => iterablesOver(range, batches) }
}

function iterablesOver<T>(range: IterationRange, read: () => BatchReader<T>): Iterable<T> & AsyncIterable<T> {
  return {
    [Symbol.iterator]: () => new ItemIterator(new RangeSource(range, read(), true)),
    [Symbol.asyncIterator]: () => new AsyncItemIterator(new RangeSource(range, read(), false)),
  }
}

/** Makes each batch of another reader one item. */
class BatchAsItem<T> implements BatchReader<T[]> {
  readonly #reader: BatchReader<T>

  constructor(reader: BatchReader<T>) {
    this.#reader = reader
  }

  get position(): number {
    return this.#reader.position
  }

  get batchEnd(): number {
    return this.#reader.batchEnd
  }

  get done(): boolean {
    return this.#reader.done
  }

  get readsBytes(): boolean {
    return this.#reader.readsBytes
  }

  get yieldsViews(): boolean {
    return this.#reader.yieldsViews
  }

  readBatch(): T[][] {
    const items = this.#reader.readBatch()
    return items.length === 0 ? [] : [items]
  }
}

// For views, the length of the file is checked once for each run of this many bytes: a check costs more than making a small
// view.
const UNCHECKED_BYTES = 2 ** 12

/** Takes the batches of a range from a BatchReader, with read-ahead, the time budget and the checks around them. */
class RangeSource<T> implements BatchSource<T> {
  readonly #state: MappingState
  readonly #signal: AbortSignal | undefined
  readonly #reader: BatchReader<T>
  readonly #readAhead: ReadAhead
  // The offset up to which the length of the file was checked.
  #checked: number
  #ended = false

  constructor({ state, start, end, dropBehind, signal }: IterationRange, reader: BatchReader<T>, isBlocking: boolean) {
    this.#state = state
    this.#signal = signal
    this.#reader = reader
    this.#checked = start
    this.#readAhead = new ReadAhead(state, start, end, { dropBehind, signal, isBlocking })
  }

  get isOpen(): boolean {
    const isWanted = !this.#state.closed && !this.#signal?.aborted
    // After a fault, views that are not handed out yet may show zeros in place of the lost page.
    return isWanted && !(this.#reader.yieldsViews && this.#state.hasFaulted)
  }

  pullSync(): T[] {
    while (this.#hasMore()) {
      const items = this.#readBatch()
      if (items.length > 0) return items
    }
    return []
  }

  pull(): T[] | Promise<T[]> {
    const batch = this.#pullOrWait()
    return Array.isArray(batch) ? batch : this.#pullAfter(batch)
  }

  end(): void {
    this.#ended = true
    this.#readAhead.end()
  }

  // After a wait, always make one step, even if the time budget is used up.
  #pullOrWait(hasWaited = false): T[] | Promise<void> {
    // The source may be ended during a wait. The wait is over then, although the bytes are not in memory.
    for (let isFirst = hasWaited; !this.#ended && this.#hasMore(); isFirst = false) {
      const { position, batchEnd } = this.#reader
      const waiting =
        this.#readAhead.prepare(position, batchEnd - position) ?? (isFirst ? undefined : yieldIfOverBudget())
      if (waiting !== undefined) return waiting
      const items = this.#readBatch()
      if (items.length > 0) return items
    }
    return []
  }

  async #pullAfter(waiting: Promise<void>): Promise<T[]> {
    let batch: T[] | Promise<void> = waiting
    while (!Array.isArray(batch)) {
      await batch
      batch = this.#pullOrWait(true)
    }
    return batch
  }

  #hasMore(): boolean {
    if (this.#signal?.aborted) throw this.#signal.reason
    this.#state.check()
    return !this.#reader.done
  }

  #readBatch(): T[] {
    const { position, batchEnd } = this.#reader
    this.#readAhead.markUsed(position)
    const items = this.#reader.readBatch()
    // The items must not be handed out if they were made of zeros: those of a page that could not be read, which is a fault, or
    // those in the rest of the page in which a truncated file now ends, which is not a fault.
    this.#state.check()
    if (items.length > 0) this.#checkExtent(position, batchEnd)
    return items
  }

  #checkExtent(position: number, batchEnd: number): void {
    if (this.#reader.readsBytes) return this.#state.run((native) => native.checkRead(position, batchEnd - position))
    const length = batchEnd - this.#checked
    if (length < UNCHECKED_BYTES && !this.#reader.done) return
    this.#state.run((native) => native.checkExtent(this.#checked, length))
    this.#checked = batchEnd
  }
}

class ItemIterator<T> implements IterableIterator<T> {
  readonly #source: RangeSource<T>
  #items: readonly T[] = []
  #index = 0
  #ended = false

  constructor(source: RangeSource<T>) {
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
      this.#items = this.#source.pullSync()
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
