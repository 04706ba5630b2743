/**
 * Residency of pages: reporting which pages are in memory, locking them there, evicting them, and verifying that they are readable.
 */
import { constants } from '../base/constants.js'
import type { NativeMapping } from '../base/native.js'
import type { MappingState } from '../state/mapping-state.js'
import {
  type Bytes,
  outOfRange,
  parseBoolean,
  parseOptionalBytes,
  parseOptions,
  parseRange,
  parseSignal,
  type Range,
  resolveRange,
} from '../base/validate.js'

/** Options of `residencySync()`. */
export interface ResidencySyncOptions {
  /**
   * The size of a bucket in bytes. `buckets` then reports how much of each bucket is in memory, counted from the start of the
   * range. @default none
   */
  readonly bucket?: Bytes | undefined
}

/** Options of `residency()`. */
export interface ResidencyOptions extends ResidencySyncOptions {
  /** A signal that ends the operation early: the promise rejects with its reason. Work done until then is kept. @default none */
  readonly signal?: AbortSignal | undefined
}

/** A report of which pages of a range are in memory. A page counts as a whole, even if only part of it lies in the range. */
export interface Residency {
  /** Whether all pages are in memory; `unknown` if the system does not report this for a file of another user. */
  readonly resident: 'yes' | 'no' | 'unknown'
  /** The size of a page in bytes. */
  readonly pageSize: number
  /** The number of pages that lie in the range, fully or partly. */
  readonly pages: number
  /** The number of these pages that are in memory; undefined if the system does not report it. */
  readonly residentPages: number | undefined
  /** The number of pages that `lockMemory()` keeps in memory, now or from the time on at which they are brought in. */
  readonly lockedPages: number
  /** The number of pages that the page cache must still write to the disk; undefined without a file, and before Linux 6.5. */
  readonly dirtyPages: number | undefined
  /** The number of pages that are being written to the disk; undefined in the same cases as `dirtyPages`. */
  readonly writebackPages: number | undefined
  /** The number of pages that were evicted from the page cache; undefined in the same cases as `dirtyPages`. */
  readonly evictedPages: number | undefined
  /**
   * The number of evicted pages whose eviction is so recent that it indicates a shortage of memory; undefined in the same cases
   * as `dirtyPages`.
   */
  readonly recentlyEvictedPages: number | undefined
  /**
   * The share of each bucket that is in memory, in per cent: 0 for none, 100 for all, 1 to 99 for a part, and 255 if the system
   * does not report it. Undefined without the option `bucket`.
   */
  readonly buckets: Uint8Array | undefined
}

/** Options of `evict()`. */
export interface EvictOptions {
  /** A signal that ends the operation early: the promise rejects with its reason. Work done until then is kept. @default none */
  readonly signal?: AbortSignal | undefined
}

/** The result of an eviction, in bytes of whole pages. */
export interface Eviction {
  /** The number of bytes that were evicted; undefined if the system does not report it to this user. */
  readonly evicted: number | undefined
  /** The number of bytes that are still in memory; undefined if the system does not report it to this user. */
  readonly resident: number | undefined
}

/** Options of `lockMemorySync()`. */
export interface LockMemorySyncOptions {
  /** Bring no page in. Each page is locked when an access brings it into memory. @default false */
  readonly onFault?: boolean | undefined
}

/** Options of `lockMemory()`. */
export interface LockMemoryOptions extends LockMemorySyncOptions {
  /**
   * A signal that ends the operation early: the promise rejects with its reason, and no page is locked. Pages that were brought
   * in stay in memory. @default none
   */
  readonly signal?: AbortSignal | undefined
}

/** Options of `verifySync()`. */
export interface VerifySyncOptions {
  /** Verify also that the disk has space for stores. This allocates blocks for holes of the file. @default false */
  readonly forWriting?: boolean | undefined
}

/** Options of `verify()`. */
export interface VerifyOptions extends VerifySyncOptions {
  /** A signal that ends the operation early: the promise rejects with its reason. Work done until then is kept. @default none */
  readonly signal?: AbortSignal | undefined
}

export async function residency(state: MappingState, range?: Range, options?: ResidencyOptions): Promise<Residency> {
  const { bucket, signal } = parseOptions(options, 'options', ['bucket', 'signal'])
  const request = parseResidency(range, bucket)
  const wanted = parseSignal(signal, 'options.signal')
  state.check()
  const { offset, length, size } = resolveResidency(request, state)
  return complete(await state.runCancellable((native, job) => native.residency(offset, length, size, job), wanted))
}

export function residencySync(state: MappingState, range?: Range, options?: ResidencySyncOptions): Residency {
  const { bucket } = parseOptions(options, 'options', ['bucket'])
  const request = parseResidency(range, bucket)
  state.check()
  const { offset, length, size } = resolveResidency(request, state)
  return complete(state.run((native) => native.residencySync(offset, length, size)))
}

