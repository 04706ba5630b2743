import type { Pin } from './mapping-state.js'

/** Closing a mapping, and pins that keep it open. */
export interface Closable {
  /** True from the call of `close()` on, also while `close()` waits for pins. */
  readonly closed: boolean

  /**
   * Makes `close()` wait until the pin is released. Hold a pin while an asynchronous operation uses a view.
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
   * Closes the mapping. From the call on, every other method throws `ERR_MEMMAP_CLOSED`. Once all pins are released and all
   * running operations such as flushes have ended, all views become empty and the file is released. Native code that still uses
   * the address of the memory reads zeros, or gets `EFAULT` from a system call.
   *
   * Closing does not flush: the system writes stored bytes to the disk later. A second call returns the same promise.
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
   * Does what `close()` does before it returns. A second call does nothing.
   *
   * @throws `ERR_MEMMAP_BUSY` while a pin is held or an operation such as a flush is running; the mapping then stays open
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

  /** Does what `closeSync()` does, for `using`. */
  [Symbol.dispose](): void

  /** Does what `close()` does, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
