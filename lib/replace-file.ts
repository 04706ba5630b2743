/**
 * Replaces files as a whole, and makes the names in directories durable. Flushing a mapping can do neither.
 */
import { setImmediate } from 'node:timers/promises'
import { isPromise } from 'node:util/types'
import { type Data, parseBytesToWrite } from './views/copy.js'
import { withCode } from './base/errors.js'
import type { FlushResult } from './durability/flush.js'
import type { Mapping } from './mapping.js'
import { call, callAsync, native } from './base/native.js'
import { mmap, mmapSync } from './open.js'
import { type FilePath, parseFilePath } from './open-options.js'
import {
  type Bytes,
  invalidArgType,
  invalidArgValue,
  parseBytes,
  parseOptionalBytes,
  parseOptions,
  parseSignal,
} from './base/validate.js'

/** Options of `replaceFileSync`. */
export interface ReplaceSyncOptions {
  /**
   * The size of the new file in bytes when the function gets its mapping; the function can change it with `mapping.resize()`.
   * Required with a function, and refused with data. @default the length of the data
   */
  readonly size?: Bytes | undefined
  /**
   * Permission bits of the new file, such as `0o600`. The umask does not apply to them.
   * @default those of the replaced file; without one, those that `fs` gives new files
   */
  readonly permissions?: number | undefined
}

/** Options of `replaceFile`. */
export interface ReplaceOptions extends ReplaceSyncOptions {
  /** Aborting the signal keeps the old file, unless the new file is already complete. @default none */
  readonly signal?: AbortSignal | undefined
}

/** A function that writes the content of a new file into a mapping of it. */
export type Writer<T> = (mapping: Mapping) => T

interface Plan {
  readonly path: string
  readonly size: number
  readonly permissions: number | undefined
  readonly signal: AbortSignal | undefined
  readonly bytes: Uint8Array | undefined
}

const SYNC_OPTIONS = ['size', 'permissions']
const OPTIONS = [...SYNC_OPTIONS, 'signal']

// The number of bytes that one turn of the event loop copies. Copying them takes some milliseconds.
const SLICE = 8 * 2 ** 20

/**
 * Replaces a file atomically: at any moment, also after a crash or a loss of power, its name refers either to the complete old
 * content or to the complete new content. Once the promise is fulfilled, the new content is durable. Code that has the old file
 * open or mapped keeps the old content.
 *
 * The new file is written next to the old one under a temporary name (`.name.0123456789abcdef.tmp`), flushed and renamed, and
 * its directory is flushed. An error before the rename, or an aborted signal, removes it; only a crash can leave it behind. It
 * gets the permissions, the owner and the group of the old file, but not its access control lists and other extended
 * attributes. Other hard links keep the old content. A symbolic link is kept, and its target is replaced.
 *
 * @param path - a path (string, file URL, or bytes in UTF-8); the file need not exist
 * @param content - the new content: a string in UTF-8, or bytes, or a function that writes into the mapping that it gets. That
 *   mapping has `size` zero bytes, with blocks allocated for all of them, and is closed when the function, or the promise that
 *   it returns, is done
 * @returns the size of the new file, and how durable it is: `achieved` as of `flush()`
 * @throws (rejects with) the error that the function throws; `ERR_MEMMAP_NOT_MAPPABLE` when the path names something other
 *   than a file; the errors of open(2), fallocate(2), fchown(2), fsync(2) and rename(2), such as `ENOENT` for the directory,
 *   `EACCES`, `ENOSPC`, `EIO`, and `EPERM` when the owner cannot be kept; `ERR_MEMMAP_FAULT`, `ERR_MEMMAP_FLUSH_LOST`,
 *   `ERR_MEMMAP_CLOSED` when these happened to the mapping; the signal's reason; `ERR_INVALID_ARG_TYPE`;
 *   `ERR_INVALID_ARG_VALUE`; `ERR_OUT_OF_RANGE`
 * @see https://man7.org/linux/man-pages/man2/rename.2.html
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { readFileSync } from 'node:fs'
 * import { replaceFile } from 'memmap'
 *
 * await replaceFile('settings.json', JSON.stringify({ theme: 'dark' }))
 * assert.equal(readFileSync('settings.json', 'utf8'), '{"theme":"dark"}')
 *
 * await replaceFile('table.bin', (mapping) => { mapping.array(Float64Array).fill(0.5) }, { size: 80 })
 * assert.equal(readFileSync('table.bin').readDoubleLE(72), 0.5)
 * ```
 */
export async function replaceFile(
  path: FilePath,
  content: Data | Writer<unknown>,
  options?: ReplaceOptions,
): Promise<FlushResult> {
  const plan = parsePlan(path, content, options, OPTIONS)
  checkAborted(plan.signal)
  const replacement = await callAsync(() => native.beginReplacement(plan.path, plan.permissions))
  try {
    let { size } = plan
    if (size > 0 || plan.bytes === undefined) {
      const mapping = await mmap(replacement.fd, { mode: 'r+', size, label: plan.path })
      try {
        await (plan.bytes === undefined
          ? (content as Writer<unknown>)(mapping)
          : copyInSlices(plan.bytes, mapping, plan))
        checkAborted(plan.signal)
        // The mapping reports faults, and failures of writing that the system reports only once.
        await mapping.flush()
        size = mapping.length
      } finally {
        await mapping.close()
      }
    }
    checkAborted(plan.signal)
    return result(size, await callAsync(() => replacement.commit()))
  } finally {
    replacement.abandon()
  }
}

