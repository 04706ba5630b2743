/**
 * Drop-in replacements for `readFileSync`: a Buffer or a typed array over the bytes of a file. The caller need not close
 * anything, since the garbage collector frees it. Changes of its bytes are private to this process.
 */
import { isAnyArrayBuffer } from 'node:util/types'
import { threadId } from 'node:worker_threads'
import { watchFaults } from './state/faults.js'
import { enter, type Entry, leave, traceCaller, watch } from './state/registry.js'
import { call, native, type NativeMapping, openSync } from './base/native.js'
import { type FileOptions, type MappingSource, parseFileOptions, parseSource } from './open-options.js'
import { checkFitsBuffer, detach, externalMemory, type BufferLocation } from './state/array-buffers.js'
import { invalidArgType } from './base/validate.js'
import {
  checkAligned,
  checkCount,
  makeView,
  countElements,
  parseType,
  type TypedArray,
  type TypedArrayConstructor,
} from './views/views.js'

// Keeps the entry of each result alive as long as its ArrayBuffer. The entry keeps the native mapping alive.
const entries = new WeakMap<ArrayBufferLike, Entry>()

/**
 * Maps a file into a Buffer: returns what `readFileSync(source)` returns, but reads bytes only when they are used.
 *
 * Stores into the Buffer stay private to this process. Changes that other processes make to the file may become visible in pages
 * that were not stored into. The garbage collector frees the Buffer when nothing refers to it, and `unmap()` frees it at once. A
 * file of up to 64 KiB that is opened by its path without options is read instead, which is faster than mapping it.
 *
 * @param source - as of `mmap()`
 * @param options - as of `mmap()`: `offset`, `length`, `advice`, `populate`, `hugePages`, `onFault`, `label`
 * @throws `ERR_MEMMAP_VIEW_TOO_LARGE` for more than 2^31 - 1 bytes; `ERR_MEMMAP_UNSUPPORTED` where the runtime refuses views
 *   of foreign memory; otherwise as `mmap()` rejects
 * @see https://man7.org/linux/man-pages/man2/mmap.2.html
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { writeFileSync } from 'node:fs'
 * import { mapBuffer } from 'memmap'
 *
 * writeFileSync('hello.txt', 'hello world')
 * assert.equal(mapBuffer('hello.txt').toString('utf8', 6), 'world')
 * ```
 */
export function mapBuffer(source: MappingSource, options?: FileOptions): Buffer {
  const read = options === undefined && readSmall(source)
  if (read) return read

  const entry = open(source, options, traceCaller(mapBuffer))
  return makeOwned(entry, (mapping) => {
    checkCount(mapping.length, 'bytes')
    return makeView(Buffer, locate(entry), mapping.length) as Buffer
  })
}

/**
 * Maps a file into a typed array of any class, by the rules of `mapBuffer()`. Numbers have the byte order of the processor.
 *
 * @param Type - `Float64Array`, `BigInt64Array`, `Uint8Array`, … or a subclass
 * @param options - as of `mapBuffer()`; `offset` and `length` are in bytes here too, and multiples of the size of an element
 * @throws `ERR_MEMMAP_MISALIGNED` when `offset` is not such a multiple, `ERR_OUT_OF_RANGE` when the length is not; otherwise as
 *   `mapBuffer()` throws
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { writeFileSync } from 'node:fs'
 * import { mapArray } from 'memmap'
 *
 * writeFileSync('numbers.f64', Float64Array.of(1.5, 2.5, 3.5))
 * assert.deepEqual(mapArray(Float64Array, 'numbers.f64', { offset: 8 }), Float64Array.of(2.5, 3.5))
 * ```
 */
export function mapArray<T extends TypedArray>(
  Type: TypedArrayConstructor<T>,
  source: MappingSource,
  options?: FileOptions,
): T {
  const width = parseType(Type)
  const entry = open(source, options, traceCaller(mapArray))
  return makeOwned(entry, (mapping) => {
    const count = countElements(Type, width, 0, mapping.length)
    checkCount(count, 'elements')
    checkAligned(Type, width, mapping.offset, 0)
    return makeView(Type, locate(entry), count) as T
  })
}

