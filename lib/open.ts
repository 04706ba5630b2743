/**
 * The functions that make a Mapping.
 */
import { threadId } from 'node:worker_threads'
import { capabilities } from './base/constants.js'
import { memmapError } from './base/errors.js'
import { traceCaller } from './state/registry.js'
import { createMapping, type Mapping } from './mapping.js'
import { anonymous, type NativeMapping, open, openSync, type OpenRequest } from './base/native.js'
import {
  type AnonymousOptions,
  type MappingOptions,
  type MappingSource,
  parseAnonymousOptions,
  parseMappingOptions,
  parseSource,
} from './open-options.js'
import { MappingState, type MappingTraits } from './state/mapping-state.js'
import { type Bytes, parseBytes } from './base/validate.js'

/**
 * Maps a file, or a range of it. Another thread opens the file, and reads its pages if `populate` is set.
 *
 * A descriptor, or that of a FileHandle, is duplicated before this function returns, so the caller may close it at any time. An
 * empty file gives an empty mapping. Only the modes `w+` and `wx+` create files.
 *
 * @param source - a path (string, file URL, or bytes in UTF-8), a FileHandle, or a file descriptor
 * @throws (rejects with) the errors of open(2) and mmap(2), such as `ENOENT` and `EACCES`; `ERR_MEMMAP_NOT_MAPPABLE` for
 *   directories, pipes and other sources without pages; `ERR_OUT_OF_RANGE` when the range does not lie within the file;
 *   `ERR_MEMMAP_MAP_COUNT` and `ERR_MEMMAP_ADDRESS_SPACE` at limits of the system; `ERR_MEMMAP_UNSUPPORTED` for options that
 *   this platform or runtime lacks; `ERR_INVALID_ARG_TYPE` and `ERR_INVALID_ARG_VALUE`, also for unknown options
 * @see https://man7.org/linux/man-pages/man2/mmap.2.html
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { writeFile } from 'node:fs/promises'
 * import { mmap } from 'memmap'
 *
 * await writeFile('hello.txt', 'hello world')
 * const mapping = await mmap('hello.txt', { offset: 6 })
 * assert.equal(mapping.buffer().toString(), 'world')
 * await mapping.close()
 * ```
 */
export async function mmap(source: MappingSource, options?: MappingOptions): Promise<Mapping> {
  const { request, traits } = prepare(source, options, traceCaller(mmap))
  return present(await open(request), traits)
}

/**
 * Does what `mmap()` does, on this thread.
 *
 * @throws as `mmap()` rejects
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { writeFileSync } from 'node:fs'
 * import { mmapSync } from 'memmap'
 *
 * writeFileSync('hello.txt', 'hello world')
 * const mapping = mmapSync('hello.txt', { mode: 'c' })
 * mapping.write('HELLO')
 * assert.equal(mapping.buffer().toString(), 'HELLO world')
 * mapping.closeSync()
 * ```
 */
export function mmapSync(source: MappingSource, options?: MappingOptions): Mapping {
  const { request, traits } = prepare(source, options, traceCaller(mmapSync))
  return present(openSync(request), traits)
}

/**
 * Maps memory that belongs to no file. Its bytes are zeros at first. It lies outside of the heap of the engine and may have any
 * size. A page uses memory only after its first store.
 *
 * @param length - in bytes
 * @throws `ERR_MEMMAP_ADDRESS_SPACE`; `ERR_MEMMAP_MAP_COUNT`; `ERR_MEMMAP_UNSUPPORTED`; `ERR_OUT_OF_RANGE`;
 *   `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`; the errors of mmap(2)
 * @see https://man7.org/linux/man-pages/man2/mmap.2.html
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mmapAnonymous } from 'memmap'
 *
 * const memory = mmapAnonymous(2 ** 30, { noReserve: true })
 * memory.array(Uint32Array, 2 ** 29, 1)[0] = 7
 * assert.equal(memory.read({ offset: 2 ** 29, length: 1 })[0], 7)
 * memory.closeSync()
 * ```
 */
export function mmapAnonymous(length: Bytes, options?: AnonymousOptions): Mapping {
  // Validate arguments
  const bytes = parseBytes(length, 'length')
  const interpreted = parseAnonymousOptions(options)

  // Interpret options
  const stack = traceCaller(mmapAnonymous)
  const request = { ...interpreted, length: bytes, thread: threadId, stack }

  // Validate interpreted options
  const { label, shared } = interpreted
  checkShared(shared)
  const traits = { path: undefined, label, mode: 'r+', shared, stack } as const
  return present(anonymous(request), traits)
}

function prepare(
  source: MappingSource,
  options: MappingOptions | undefined,
  stack: string | undefined,
): { request: OpenRequest; traits: MappingTraits } {
  // Validate arguments
  const from = parseSource(source)
  const interpreted = parseMappingOptions(options)

  // Interpret options
  const request = { ...from, ...interpreted, gcOwned: false, thread: threadId, stack }
  const path = 'path' in from ? from.path : undefined

  // Validate interpreted options
  const { label, mode, shared } = interpreted
  checkShared(shared)
  return { request, traits: { path, label, mode, shared, stack } }
}

function checkShared(shared: boolean): void {
  if (!shared || capabilities()['sharedArrayBuffer'] === true) return
  throw memmapError(
    'ERR_MEMMAP_UNSUPPORTED',
    'The option shared needs a runtime that can make a SharedArrayBuffer over mapped memory, such as Node 22.23.3, 24.16, 26.1 or later; check capabilities().sharedArrayBuffer, or open the file in each worker',
  )
}

function present(mapping: NativeMapping, traits: MappingTraits): Mapping {
  return createMapping(new MappingState(mapping, traits), traits.stack)
}