/**
 * Does what `replaceFile()` does, on this thread.
 *
 * @param content - as of `replaceFile()`; a function must not return a promise, which would not be waited for
 * @throws as `replaceFile()` rejects; `ERR_INVALID_RETURN_VALUE` for a promise; `ERR_MEMMAP_BUSY` when the function left a pin
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { readFileSync, writeFileSync } from 'node:fs'
 * import { replaceFileSync } from 'memmap'
 *
 * writeFileSync('counter.txt', '41')
 * replaceFileSync('counter.txt', '42')
 * assert.equal(readFileSync('counter.txt', 'utf8'), '42')
 * ```
 */
export function replaceFileSync(
  path: FilePath,
  content: Data | Writer<unknown>,
  options?: ReplaceSyncOptions,
): FlushResult {
  const plan = parsePlan(path, content, options, SYNC_OPTIONS)
  let { size } = plan
  const replacement = call(() => native.beginReplacementSync(plan.path, plan.permissions), replaceFileSync)
  try {
    if (size > 0 || plan.bytes === undefined) {
      const mapping = mmapSync(replacement.fd, { mode: 'r+', size, label: plan.path })
      try {
        if (plan.bytes === undefined) checkReturned((content as Writer<unknown>)(mapping))
        else mapping.write(plan.bytes)
        mapping.flushSync()
        size = mapping.length
      } finally {
        mapping.closeSync()
      }
    }
    return result(
      size,
      call(() => replacement.commitSync(), replaceFileSync),
    )
  } finally {
    replacement.abandon()
  }
}

/**
 * Makes the names in a directory durable, on another thread: files that were created, renamed, linked or removed. Otherwise a
 * crash can lose a file that was flushed, together with its new name. `flush()` at level `all` and `replaceFile()` do the same.
 *
 * @param path - the path of the directory: a string, file URL, or bytes in UTF-8
 * @throws (rejects with) the errors of open(2) and fsync(2), such as `ENOENT`, `ENOTDIR`, `EACCES` when the directory cannot
 *   be read, and `EIO`; `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE`
 * @see https://man7.org/linux/man-pages/man2/fsync.2.html
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { existsSync, renameSync, writeFileSync } from 'node:fs'
 * import { syncDirectory } from 'memmap'
 *
 * writeFileSync('new.txt', 'done', { flush: true })
 * renameSync('new.txt', 'final.txt')
 * await syncDirectory('.')
 * assert(existsSync('final.txt'))
 * ```
 */
export async function syncDirectory(path: FilePath): Promise<void> {
  const directory = parseFilePath(path, 'path')
  await callAsync(() => native.syncDirectory(directory))
}

/**
 * Does what `syncDirectory()` does, on this thread.
 *
 * @throws as `syncDirectory()` rejects
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { existsSync, rmSync, writeFileSync } from 'node:fs'
 * import { syncDirectorySync } from 'memmap'
 *
 * writeFileSync('old.txt', '')
 * rmSync('old.txt')
 * syncDirectorySync('.')
 * assert(!existsSync('old.txt'))
 * ```
 */
export function syncDirectorySync(path: FilePath): void {
  const directory = parseFilePath(path, 'path')
  call(() => native.syncDirectorySync(directory), syncDirectorySync)
}

function parsePlan(
  path: FilePath,
  content: Data | Writer<unknown>,
  options: ReplaceOptions | undefined,
  known: readonly string[],
): Plan {
  // Validate arguments
  const target = parseFilePath(path, 'path')
  const bytes = typeof content === 'function' ? undefined : parseBytesToWrite(content, 'content', ['function'])
  const { size, permissions, signal } = parseOptions(options, 'options', known)

  // Interpret options
  const interpreted = {
    size: parseOptionalBytes(size, 'options.size'),
    permissions: permissions === undefined ? undefined : parseBytes(permissions, 'options.permissions', 0, 0o7777),
    signal: parseSignal(signal, 'options.signal'),
  }

  // Validate interpreted options
  if (bytes !== undefined && size !== undefined) {
    throw invalidArgValue(
      'options.size',
      size,
      'can be used only with a function: data determines the size of the file',
    )
  }
  if (bytes === undefined && size === undefined) throw invalidArgType('options.size', ['number', 'bigint'], size)
  return { ...interpreted, path: target, bytes, size: interpreted.size ?? bytes?.length ?? 0 }
}

// Copies in slices with a turn of the event loop between two of them. Code that runs in between may detach the bytes.
async function copyInSlices(bytes: Uint8Array, mapping: Mapping, { size, signal }: Plan): Promise<void> {
  for (let at = 0; at < size; at += SLICE) {
    if (at > 0) await setImmediate()
    checkAborted(signal)
    if (bytes.length !== size) {
      throw invalidArgValue('content', bytes, 'was detached or changed its length while it was being copied')
    }
    mapping.write(bytes.subarray(at, at + SLICE), at)
  }
}

function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason
}

function checkReturned(value: unknown): void {
  const isThenable = typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function'
  if (!isThenable) return
  // A rejection of the promise counts as handled, since the error thrown here reports the mistake.
  if (isPromise(value)) value.catch(() => undefined)
  throw withCode(
    new TypeError('The function returned a promise, but replaceFileSync() cannot wait for it; use replaceFile()'),
    'ERR_INVALID_RETURN_VALUE',
  )
}

function result(bytes: number, achieved: string): FlushResult {
  return { bytes, level: 'all', achieved: achieved as FlushResult['achieved'] }
}
