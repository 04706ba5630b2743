import type { Matches, MatchesSync } from './matches.js'
import type { Needle, SearchOptions, SearchSyncOptions } from './search.js'

/** Search for strings, bytes and regular expressions. */
export interface Searchable {
  /**
   * Finds the first match of a needle, on other threads.
   *
   * A string stands for its UTF-8 bytes. A list matches where any of its needles matches. An empty string matches at the start
   * of the range. A RegExp matches bytes as it would match the text that they encode in UTF-8; the type `Needle` lists the
   * differences. A search sees only the range: `^` matches at its start.
   *
   * @param needle - a string, a Buffer or other Uint8Array, a list of these, or a RegExp
   * @param options - a range, `threads`, `signal` and `onProgress`
   * @returns the offset of the first byte of the match, counted from the start of the mapping, or -1
   * @throws (rejects with) `ERR_INVALID_ARG_VALUE` for an empty list, an empty needle in a list of several, or an expression
   *   that cannot be searched for; `ERR_INVALID_ARG_TYPE`; `ERR_OUT_OF_RANGE`; `ERR_MEMMAP_CLOSED`, also when the mapping is
   *   closed meanwhile; `ERR_MEMMAP_FAULT`; the signal's reason
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
   * Does what `indexOf()` does, and blocks this thread until the search is done.
   *
   * @throws as `indexOf()` rejects
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
   * Finds the last match of a needle, on other threads. The match may overlap an earlier one, as with `Buffer.lastIndexOf`. An
   * empty string matches at the end of the range. For a RegExp it is the last match that `matches()` yields.
   *
   * @returns the offset of the first byte of the match, counted from the start of the mapping, or -1
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
   * Does what `lastIndexOf()` does, and blocks this thread until the search is done.
   *
   * @throws as `indexOf()` rejects
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
   * Reports whether a needle matches anywhere in a range, on other threads.
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
   * Does what `includes()` does, and blocks this thread until the search is done.
   *
   * @throws as `indexOf()` rejects
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
   * Counts the matches that `matches()` yields, on other threads. The number of threads does not change the result.
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
   * Does what `count()` does, and blocks this thread until the search is done.
   *
   * @throws as `indexOf()` rejects
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
   * Yields all matches of a needle, in order, as `String.prototype.matchAll` defines them: each match begins at the end of the
   * previous one or later. An empty match may begin there too; empty strings match at every byte and at the end. Where two
   * needles of a list match at the same offset, the match is that of the first of them in the list.
   *
   * While the caller works on one batch of matches, other threads search for the next batch. So `closeSync()` during the loop
   * may throw `ERR_MEMMAP_BUSY`; `close()` ends the search. The iterable can be iterated more than once.
   *
   * @throws as `indexOf()`: for wrong arguments at once, everything else from the steps
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
   * Does what `matches()` does, and blocks this thread while each batch is searched. The iterator holds no pin between two steps.
   *
   * @throws as `indexOf()` rejects: for wrong arguments at once, everything else from the steps
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
