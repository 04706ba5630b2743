import type { Pin } from './mapping-state.js'

/** Closing a mapping, and keeping it open for a while. */
export interface Closable {
  /** True from the moment that `close()` is called, even while that waits for pins. */
  readonly closed: boolean

  /**
   * Keeps `close()` waiting, for as long as a view is in the hands of something asynchronous.
   *
   * @throws `ERR_MEMMAP_CLOSED`, `ERR_MEMMAP_FAULT`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFile } from 'node:fs/promises'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(65536)
   * const pin = memory.pin()
   * const written = writeFile('copy.bin', memory.buffer()).finally(() => pin.release())
   * const closed = memory.close()
   * assert.equal(memory.closed, true)
   * await Promise.all([written, closed])
   * ```
   */
  pin(): Pin

  /**
   * Closes the mapping: from now on every method throws; when all pins are released and all flushes done, every view becomes
   * empty and the file is let go. Code that still has the address of the memory reads zeros, or gets `EFAULT`.
   *
   * It does not flush; the system writes what was stored when it sees fit. Closing again gives the same promise.
   *
   * @see https://man7.org/linux/man-pages/man2/munmap.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(4096)
   * const view = memory.buffer()
   * await memory.close()
   * assert.equal(view.length, 0)
   * assert.throws(() => memory.buffer(), { code: 'ERR_MEMMAP_CLOSED' })
   * ```
   */
  close(): Promise<void>

  /**
   * The same as `close()`, at once. Closing again does nothing.
   *
   * @throws `ERR_MEMMAP_BUSY` while there are pins, or a flush under way; the mapping is then as it was
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(4096)
   * const pin = memory.pin()
   * assert.throws(() => memory.closeSync(), { code: 'ERR_MEMMAP_BUSY' })
   * pin.release()
   * memory.closeSync()
   * assert.equal(memory.closed, true)
   * ```
   */
  closeSync(): void

  /** The same as `closeSync()`, for `using`. */
  [Symbol.dispose](): void

  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
