import type { Range } from '../base/validate.js'
import type { Advice, Discard, Protection } from './advice.js'

/** Advice to the system about pages, and their protection. */
export interface Advisable {
  /**
   * Tells the system how the pages of a range will be used. No advice changes the bytes, except `hwpoison`, which makes pages
   * unreadable, for tests. `populate-read`, `populate-write`, `pageout` and `collapse` do their work before the method returns,
   * so it may wait for the disk; `prefetch()` and `evict()` do similar work on another thread.
   *
   * @param range - the range in bytes; default: the whole mapping
   * @throws `ERR_MEMMAP_UNSUPPORTED` where the platform does not know the advice; `ERR_INVALID_ARG_TYPE`;
   *   `ERR_INVALID_ARG_VALUE`; `ERR_OUT_OF_RANGE`; `ERR_MEMMAP_FAULT` when a page cannot be populated; `ERR_MEMMAP_CLOSED`;
   *   the errors of madvise(2)
   * @see https://man7.org/linux/man-pages/man2/madvise.2.html
   *
   * @example
   * ```ts
   * import { writeFileSync } from 'node:fs'
   * import { mmapSync } from 'memmap'
   *
   * writeFileSync('hello.txt', 'hello world')
   * const mapping = mmapSync('hello.txt')
   * mapping.advise('random')
   * mapping.advise('willneed', { offset: 0, length: 5 })
   * mapping.closeSync()
   * ```
   */
  advise(advice: Advice, range?: Range): void

  /**
   * Discards the pages that lie completely within a range. **This destroys data**: `dontneed` discards private changes, and
   * all contents of anonymous memory, which reads as zeros again; `free` does so when the system needs memory; `remove` punches a
   * hole into the file.
   *
   * @param range - the range in bytes; default: the whole mapping
   * @throws `ERR_MEMMAP_READ_ONLY` for `remove` in the modes `r` and `c`; `ERR_MEMMAP_UNSUPPORTED` where the platform does not
   *   know the way to discard; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; `ERR_OUT_OF_RANGE`; `ERR_MEMMAP_FAULT`;
   *   `ERR_MEMMAP_CLOSED`; the errors of madvise(2)
   * @see https://man7.org/linux/man-pages/man2/madvise.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(65536).fill(1)
   * memory.discard('dontneed')
   * assert.equal(memory.buffer()[0], 0)
   * memory.closeSync()
   * ```
   */
  discard(how: Discard, range?: Range): void

  /**
   * Forbids (`'r'`) or allows (`'r+'`) stores into the pages of a range. A store into a forbidden page does not end the
   * process: the stored byte stays private to this process, and the store is reported as a fault.
   *
   * @param range - must begin and end at page boundaries of the file or at the ends of the mapping; default: the whole mapping
   * @throws `ERR_MEMMAP_READ_ONLY` for `r+` in mode `r`; `ERR_MEMMAP_MISALIGNED`; `ERR_INVALID_ARG_TYPE`;
   *   `ERR_INVALID_ARG_VALUE`; `ERR_OUT_OF_RANGE`; `ERR_MEMMAP_FAULT`; `ERR_MEMMAP_CLOSED`; the errors of mprotect(2)
   * @see https://man7.org/linux/man-pages/man2/mprotect.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(65536)
   * memory.write('done')
   * memory.protect('r')
   * assert.equal(memory.buffer(0, 4).toString(), 'done')
   * memory.protect('r+')
   * memory.write('more')
   * memory.closeSync()
   * ```
   */
  protect(protection: Protection, range?: Range): void
}
