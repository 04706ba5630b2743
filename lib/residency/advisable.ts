import type { Range } from '../base/validate.js'
import type { Advice, Discard, Protection } from './advice.js'

/** Advice to the system about pages, and their protection. */
export interface Advisable {
  /**
   * Tells the system how the pages of a range will be used. None of these changes what is read, except `hwpoison`, which breaks
   * a page, for tests. `populate-read`, `populate-write`, `pageout` and `collapse` do their work before this returns, which may
   * mean waiting for the disk; `prefetch()` and `evict()` have it done on another thread.
   *
   * @throws `ERR_MEMMAP_UNSUPPORTED` where the platform does not know the advice; `ERR_INVALID_ARG_VALUE`; `ERR_OUT_OF_RANGE`;
   *   `ERR_MEMMAP_FAULT` when a page can't be populated; the errors of madvise(2)
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
   * Gives back the pages that lie whole within a range. **This destroys**: `dontneed` loses private changes, and all of
   * anonymous memory, which reads as zeros again; `free` does so when memory gets short; `remove` punches a hole into the file.
   *
   * @throws `ERR_MEMMAP_READ_ONLY` for `remove` in the modes `r` and `c`; `ERR_MEMMAP_UNSUPPORTED` where the platform does not know it;
   *   `ERR_INVALID_ARG_VALUE`; `ERR_OUT_OF_RANGE`; the errors of madvise(2)
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
   * Forbids (`r`) or allows again (`r+`) stores into the pages of a range. A store into a forbidden page does not end the
   * process: it stays in this process, and is reported as a fault.
   *
   * @param range - begins and ends where pages of the file do, or where the mapping does @default the whole mapping
   * @throws `ERR_MEMMAP_READ_ONLY` for `r+` in mode `r`; `ERR_MEMMAP_MISALIGNED`; `ERR_INVALID_ARG_VALUE`;
   *   `ERR_OUT_OF_RANGE`; the errors of mprotect(2)
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
