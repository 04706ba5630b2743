/**
 * The asynchronous iterator that all iterables of this library share: it takes batches from a source and hands out their items
 * one by one.
 */
import { yieldIfOverBudget } from './event-loop-budget.js'

/** Where an iterator gets its batches from. */
export interface BatchSource<T> {
  /** Whether items of a batch that was already made may still be handed out. */
  readonly isOpen: boolean
  /** Returns the next batch, without a promise if it is available at once. An empty batch means that there are no more. */
  pull(): T[] | Promise<T[]>
  /** Ends the source and cancels pending work. The promise, if any, is fulfilled once that work has stopped. */
  end(): Promise<unknown> | void
}

// The time budget is checked for each batch, and within a batch for each 64th item: where these bits of the index are all set.
const BUDGET_CHECK_MASK = 63

/**
 * Iterates over the items of a source. The next step may be requested before the previous one is settled; steps are settled in
 * the order of the requests. Ending the iterator settles pending steps with `done`.
 */
export class AsyncItemIterator<T> implements AsyncIterableIterator<T> {
  readonly #source: BatchSource<T>
  #items: readonly T[] = []
  #index = 0
  #ended = false
  // The last step that is not settled yet.
  #pending: Promise<unknown> | undefined

  constructor(source: BatchSource<T>) {
    this.#source = source
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const index = this.#index
    const isReady =
      index < this.#items.length && this.#pending === undefined && (index & BUDGET_CHECK_MASK) !== BUDGET_CHECK_MASK
    if (isReady && this.#source.isOpen) {
      this.#index = index + 1
      return Promise.resolve({ done: false, value: this.#items[index] as T })
    }
    if (this.#pending !== undefined) return this.#queue(this.#pending.then(() => this.#advance()))
    const step = this.#advance()
    // Not `instanceof Promise`: the global Promise may have been replaced.
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

  #queue(step: Promise<IteratorResult<T, undefined>>): Promise<IteratorResult<T, undefined>> {
    // Registered before the caller's own handlers, so that `#pending` is cleared when the caller requests the next step.
    const clear = (): void => {
      if (this.#pending === pending) this.#pending = undefined
    }
    const pending = step.then(clear, clear)
    this.#pending = pending
    return step
  }

  #advance(hasYielded = false): IteratorResult<T, undefined> | Promise<IteratorResult<T, undefined>> {
    if (this.#index < this.#items.length && this.#source.isOpen) {
      const isChecked = !hasYielded && (this.#index & BUDGET_CHECK_MASK) === BUDGET_CHECK_MASK
      const nextTurn = isChecked ? yieldIfOverBudget() : undefined
      if (nextTurn !== undefined) return this.#advanceAfter(nextTurn)
      return { done: false, value: this.#items[this.#index++] as T }
    }
    if (this.#ended) return { done: true, value: undefined }
    try {
      const batch = this.#source.pull()
      return Array.isArray(batch) && batch.length > 0 ? this.#take(batch) : this.#waitFor(batch)
    } catch (error) {
      return this.throw(error)
    }
  }

  async #advanceAfter(nextTurn: Promise<void>): Promise<IteratorResult<T, undefined>> {
    await nextTurn
    return this.#advance(true)
  }

  async #waitFor(batch: T[] | Promise<T[]>): Promise<IteratorResult<T, undefined>> {
    try {
      const items = await batch
      if (items.length === 0) await this.#end()
      if (!this.#ended) return this.#take(items)
    } catch (error) {
      // After the iterator was ended, an error only says that its work was cancelled.
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
