/**
 * Memory-mapped files as ordinary Buffers and typed arrays: no copy, closed without danger.
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
export type { Advice, Discard, Protection } from './lib/residency/advice.js'
export { capabilities, constants } from './lib/base/constants.js'
export type { Data, Target } from './lib/views/copy.js'
export { mapArray, mapBuffer, unmap } from './lib/map-buffer.js'
export { MemmapError, type MemmapErrorCode } from './lib/base/errors.js'
export type { Fault, FaultReason } from './lib/state/faults.js'
export { FileLock } from './lib/locks/file-lock.js'
export type { FlushLevel, FlushOptions, FlushResult } from './lib/durability/flush.js'
export type { MappedIterable } from './lib/iterate/iterable.js'
export { type MappingInfo, mappings } from './lib/state/registry.js'
export type { ByteRange, ByteRanges, LineEncoding } from './lib/lines/decode.js'
export { type Line, LineIndex, type LineIndexSource } from './lib/lines/line-index.js'
export type { LineOptions } from './lib/lines/lines.js'
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
export { Mapping } from './lib/mapping.js'
export type { Match, MatchBatch, Matches, MatchesSync } from './lib/search/matches.js'
export { mmap, mmapAnonymous, mmapSync } from './lib/open.js'
export type { AnonymousOptions, FileOptions, FilePath, MappingOptions, MappingSource } from './lib/open-options.js'
export type { ReadStream, ReadStreamOptions } from './lib/streams/read-stream.js'
export type { Offsets } from './lib/views/gather.js'
export type { PrefetchOptions } from './lib/residency/prefetch.js'
export type { BufferOptions, DelimitedOptions, RangeItemOptions, StringOptions } from './lib/lines/delimited.js'
export type { RecordOptions } from './lib/iterate/records.js'
export {
  replaceFile,
  replaceFileSync,
  type ReplaceOptions,
  type ReplaceSyncOptions,
  syncDirectory,
  syncDirectorySync,
  type Writer,
} from './lib/replace-file.js'
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
export type { Mode, Pin } from './lib/state/mapping-state.js'
export type { ResizeOptions } from './lib/growth/resize.js'
export type { Needle, Progress, SearchOptions, SearchSyncOptions } from './lib/search/search.js'
export type { Bytes, Range } from './lib/base/validate.js'
export type { TypedArray, TypedArrayConstructor } from './lib/views/views.js'
export type { WebStreamOptions } from './lib/streams/web-stream.js'
export type { IterateOptions } from './lib/iterate/range-options.js'
export type { ChunkOptions, Window, WindowOptions } from './lib/iterate/windows.js'
export type { WriteStream, WriteStreamOptions } from './lib/streams/write-stream.js'
