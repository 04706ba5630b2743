/**
 * What can be asked of locks, read once and checked.
 */
import { threadId } from 'node:worker_threads'
import type { NativeRequest } from '../base/native.js'
import { type Bytes, invalidArgType, outOfRange, parseBytes, parseSignal, parseWord } from '../base/validate.js'

/** What a lock lets others do. `exclusive`: nobody else has one; `shared`: others may have shared ones. */
export type LockMode = 'exclusive' | 'shared'

const MODES: readonly LockMode[] = ['exclusive', 'shared']

/** A range of bytes to lock, which may begin and end beyond the end of the file: numbers, or bigints up to 2^63 - 1. */
export interface LockRange {
  /** The first byte. @default 0 */
  readonly offset?: Bytes | undefined
  /** The number of bytes; 0 stands for all from `offset` on, however long the file gets. @default 0 */
  readonly length?: Bytes | undefined
}

/** A lock that is tried once. */
export interface TryLockOptions extends LockRange {
  /** What it lets others do. @default 'exclusive' */
  readonly mode?: LockMode | undefined
}

/** A lock that a thread stands still for. */
export interface LockSyncOptions extends TryLockOptions {
  /** How long to wait, in milliseconds, 0 to 2^31 - 1; 0 tries once. @default as long as it takes */
  readonly timeout?: number | undefined
}

/** How long to wait. */
export interface LockWaitOptions extends Pick<LockSyncOptions, 'timeout'> {
  /** Ends the waiting; the promise rejects with the signal's reason. @default none */
  readonly signal?: AbortSignal | undefined
}

/** A lock that is waited for. */
export interface LockOptions extends TryLockOptions, LockWaitOptions {}

/** Locks of files that aren't mapped can create them. */
export interface CreateOption {
  /** Make the file, empty and for its owner alone (0600), if there is none. Only with a path. @default false */
  readonly create?: boolean | undefined
}

/** Options of `fileLock`. */
export interface FileLockOptions extends LockOptions, CreateOption {}

/** Options of `fileLockSync`. */
export interface FileLockSyncOptions extends LockSyncOptions, CreateOption {}

/** Options of `tryFileLock`. */
export interface TryFileLockOptions extends TryLockOptions, CreateOption {}

/** Who has locks in a range, of this process or another: nobody, readers, or a writer. */
export type LockState = 'free' | LockMode

/** A lock that this process has or waits for. */
export interface LockInfo {
  /** A number that no other lock of this process has or had. */
  readonly id: number
  /** The file as it was given; undefined for descriptors. */
  readonly path?: string
  readonly mode: LockMode
  /** Where it begins, in bytes of the file; a bigint from 2^53 on. */
  readonly offset: Bytes
  /** In bytes; 0: all from there on. */
  readonly length: Bytes
  /** `upgrading`: held as `shared`, which has a line of its own, and waiting to be `exclusive`. */
  readonly state: 'held' | 'waiting' | 'upgrading'
  /** Which of the system's locks it is. */
  readonly method: LockMethod
  /** `threadId` of the thread; 0 is the main thread. */
  readonly thread: number
  /** Where it was asked for, if the environment variable `MEMMAP_TRACE` is 1. */
  readonly stack?: string
}

/**
 * `ofd`: of an open file description, over ranges of bytes. `flock`: for whole files, where the file system has no other.
 * `LockFileEx`: over ranges of bytes, on Windows.
 */
export type LockMethod = 'ofd' | 'flock' | 'LockFileEx'

/** What a user asks for, read and checked. */
export interface LockRequest {
  readonly wish: NativeRequest
  readonly mode: LockMode
  readonly offset: Bytes
  readonly length: Bytes
  readonly timeout: number | undefined
  readonly signal: AbortSignal | undefined
}

export const RANGE_OPTIONS = ['offset', 'length']
export const TRY_OPTIONS = ['mode', ...RANGE_OPTIONS]
export const SYNC_OPTIONS = [...TRY_OPTIONS, 'timeout']
export const OPTIONS = [...SYNC_OPTIONS, 'signal']

// Where locks end at the latest; files are never longer.
const INFINITY = 2n ** 63n
const LONGEST_TIMER = 2 ** 31 - 1

/** Reads and checks what is asked for; options that aren't known where it is asked were refused before. */
export function parseRequest(given: Partial<LockOptions>, base: number, stack: string | undefined): LockRequest {
  const mode = given.mode === undefined ? 'exclusive' : parseWord(given.mode, 'options.mode', MODES)
  const offset = parseOffset(given.offset, 'options.offset')
  const length = parseOffset(given.length, 'options.length')
  const wish: NativeRequest = {
    exclusive: mode === 'exclusive',
    offset: fileOffset(offset, base),
    length,
    thread: threadId,
    ...(stack !== undefined && { stack }),
  }
  return { wish, mode, offset, length, ...parseLockWait(given) }
}

/** Reads a range of something whose byte 0 is at `base` of the file: where it is there. */
export function parseLockRange(
  given: Partial<LockRange>,
  base: number,
): Required<Pick<NativeRequest, 'offset' | 'length'>> {
  const offset = parseOffset(given.offset, 'range.offset')
  return { offset: fileOffset(offset, base), length: parseOffset(given.length, 'range.length') }
}

/** Reads how long to wait. */
export function parseLockWait(given: Partial<LockWaitOptions>): Pick<LockRequest, 'timeout' | 'signal'> {
  return { timeout: parseTimeout(given.timeout), signal: parseSignal(given.signal, 'options.signal') }
}

function parseOffset(value: unknown, name: string): Bytes {
  if (value === undefined) return 0
  if (typeof value !== 'bigint') return parseBytes(value, name)
  if (value < 0n || value >= INFINITY) throw outOfRange(name, '>= 0n && < 2n ** 63n', value)
  return narrow(value)
}

// As a number where that is exact.
function narrow(value: Bytes): Bytes {
  return value > Number.MAX_SAFE_INTEGER ? value : Number(value)
}

function fileOffset(offset: Bytes, base: number): Bytes {
  return base === 0 ? offset : narrow(BigInt(offset) + BigInt(base))
}

function parseTimeout(value: unknown): number | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'number') throw invalidArgType('options.timeout', ['number'], value)
  if (value >= 0 && value <= LONGEST_TIMER) return value
  throw outOfRange('options.timeout', `>= 0 && <= ${LONGEST_TIMER}; leave it out to wait as long as it takes`, value)
}
