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
export type { FlushLevel, FlushOptions, FlushResult } from './lib/flush.js'
export { type MappingInfo, mappings } from './lib/ledger.js'
export { Mapping } from './lib/mapping.js'
export { mmap, mmapAnonymous, mmapSync } from './lib/open.js'
export type { AnonymousOptions, FileOptions, MappingOptions, MappingSource } from './lib/options.js'
export type { Mode, Pin } from './lib/region.js'
export type { Bytes, Range } from './lib/validate.js'
export type { TypedArray, TypedArrayConstructor } from './lib/views.js'
export type { ChunkOptions, Window, WindowOptions } from './lib/window.js'