export async function evict(state: MappingState, range?: Range, options?: EvictOptions): Promise<Eviction> {
  const { signal } = parseOptions(options, 'options', ['signal'])
  const parsed = parseRange(range)
  const wanted = parseSignal(signal, 'options.signal')
  state.check()
  const { offset, length } = resolveRange(parsed, state.length)
  const { evicted, resident } = await state.runCancellable((native, job) => native.evict(offset, length, job), wanted)
  return { evicted, resident }
}

export function evictSync(state: MappingState, range?: Range): Eviction {
  const parsed = parseRange(range)
  state.check()
  const { offset, length } = resolveRange(parsed, state.length)
  const { evicted, resident } = state.run((native) => native.evictSync(offset, length))
  return { evicted, resident }
}

export async function lockMemory(state: MappingState, range?: Range, options?: LockMemoryOptions): Promise<void> {
  const { onFault, signal } = parseOptions(options, 'options', ['onFault', 'signal'])
  const isOnFault = parseBoolean(onFault, 'options.onFault') ?? false
  const wanted = parseSignal(signal, 'options.signal')
  const parsed = parseRange(range)
  state.check()
  const { offset, length } = resolveRange(parsed, state.length)
  await state.runCancellable((native, job) => native.lockMemory(offset, length, isOnFault, job), wanted)
}

export function lockMemorySync(state: MappingState, range?: Range, options?: LockMemorySyncOptions): void {
  const { onFault } = parseOptions(options, 'options', ['onFault'])
  const isOnFault = parseBoolean(onFault, 'options.onFault') ?? false
  const parsed = parseRange(range)
  state.check()
  const { offset, length } = resolveRange(parsed, state.length)
  state.run((native) => native.lockMemorySync(offset, length, isOnFault))
}

export function unlockMemory(state: MappingState, range?: Range): void {
  const parsed = parseRange(range)
  state.check()
  const { offset, length } = resolveRange(parsed, state.length)
  state.run((native) => native.unlockMemory(offset, length))
}

export async function verify(state: MappingState, range?: Range, options?: VerifyOptions): Promise<void> {
  const { forWriting, signal } = parseOptions(options, 'options', ['forWriting', 'signal'])
  const isForWriting = parseBoolean(forWriting, 'options.forWriting') ?? false
  const wanted = parseSignal(signal, 'options.signal')
  const parsed = parseRange(range)
  checkAccess(state, isForWriting)
  const { offset, length } = resolveRange(parsed, state.length)
  await state.runCancellable((native, job) => native.verify(offset, length, isForWriting, job), wanted)
}

export function verifySync(state: MappingState, range?: Range, options?: VerifySyncOptions): void {
  const { forWriting } = parseOptions(options, 'options', ['forWriting'])
  const isForWriting = parseBoolean(forWriting, 'options.forWriting') ?? false
  const parsed = parseRange(range)
  checkAccess(state, isForWriting)
  const { offset, length } = resolveRange(parsed, state.length)
  state.run((native) => native.verifySync(offset, length, isForWriting))
}

function checkAccess(state: MappingState, isForWriting: boolean): void {
  if (isForWriting) state.checkWritable()
  else state.check()
}

interface ParsedResidency {
  readonly range: ReturnType<typeof parseRange>
  readonly bucket: number | undefined
}

function parseResidency(range: Range | undefined, bucket: unknown): ParsedResidency {
  return { range: parseRange(range), bucket: parseOptionalBytes(bucket, 'options.bucket', 1) }
}

// The report has one byte for each bucket. A range with more buckets than an array can hold is refused before the query.
function resolveResidency({ range, bucket }: ParsedResidency, state: MappingState) {
  const { offset, length } = resolveRange(range, state.length)
  const minBucket = Math.ceil(length / constants.MAX_VIEW_LENGTH)
  if (bucket !== undefined && bucket < minBucket) {
    throw outOfRange('options.bucket', `>= ${minBucket}, since a report has at most 2^31 - 1 buckets`, bucket)
  }
  return { offset, length, size: bucket }
}

// Lists every property, so that an unknown value is present as undefined.
function complete(report: Awaited<ReturnType<NativeMapping['residency']>>): Residency {
  return {
    resident: report.resident as Residency['resident'],
    pageSize: report.pageSize,
    pages: report.pages,
    residentPages: report.residentPages,
    lockedPages: report.lockedPages,
    dirtyPages: report.dirtyPages,
    writebackPages: report.writebackPages,
    evictedPages: report.evictedPages,
    recentlyEvictedPages: report.recentlyEvictedPages,
    buckets: report.buckets,
  }
}
