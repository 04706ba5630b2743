import type { Matches, MatchesSync } from './matches.js'
import type { Needle, SearchOptions, SearchSyncOptions } from './search.js'

/** Search in a range. */
export interface Searchable {
  /**
   * Finds the first place of a needle, on other threads.
   *
   * A string stands for its UTF-8 bytes. Of a list any needle counts. An empty string is found at the start of the range. A
   * RegExp finds in bytes what it would find in the text that they are the UTF-8 of; `Needle` says what is different. The range
   * is all that it sees: `^` is the start of that.
   *
   * @param needle - a string, a Buffer or other Uint8Array, a list of these, or a RegExp
   * @returns the offset of its first byte, counted from the start of the mapping, or -1
   * @throws `ERR_INVALID_ARG_VALUE` for an empty list, an empty needle in a list of several, or an expression that can't be
   *   searched for; `ERR_INVALID_ARG_TYPE`; `ERR_OUT_OF_RANGE`; `ERR_MEMMAP_CLOSED`, also when it is closed meanwhile;
   *   `ERR_MEMMAP_FAULT`; the reason of the signal. All as rejections
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFileSync } from 'node:fs'
   * import { mmap } from 'memmap'
   *
   * writeFileSync('log.txt', 'info: up\nerror: disk full\n')
   * const mapping = await mmap('log.txt')
   * assert.equal(await mapping.indexOf('error'), 9)
   * assert.equal(await mapping.indexOf(/\bfull$/m), 21)
   * assert.equal(await mapping.indexOf(['warning', 'fatal']), -1)
   * await mapping.close()
   * ```
   */
  indexOf(needle: Needle, options?: SearchOptions): Promise<number>

  /**
   * Finds the first place of a needle, and keeps this thread waiting for it; otherwise the same as `indexOf()`, throwing what that
   * rejects with.
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(100)
   * memory.write('needle', 50)
   * assert.equal(memory.indexOfSync('needle'), 50)
   * assert.equal(memory.indexOfSync(Buffer.from('dle'), { offset: 54 }), -1)
   * memory.closeSync()
   * ```
   */
  indexOfSync(needle: Needle, options?: SearchSyncOptions): number

  /**
   * Finds the last place of a needle, on other threads; otherwise the same as `indexOf()`. It may overlap another, as that of
   * `Buffer.lastIndexOf` may. An empty string is found at the end of the range. Of a RegExp it is the last of its matches, as
   * `matches()` gives them.
   *
   * @returns the offset of its first byte, counted from the start of the mapping, or -1
   * @throws as `indexOf()`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(5)
   * memory.write('ababa')
   * assert.equal(await memory.lastIndexOf('aba'), 2)
   * assert.equal(await memory.lastIndexOf('aba', { length: 4 }), 0)
   * await memory.close()
   * ```
   */
  lastIndexOf(needle: Needle, options?: SearchOptions): Promise<number>

  /**
   * Finds the last place of a needle, and keeps this thread waiting for it; otherwise the same as `lastIndexOf()`.
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(12)
   * memory.write('one two one ')
   * assert.equal(memory.lastIndexOfSync('one'), 8)
   * memory.closeSync()
   * ```
   */
  lastIndexOfSync(needle: Needle, options?: SearchSyncOptions): number

  /**
   * Says whether a needle is there; otherwise the same as `indexOf()`.
   *
   * @throws as `indexOf()`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(12)
   * memory.write('one two one ')
   * assert(await memory.includes('two'))
   * assert(!(await memory.includes('two', { offset: 5 })))
   * await memory.close()
   * ```
   */
  includes(needle: Needle, options?: SearchOptions): Promise<boolean>

  /**
   * Says whether a needle is there, and keeps this thread waiting for it; otherwise the same as `indexOf()`.
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(12)
   * memory.write('one two one ')
   * assert(memory.includesSync(/t.o/))
   * memory.closeSync()
   * ```
   */
  includesSync(needle: Needle, options?: SearchSyncOptions): boolean

  /**
   * Counts the matches of a needle, on other threads: those that `matches()` gives. The number of threads doesn't change it.
   *
   * @throws as `indexOf()`
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFileSync } from 'node:fs'
   * import { mmap } from 'memmap'
   *
   * writeFileSync('words.txt', 'one two one\n')
   * const mapping = await mmap('words.txt')
   * assert.equal(await mapping.count('one'), 2)
   * assert.equal(await mapping.count(/\w+/), 3)
   * assert.equal(await mapping.count('\n'), 1)
   * await mapping.close()
   * ```
   */
  count(needle: Needle, options?: SearchOptions): Promise<number>

  /**
   * Counts the matches of a needle, and keeps this thread waiting for it; otherwise the same as `count()`.
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(100)
   * memory.fill('abc')
   * assert.equal(memory.countSync('bca'), 33)
   * memory.closeSync()
   * ```
   */
  countSync(needle: Needle, options?: SearchSyncOptions): number

  /**
   * Gives all matches of a needle, in order, as `String.prototype.matchAll` defines them: each is the first one that begins
   * where the one before ends, or later. An empty one may begin there too; empty strings are at every byte and at the end.
   * Of a list, where two begin at the same place, it is the one named first.
   *
   * While you work on the matches of one part, the next part is searched on other threads; so `closeSync()` in the middle may
   * throw `ERR_MEMMAP_BUSY`, where `close()` ends the search. The iterable can be walked more than once.
   *
   * @throws as `indexOf()`: what is wrong with an argument at once, anything else from the steps
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { writeFileSync } from 'node:fs'
   * import { mmap } from 'memmap'
   *
   * writeFileSync('words.txt', 'one two one\n')
   * const mapping = await mmap('words.txt')
   * const found = []
   * for await (const { offset, length, needle } of mapping.matches(['two', 'one'])) found.push([offset, length, needle])
   * assert.deepEqual(found, [[0, 3, 1], [4, 3, 0], [8, 3, 1]])
   *
   * for await (const { offsets } of mapping.matches(/o\b|o/).batches()) assert.deepEqual([...offsets], [0, 6, 8])
   * await mapping.close()
   * ```
   */
  matches(needle: Needle, options?: SearchOptions): Matches

  /**
   * Gives all matches of a needle, and keeps this thread waiting for each part of them; otherwise the same as `matches()`.
   * Between two steps nothing is held.
   *
   * @example
   * ```ts
   * import assert from 'node:assert'
   * import { mmapAnonymous } from 'memmap'
   *
   * const memory = mmapAnonymous(12)
   * memory.write('one two one ')
   * assert.deepEqual([...memory.matchesSync('one')], [{ offset: 0, length: 3 }, { offset: 8, length: 3 }])
   * memory.closeSync()
   * ```
   */
  matchesSync(needle: Needle, options?: SearchSyncOptions): MatchesSync
}
