/**
 * Memory-mapped files as ordinary Buffers and typed arrays, without a copy, which are safe to close.
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { readFileSync, writeFileSync } from 'node:fs'
 * import { mmapSync } from 'memmap'
 *
 * writeFileSync('notes.txt', 'lorem ipsum')
 * const mapping = mmapSync('notes.txt', { mode: 'r+' })
 * mapping.buffer(6).write('dolor')
 * mapping.flushSync()
 * mapping.closeSync()
 * assert.equal(readFileSync('notes.txt', 'utf8'), 'lorem dolor')
 * ```
 *
 * @module
 */
export { capabilities, constants } from './lib/base/constants.js'
export { MemmapError, type MemmapErrorCode, type MemmapErrorDetails } from './lib/base/errors.js'
export type { Bytes, Range } from './lib/base/validate.js'
export type { FlushLevel, FlushOptions, FlushResult } from './lib/durability/flush.js'
export type { Flushable } from './lib/durability/flushable.js'
export type { Resizable } from './lib/growth/resizable.js'
export type { ResizeOptions } from './lib/growth/resize.js'
export type { MappedIterable } from './lib/iterate/iterable.js'
export type { RangeIterable } from './lib/iterate/range-iterable.js'
export type { IterateOptions } from './lib/iterate/range-options.js'
export type { RecordOptions } from './lib/iterate/records.js'
export type { ChunkOptions, Window, WindowOptions } from './lib/iterate/windows.js'
export type { ByteRange, ByteRanges, LineEncoding } from './lib/lines/decode.js'
export type { BufferOptions, DelimitedOptions, RangeItemOptions, StringOptions } from './lib/lines/delimited.js'
export { type Line, LineIndex, type LineIndexSource } from './lib/lines/line-index.js'
export type { LineReadable } from './lib/lines/line-readable.js'
export type { LineOptions } from './lib/lines/lines.js'
export { FileLock } from './lib/locks/file-lock.js'
export type { Lockable } from './lib/locks/lockable.js'
export type {
  CreateOption,
  FileLockOptions,
  FileLockSyncOptions,
  LockInfo,
  LockMethod,
  LockMode,
  LockOptions,
  LockRange,
  LockState,
  LockSyncOptions,
  LockWaitOptions,
  TryFileLockOptions,
  TryLockOptions,
} from './lib/locks/options.js'
export { fileLock, fileLockSync, locks, testFileLock, tryFileLock } from './lib/locks/path-lock.js'
export { mapArray, mapBuffer, unmap } from './lib/map-buffer.js'
export { Mapping } from './lib/mapping.js'
export { mmap, mmapAnonymous, mmapSync } from './lib/open.js'
export type { AnonymousOptions, FileOptions, FilePath, MappingOptions, MappingSource } from './lib/open-options.js'
export {
  replaceFile,
  replaceFileSync,
  type ReplaceOptions,
  type ReplaceSyncOptions,
  syncDirectory,
  syncDirectorySync,
  type Writer,
} from './lib/replace-file.js'
export type { Advisable } from './lib/residency/advisable.js'
export type { Advice, Discard, Protection } from './lib/residency/advice.js'
export type { PrefetchOptions } from './lib/residency/prefetch.js'
export type {
  EvictOptions,
  Eviction,
  LockMemoryOptions,
  LockMemorySyncOptions,
  Residency,
  ResidencyOptions,
  ResidencySyncOptions,
  VerifyOptions,
  VerifySyncOptions,
} from './lib/residency/residency.js'
export type { Resident } from './lib/residency/resident.js'
export type { Match, MatchBatch, Matches, MatchesSync } from './lib/search/matches.js'
export type { Needle, Progress, SearchOptions, SearchSyncOptions } from './lib/search/search.js'
export type { Searchable } from './lib/search/searchable.js'
export type { Closable } from './lib/state/closable.js'
export type { Described } from './lib/state/described.js'
export type { FaultReporting } from './lib/state/fault-reporting.js'
export type { Fault, FaultReason } from './lib/state/faults.js'
export type { Mode, Pin } from './lib/state/mapping-state.js'
export { type MappingInfo, mappings } from './lib/state/registry.js'
export type { ReadStream, ReadStreamOptions } from './lib/streams/read-stream.js'
export type { Streamable } from './lib/streams/streamable.js'
export type { WebStreamOptions } from './lib/streams/web-stream.js'
export type { WriteStream, WriteStreamOptions } from './lib/streams/write-stream.js'
export type { Data, Target } from './lib/views/copy.js'
export type { Copyable } from './lib/views/copyable.js'
export type { Offsets } from './lib/views/gather.js'
export type { Viewable } from './lib/views/viewable.js'
export type { TypedArray, TypedArrayConstructor } from './lib/views/views.js'
