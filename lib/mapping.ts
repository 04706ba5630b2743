/**
 * The class Mapping. Each method calls a function in the folder of its capability. The interfaces in those folders have the doc
 * comments.
 */
import { inspect, type InspectOptions } from 'node:util'
import type { ReadableStream } from 'node:stream/web'
import { checkConstruct, CONSTRUCT } from './base/construct.js'
import type { Bytes, Range } from './base/validate.js'
import * as durability from './durability/flush.js'
import type { FlushOptions, FlushResult } from './durability/flush.js'
import type { Flushable } from './durability/flushable.js'
import type { Resizable } from './growth/resizable.js'
import * as growth from './growth/resize.js'
import type { ResizeOptions } from './growth/resize.js'
import type { MappedIterable } from './iterate/iterable.js'
import type { RangeIterable } from './iterate/range-iterable.js'
import { type RecordOptions, records } from './iterate/records.js'
import { type ChunkOptions, chunks, type Window, type WindowOptions, windows } from './iterate/windows.js'
import type { ByteRange, ByteRanges } from './lines/decode.js'
import type { BufferOptions, DelimitedOptions, DelimitedIterable, RangeItemOptions } from './lines/delimited.js'
import type { StringOptions, ItemOptions } from './lines/delimited.js'
import { type LineIndex, lineIndex } from './lines/line-index.js'
import type { LineReadable } from './lines/line-readable.js'
import { type LineOptions, lines } from './lines/lines.js'
import { split } from './lines/split.js'
import type { FileLock } from './locks/file-lock.js'
import type { Lockable } from './locks/lockable.js'
import * as locks from './locks/mapping-lock.js'
import type { LockOptions, LockRange, LockState, LockSyncOptions, TryLockOptions } from './locks/options.js'
import type { Advisable } from './residency/advisable.js'
import { type Advice, advise, type Discard, discard, type Protection, protect } from './residency/advice.js'
import { prefetch, type PrefetchOptions } from './residency/prefetch.js'
import type { Resident } from './residency/resident.js'
import * as pages from './residency/residency.js'
import type { EvictOptions, Eviction, LockMemoryOptions, LockMemorySyncOptions } from './residency/residency.js'
import type { Residency, ResidencyOptions, ResidencySyncOptions } from './residency/residency.js'
import type { VerifyOptions, VerifySyncOptions } from './residency/residency.js'
import { type Matches, matches, type MatchesSync, matchesSync } from './search/matches.js'
import * as search from './search/search.js'
import type { Needle, SearchOptions, SearchSyncOptions } from './search/search.js'
import type { Searchable } from './search/searchable.js'
import type { Closable } from './state/closable.js'
import type { Described } from './state/described.js'
import type { FaultReporting } from './state/fault-reporting.js'
import { type Fault, faultsOf } from './state/faults.js'
import { inspectState } from './state/inspect.js'
import { type MappingState, type Mode, type Pin, STATE } from './state/mapping-state.js'
import { createReadStream, type ReadStream, type ReadStreamOptions } from './streams/read-stream.js'
import type { Streamable } from './streams/streamable.js'
import { readableStream, type WebStreamOptions } from './streams/web-stream.js'
import { createWriteStream, type WriteStream, type WriteStreamOptions } from './streams/write-stream.js'
import * as copies from './views/copy.js'
import type { Data, Target } from './views/copy.js'
import type { Copyable } from './views/copyable.js'
import { gather, type Offsets } from './views/gather.js'
import type { Viewable } from './views/viewable.js'
import { arrayView, bufferView, dataView, type TypedArray, type TypedArrayConstructor } from './views/views.js'

/** @internal Makes a Mapping from its state, and enters it in the registry. */
export let createMapping: (state: MappingState, stack: string | undefined) => Mapping

/**
 * A range of a file, or anonymous memory, mapped into the memory of this process. `mmap`, `mmapSync` and `mmapAnonymous` make
 * mappings; the constructor throws `ERR_ILLEGAL_CONSTRUCTOR`.
 *
 * Offsets count from the start of the mapping, not of the file. Offsets and lengths are in bytes, as numbers or bigints. A
 * range outside of the mapping is a `RangeError` with code `ERR_OUT_OF_RANGE`, and a wrong type is a `TypeError` with code
 * `ERR_INVALID_ARG_TYPE`. Nothing is clamped, except the ends of streams, which follow `fs`.
 *
 * Every method, except those that close, throws `ERR_MEMMAP_CLOSED` once the mapping is closed, and `ERR_MEMMAP_FAULT` once
 * the system could not deliver one of its pages; only `refresh()` can repair such a mapping. The properties can always be read.
 *
 * @see https://man7.org/linux/man-pages/man2/mmap.2.html
 */
