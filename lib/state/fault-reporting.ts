import type { Fault } from './faults.js'

/** Reports of pages that the system could not deliver. */
export interface FaultReporting {
  /** The pages that the system could not deliver, oldest first; at most 16. */
  readonly faults: Fault[]

  /**
   * Throws if a page could not be delivered, if the file has become shorter than the mapping, or if a flush of the file has
   * failed. A loop over a view reads zeros in place of lost bytes without an error, so call this method after the loop.
   *
   * @throws `ERR_MEMMAP_FAULT`, `ERR_MEMMAP_FLUSH_LOST`, `ERR_MEMMAP_CLOSED`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(4096)
   * const sum = memory.buffer().reduce((total, byte) => total + byte, 0)
   * memory.assertHealthy()
   * assert.equal(sum, 0)
   * memory.closeSync()
   * ```
   */
  assertHealthy(): void
}
