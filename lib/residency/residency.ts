/**
 * What is in memory: finding out, keeping it there, letting it go, and proving that it can be had.
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
  /** Says in `buckets` how much of each so many bytes is in memory, counted from the start of the range. @default none */
  readonly bucket?: Bytes | undefined
}

/** Options of `residency()`. */
export interface ResidencyOptions extends ResidencySyncOptions {
  /** Ends it early: the promise rejects with the signal's reason. What was done until then stays done. @default none */
  readonly signal?: AbortSignal | undefined
}

/** Which pages of a range are in memory. A page that the range touches counts as a whole. */
export interface Residency {
  /** Whether all pages are: `unknown` where the system does not tell this user of the file of another. */
  readonly resident: 'yes' | 'no' | 'unknown'
  /** Bytes of a page. */
  readonly pageSize: number
  /** Pages that the range touches. */
  readonly pages: number
  /** Those that are in memory; undefined where the system does not tell. */
  readonly residentPages: number | undefined
  /** Those that `lockMemory()` keeps there, or will when they come. */
  readonly lockedPages: number
  /** Those that the page cache has to write to the disk; undefined without a file, and before Linux 6.5. */
  readonly dirtyPages: number | undefined
  /** Those that it is writing; undefined as `dirtyPages`. */
  readonly writebackPages: number | undefined
  /** Those that were in the page cache and were let go of; undefined as `dirtyPages`. */
  readonly evictedPages: number | undefined
  /** Those of them that went so short a time ago that memory must be scarce; undefined as `dirtyPages`. */
  readonly recentlyEvictedPages: number | undefined
  /**
   * How much of each bucket is in memory, in per cent: 0 for nothing, 100 for all of it, 1 to 99 between, and 255 where the
   * system does not tell. Undefined if no `bucket` was asked for.
   */
  readonly buckets: Uint8Array | undefined
}

/** Options of `evict()`. */
export interface EvictOptions {
  /** Ends it early: the promise rejects with the signal's reason. What was done until then stays done. @default none */
  readonly signal?: AbortSignal | undefined
}

/** What came of evicting, in bytes of whole pages. */
export interface Eviction {
  /** Bytes that went out of memory; undefined where the system does not tell this user. */
  readonly evicted: number | undefined
  /** Bytes that are still in memory; undefined where the system does not tell this user. */
  readonly resident: number | undefined
}

/** Options of `lockMemorySync()`. */
export interface LockMemorySyncOptions {
  /** Bring nothing in: each page stays from the time on at which it comes into memory. @default false */
  readonly onFault?: boolean | undefined
}

/** Options of `lockMemory()`. Where the signal ends it nothing is locked. */
export interface LockMemoryOptions extends LockMemorySyncOptions {
  /** Ends it early: the promise rejects with the signal's reason. What was done until then stays done. @default none */
  readonly signal?: AbortSignal | undefined
}

/** Options of `verifySync()`. */
export interface VerifySyncOptions {
  /** Prove too that stores find a place on the disk. Holes of the file get blocks by that. @default false */
  readonly forWriting?: boolean | undefined
}

/** Options of `verify()`. */
export interface VerifyOptions extends VerifySyncOptions {
  /** Ends it early: the promise rejects with the signal's reason. What was done until then stays done. @default none */
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
  const isLate = parseBoolean(onFault, 'options.onFault') ?? false
  const wanted = parseSignal(signal, 'options.signal')
  const parsed = parseRange(range)
  state.check()
  const { offset, length } = resolveRange(parsed, state.length)
  await state.runCancellable((native, job) => native.lockMemory(offset, length, isLate, job), wanted)
}

export function lockMemorySync(state: MappingState, range?: Range, options?: LockMemorySyncOptions): void {
  const { onFault } = parseOptions(options, 'options', ['onFault'])
  const isLate = parseBoolean(onFault, 'options.onFault') ?? false
  const parsed = parseRange(range)
  state.check()
  const { offset, length } = resolveRange(parsed, state.length)
  state.run((native) => native.lockMemorySync(offset, length, isLate))
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

// A byte is answered for each bucket: what no array can hold is refused before it is looked for.
function resolveResidency({ range, bucket }: ParsedResidency, state: MappingState) {
  const { offset, length } = resolveRange(range, state.length)
  const least = Math.ceil(length / constants.MAX_VIEW_LENGTH)
  if (bucket !== undefined && bucket < least) {
    throw outOfRange('options.bucket', `>= ${least}, since no more than 2^31 - 1 buckets can be counted`, bucket)
  }
  return { offset, length, size: bucket }
}

// Each property is there, whether something is known or not.
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
