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
export type { Advice, Discard, Protection } from './lib/advice.js'
export { capabilities, constants } from './lib/constants.js'
export type { Data, Target } from './lib/copies.js'
export { mapArray, mapBuffer, unmap } from './lib/drop-in.js'
export { MemmapError, type MemmapErrorCode } from './lib/errors.js'
export type { Fault, FaultReason } from './lib/fault.js'
export { FileLock } from './lib/file-lock.js'
export type { FlushLevel, FlushOptions, FlushResult } from './lib/flush.js'
export type { Walk } from './lib/iterate.js'
export { type MappingInfo, mappings } from './lib/ledger.js'
export type { Extent, Extents, PieceEncoding } from './lib/cut.js'
export { type Line, LineIndex, type LineIndexSource } from './lib/line-index.js'
export type { LineOptions } from './lib/lines.js'
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
} from './lib/lock-options.js'
export { fileLock, fileLockSync, locks, testFileLock, tryFileLock } from './lib/lock-path.js'
export { Mapping } from './lib/mapping.js'
export type { Match, MatchBatch, Matches, MatchesSync } from './lib/matches.js'
export { mmap, mmapAnonymous, mmapSync } from './lib/open.js'
export type { AnonymousOptions, FileOptions, FilePath, MappingOptions, MappingSource } from './lib/options.js'
export type { ReadStream, ReadStreamOptions } from './lib/read-stream.js'
export type { Places, PrefetchOptions } from './lib/places.js'
export type { BufferOptions, ExtentOptions, PieceOptions, StringOptions } from './lib/pieces.js'
export type { RecordOptions } from './lib/records.js'
export {
  replaceFile,
  replaceFileSync,
  type ReplaceOptions,
  type ReplaceSyncOptions,
  syncDirectory,
  syncDirectorySync,
  type Writer,
} from './lib/replace.js'
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
} from './lib/residency.js'
export type { Mode, Pin } from './lib/region.js'
export type { ResizeOptions } from './lib/resize.js'
export type { Needle, Progress, SearchOptions, SearchSyncOptions } from './lib/search.js'
export type { Bytes, Range } from './lib/validate.js'
export type { TypedArray, TypedArrayConstructor } from './lib/views.js'
export type { WebStreamOptions } from './lib/web-stream.js'
export type { ChunkOptions, WalkOptions, Window, WindowOptions } from './lib/window.js'
export type { WriteStream, WriteStreamOptions } from './lib/write-stream.js'
