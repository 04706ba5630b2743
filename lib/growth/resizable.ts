import type { Bytes } from '../base/validate.js'
import type { ResizeOptions } from './resize.js'

/** Changing the length of a mapping. */
export interface Resizable {
  /**
   * Makes the file `size` bytes long, and the mapping reach to its end. What is added are zeros, with blocks on the disk for all
   * of them; existing views stay as they are and where they are. Anonymous memory changes its own size.
   *
   * A file grows in place within the address space that the option `reserve` has set aside; beyond that the mapping gets another
   * place for what comes, and earlier views stay true at theirs. Private memory (anonymous, with views) can't have two places.
   *
   * Shrinking cuts off bytes that nobody can look at any more: it refuses while pins are held, something is under way, or a
   * view reaches behind the new end. Views count until the garbage collector has found them.
   *
   * @param size - of the file, in bytes: at least `mapping.offset`
   * @throws (rejects with) `ENOSPC`, `EDQUOT` or `EFBIG` where the file can't grow: it is as it was; `ERR_MEMMAP_BUSY` where it
   *   can't shrink; `ERR_MEMMAP_READ_ONLY` in modes `r` and `c`; `ERR_MEMMAP_NOT_MAPPABLE` for devices;
   *   `ERR_MEMMAP_ADDRESS_SPACE` and `ERR_MEMMAP_MAP_COUNT` at limits, and for private memory without room;
   *   `ERR_MEMMAP_UNSUPPORTED` for `force` with `shared` views; `ERR_MEMMAP_FAULT`, `ERR_MEMMAP_CLOSED`, `ERR_OUT_OF_RANGE`
   * @see https://man7.org/linux/man-pages/man2/fallocate.2.html
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmap } from 'memmap'
   *
   * const log = await mmap('events.log', { mode: 'w+', reserve: 2 ** 30 })
   * await log.resize(5)
   * const first = log.buffer()
   * log.write('first')
   * await log.resize(11)
   * log.write(' event', 5)
   * assert.equal(log.length, 11)
   * assert.equal(first.toString(), 'first')
   * assert.equal(log.buffer().toString(), 'first event')
   * await log.close()
   * ```
   */
  resize(size: Bytes, options?: ResizeOptions): Promise<void>

  /**
   * The same as `resize()`, on this thread.
   *
   * @param size - of the file, in bytes: at least `mapping.offset`
   * @throws as `resize()` rejects
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { statSync } from 'node:fs'
   * import { mmapSync } from 'memmap'
   *
   * const mapping = mmapSync('counters.u32', { mode: 'w+', size: 400 })
   * const view = mapping.buffer(200)
   * assert.throws(() => mapping.resizeSync(100), { code: 'ERR_MEMMAP_BUSY' })
   * mapping.resizeSync(100, { force: true })
   * assert.deepEqual([view.length, mapping.length, statSync('counters.u32').size], [0, 100, 100])
   * mapping.closeSync()
   * ```
   */
  resizeSync(size: Bytes, options?: ResizeOptions): void

  /**
   * Follows the file, which somebody else has made longer or shorter: the mapping then has all that the file has from `offset`
   * on, or as much of `length` as was asked for. Where faults had put zeros in the place of pages the file's are back, and
   * `faults` is empty; what was stored into such pages is lost, and advice on them is to be given again. With mode `c`, whose
   * pages have contents of their own, this holds for what was behind the end only.
   *
   * Views stay. One that reaches behind the new end reads zeros there, which is a fault again.
   *
   * @returns true if the length is another one now
   * @throws (rejects with) `ERR_MEMMAP_ADDRESS_SPACE` and `ERR_MEMMAP_MAP_COUNT` at limits, and with mode `c` where the option
   *   `reserve` has not set enough aside; the errors of fstat(2); `ERR_MEMMAP_CLOSED`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { appendFile, writeFile } from 'node:fs/promises'
   * import { mmap } from 'memmap'
   *
   * await writeFile('events.log', 'one\n')
   * const mapping = await mmap('events.log')
   * await appendFile('events.log', 'two\n')
   * assert.equal(await mapping.refresh(), true)
   * assert.equal(mapping.buffer().toString(), 'one\ntwo\n')
   * await mapping.close()
   * ```
   */
  refresh(): Promise<boolean>

  /**
   * The same as `refresh()`, on this thread.
   *
   * @returns true if the length is another one now
   * @throws as `refresh()` rejects
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { truncateSync, writeFileSync } from 'node:fs'
   * import { mmapSync } from 'memmap'
   *
   * writeFileSync('data.bin', Buffer.alloc(100_000, 'x'))
   * const mapping = mmapSync('data.bin')
   * truncateSync('data.bin', 10)
   * assert.equal(mapping.refreshSync(), true)
   * assert.equal(mapping.read().toString(), 'xxxxxxxxxx')
   * mapping.closeSync()
   * ```
   */
  refreshSync(): boolean
}