/**
 * Frees a result of `mapBuffer` or `mapArray` at once. The result and every slice of it become empty.
 *
 * @param view - the Buffer or typed array, a slice of it, or its ArrayBuffer
 * @returns true if memory was freed; false for anything else, also for views of a Mapping
 * @throws `ERR_INVALID_ARG_TYPE` when `view` is neither a view nor an ArrayBuffer
 * @see https://man7.org/linux/man-pages/man2/munmap.2.html
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { writeFileSync } from 'node:fs'
 * import { mapBuffer, unmap } from 'memmap'
 *
 * writeFileSync('hello.txt', 'hello world')
 * const bytes = mapBuffer('hello.txt')
 * assert.equal(unmap(bytes), true)
 * assert.equal(bytes.length, 0)
 * assert.equal(unmap(bytes), false)
 * ```
 */
export function unmap(view: NodeJS.ArrayBufferView | ArrayBufferLike): boolean {
  const buffer = ArrayBuffer.isView(view) ? view.buffer : view
  if (!isAnyArrayBuffer(buffer)) throw invalidArgType('view', ['Buffer', 'TypedArray', 'DataView', 'ArrayBuffer'], view)

  if (Copies.delete(buffer)) {
    detach(buffer)
    return true
  }
  const entry = entries.get(buffer)
  if (entry === undefined) return false
  entries.delete(buffer)
  detach(buffer)
  call(() => entry.native.closeSync())
  leave(entry)
  return true
}

// Reads a small plain file. Returns undefined for anything else and after an error; then the file is mapped, which reports the
// error.
function readSmall(source: unknown): Buffer | undefined {
  const copy = typeof source === 'string' ? native.readSmall(source) : null
  if (copy === null) return undefined
  Copies.add(copy.buffer)
  return copy
}

// A constructor that returns its argument, so that a class that extends it adds its private fields to an existing object.
const Given = function (object: object) {
  return object
} as unknown as new (object: object) => object

/**
 * Marks the ArrayBuffers of files that were read, by a private field. A WeakSet would need a microsecond for each member, while
 * reading a small file takes only eight microseconds.
 */
class Copies extends Given {
  #isMember = true

  static add(buffer: ArrayBufferLike): void {
    void new Copies(buffer)
  }

  static delete(buffer: ArrayBufferLike): boolean {
    if (!(#isMember in buffer) || !buffer.#isMember) return false
    buffer.#isMember = false
    return true
  }
}

function open(source: MappingSource, options: FileOptions | undefined, stack: string | undefined): Entry {
  // Validate arguments
  const from = parseSource(source)
  const interpreted = parseFileOptions(options)

  // Interpret options
  const fixed = { mode: 'c', strict: false, reserve: 0, noReserve: true, gcOwned: true, thread: threadId }
  const request = { ...from, ...interpreted, ...fixed, stack }

  watchFaults()
  const mapping = openSync(request)
  const path = 'path' in from ? from.path : undefined
  return { id: mapping.id, path, label: interpreted.label, native: mapping, owner: undefined }
}

// Makes the result over a new mapping, and leaves the mapping to the garbage collector. Closes it if that fails.
function makeOwned<T extends TypedArray>(entry: Entry, make: (mapping: NativeMapping) => T): T {
  try {
    const view = make(entry.native)
    enter(entry, undefined, true)
    return view
  } catch (error) {
    entry.native.closeSync()
    throw error
  }
}

function locate(entry: Entry): BufferLocation {
  const { elementOffset, length } = entry.native
  checkFitsBuffer(elementOffset + length)
  const buffer =
    length === 0 ? new ArrayBuffer(0) : externalMemory(() => entry.native.arrayBuffer(0, elementOffset + length))
  entries.set(buffer, entry)
  watch(entry)
  return { buffer, byteOffset: length === 0 ? 0 : elementOffset }
}