export class Mapping
  implements
    Described,
    Viewable,
    Copyable,
    RangeIterable,
    Searchable,
    LineReadable,
    Streamable,
    Advisable,
    Resident,
    Flushable,
    Resizable,
    Lockable,
    FaultReporting,
    Closable
{
  static {
    createMapping = (state, stack) => new Mapping(CONSTRUCT, state, stack)
  }

  readonly #state: MappingState

  private constructor(token: typeof CONSTRUCT, state: MappingState, stack: string | undefined) {
    checkConstruct(token)
    this.#state = state
    state.enter(this, stack)
  }

  /** @internal */
  get [STATE](): MappingState | undefined {
    return #state in this ? this.#state : undefined
  }

  get path(): string | undefined {
    return this.#state.path
  }

  get mode(): Mode {
    return this.#state.mode
  }

  get offset(): number {
    return this.#state.offset
  }

  get length(): number {
    return this.#state.length
  }

  get label(): string | undefined {
    return this.#state.label
  }

  get closed(): boolean {
    return this.#state.closed
  }

  pin(): Pin {
    return this.#state.pinOpen()
  }

  close(): Promise<void> {
    return this.#state.close()
  }

  closeSync(): void {
    this.#state.closeSync()
  }

  [Symbol.dispose](): void {
    this.closeSync()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get faults(): Fault[] {
    return faultsOf(this.#state)
  }

  assertHealthy(): void {
    this.#state.assertHealthy()
  }

  buffer(offset?: Bytes, length?: Bytes): Buffer {
    return bufferView(this.#state, offset, length)
  }

  array<T extends TypedArray>(Type: TypedArrayConstructor<T>, offset?: Bytes, length?: Bytes): T {
    return arrayView(this.#state, Type, offset, length)
  }

  dataView(offset?: Bytes, length?: Bytes): DataView {
    return dataView(this.#state, offset, length)
  }

  read(range?: Range): Buffer {
    return copies.read(this.#state, range)
  }

  readInto(target: Target, offset?: Bytes): number {
    return copies.readInto(this.#state, target, offset)
  }

  write(data: Data, offset?: Bytes): number {
    return copies.write(this.#state, data, offset)
  }

  fill(value: number | string | Uint8Array, range?: Range): this {
    copies.fill(this.#state, value, range)
    return this
  }

  copyWithin(target: Bytes, start: Bytes, end?: Bytes): this {
    copies.copyWithin(this.#state, target, start, end)
    return this
  }

  gather(offsets: Offsets, size: Bytes, into: Target): number {
    return gather(this.#state, offsets, size, into)
  }

  windows(options?: WindowOptions): MappedIterable<Window> {
    return windows(this.#state, options)
  }

  chunks(options?: ChunkOptions): MappedIterable<Buffer> {
    return chunks(this.#state, options)
  }

  records(size: Bytes, options?: RecordOptions): MappedIterable<Buffer> {
    return records(this.#state, size, options)
  }

  indexOf(needle: Needle, options?: SearchOptions): Promise<number> {
    return search.indexOf(this.#state, needle, options)
  }

  indexOfSync(needle: Needle, options?: SearchSyncOptions): number {
    return search.indexOfSync(this.#state, needle, options)
  }

  lastIndexOf(needle: Needle, options?: SearchOptions): Promise<number> {
    return search.lastIndexOf(this.#state, needle, options)
  }

  lastIndexOfSync(needle: Needle, options?: SearchSyncOptions): number {
    return search.lastIndexOfSync(this.#state, needle, options)
  }

  includes(needle: Needle, options?: SearchOptions): Promise<boolean> {
    return search.includes(this.#state, needle, options)
  }

  includesSync(needle: Needle, options?: SearchSyncOptions): boolean {
    return search.includesSync(this.#state, needle, options)
  }

  count(needle: Needle, options?: SearchOptions): Promise<number> {
    return search.count(this.#state, needle, options)
  }

  countSync(needle: Needle, options?: SearchSyncOptions): number {
    return search.countSync(this.#state, needle, options)
  }

  matches(needle: Needle, options?: SearchOptions): Matches {
    return matches(this.#state, needle, options)
  }

  matchesSync(needle: Needle, options?: SearchSyncOptions): MatchesSync {
    return matchesSync(this.#state, needle, options)
  }

  lines(options?: LineOptions & StringOptions): MappedIterable<string>
  lines(options: LineOptions & BufferOptions): MappedIterable<Buffer>
  lines(options: LineOptions & RangeItemOptions): MappedIterable<ByteRange, ByteRanges>
  lines(options?: LineOptions & ItemOptions): DelimitedIterable {
    return lines(this.#state, options)
  }

  split(separator: string | Uint8Array, options?: DelimitedOptions & StringOptions): MappedIterable<string>
  split(separator: string | Uint8Array, options: DelimitedOptions & BufferOptions): MappedIterable<Buffer>
  split(
    separator: string | Uint8Array,
    options: DelimitedOptions & RangeItemOptions,
  ): MappedIterable<ByteRange, ByteRanges>
  split(separator: string | Uint8Array, options?: DelimitedOptions & ItemOptions): DelimitedIterable {
    return split(this.#state, separator, options)
  }

  lineIndex(options?: SearchOptions): Promise<LineIndex> {
    return lineIndex(this.#state, options)
  }

  createReadStream(options?: ReadStreamOptions | BufferEncoding | null): ReadStream {
    return createReadStream(this.#state, options)
  }

  createWriteStream(options?: WriteStreamOptions | BufferEncoding | null): WriteStream {
    return createWriteStream(this.#state, options)
  }

  readableStream(options?: WebStreamOptions): ReadableStream<Uint8Array> {
    return readableStream(this.#state, options)
  }

  flush(options?: FlushOptions): Promise<FlushResult> {
    return durability.flush(this.#state, options)
  }

  flushSync(options?: FlushOptions): FlushResult {
    return durability.flushSync(this.#state, options)
  }

  resize(size: Bytes, options?: ResizeOptions): Promise<void> {
    return growth.resize(this.#state, size, options)
  }

  resizeSync(size: Bytes, options?: ResizeOptions): void {
    growth.resizeSync(this.#state, size, options)
  }

  refresh(): Promise<boolean> {
    return growth.refresh(this.#state)
  }

  refreshSync(): boolean {
    return growth.refreshSync(this.#state)
  }

  lock(options?: LockOptions): Promise<FileLock> {
    return locks.lock(this.#state, options)
  }

  lockSync(options?: LockSyncOptions): FileLock {
    return locks.lockSync(this.#state, options)
  }

  tryLock(options?: TryLockOptions): FileLock | null {
    return locks.tryLock(this.#state, options)
  }

  testLock(range?: LockRange): LockState {
    return locks.testLock(this.#state, range)
  }

  advise(advice: Advice, range?: Range): void {
    advise(this.#state, advice, range)
  }

  discard(how: Discard, range?: Range): void {
    discard(this.#state, how, range)
  }

  protect(protection: Protection, range?: Range): void {
    protect(this.#state, protection, range)
  }

  prefetch(what?: Range | Offsets, options?: PrefetchOptions): Promise<void> {
    return prefetch(this.#state, what, options)
  }

  residency(range?: Range, options?: ResidencyOptions): Promise<Residency> {
    return pages.residency(this.#state, range, options)
  }

  residencySync(range?: Range, options?: ResidencySyncOptions): Residency {
    return pages.residencySync(this.#state, range, options)
  }

  evict(range?: Range, options?: EvictOptions): Promise<Eviction> {
    return pages.evict(this.#state, range, options)
  }

  evictSync(range?: Range): Eviction {
    return pages.evictSync(this.#state, range)
  }

  lockMemory(range?: Range, options?: LockMemoryOptions): Promise<void> {
    return pages.lockMemory(this.#state, range, options)
  }

  lockMemorySync(range?: Range, options?: LockMemorySyncOptions): void {
    pages.lockMemorySync(this.#state, range, options)
  }

  unlockMemory(range?: Range): void {
    pages.unlockMemory(this.#state, range)
  }

  verify(range?: Range, options?: VerifyOptions): Promise<void> {
    return pages.verify(this.#state, range, options)
  }

  verifySync(range?: Range, options?: VerifySyncOptions): void {
    pages.verifySync(this.#state, range, options)
  }

  /** Returns the text that `console.log` shows. */
  [inspect.custom](depth: number | null, options: InspectOptions): string {
    return inspectState(this.#state, depth, options)
  }
}
