import assert from 'node:assert/strict'
import { stateOf } from '../../lib/state/mapping-state.js'
import type { Mapping, MappedIterable } from '../../index.js'

/** Iterates in all four ways, which must yield the same items, and returns these. */
export async function allOf<T>(iterable: MappedIterable<T>): Promise<T[]> {
  const items = [...iterable]
  const asynchronous: T[] = []
  for await (const item of iterable) asynchronous.push(item)
  assert.deepEqual(asynchronous, items)
  assert.deepEqual([...iterable.batches()].flat(), items)
  const batched: T[] = []
  for await (const batch of iterable.batches()) {
    assert.notEqual(batch.length, 0)
    batched.push(...batch)
  }
  assert.deepEqual(batched, items)
  return items
}

/** Returns the iteration range of a whole mapping, or of a part of it. */
export function rangeOf(mapping: Mapping, start = 0, end = mapping.length) {
  return { state: stateOf(mapping), start, end, dropBehind: false, signal: undefined }
}

/** Waits until a condition is true. The time limit of the test itself detects a hang. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2))
}
