/**
 * The options of locks: their types, and how they are parsed and checked.
 */
import { threadId } from 'node:worker_threads'
import type { NativeRequest } from '../base/native.js'
import { type Bytes, invalidArgType, outOfRange, parseBytes, parseSignal, parseWord } from '../base/validate.js'

/** The mode of a lock. `exclusive` excludes every other lock in the range; `shared` allows other shared locks. */
export type LockMode = 'exclusive' | 'shared'

const MODES: readonly LockMode[] = ['exclusive', 'shared']

/** A range of bytes to lock: numbers, or bigints up to 2^63 - 1. It may begin and end after the end of the file. */
export interface LockRange {
  /** The offset of the first byte. @default 0 */
  readonly offset?: Bytes | undefined
  /** The number of bytes; 0 means everything from `offset` on, even if the file grows. @default 0 */
  readonly length?: Bytes | undefined
}

/** Options of `tryLock()`, which never waits. */
export interface TryLockOptions extends LockRange {
  /** Whether the lock excludes all other locks or only exclusive ones. @default 'exclusive' */
  readonly mode?: LockMode | undefined
}

/** Options of `lockSync()`, which blocks the thread. */
export interface LockSyncOptions extends TryLockOptions {
  /** The limit of the wait in milliseconds, 0 to 2^31 - 1; 0 tries once. @default no limit */
  readonly timeout?: number | undefined
}

/** Options of a wait for a lock. */
export interface LockWaitOptions extends Pick<LockSyncOptions, 'timeout'> {
  /** A signal that ends the wait; the promise rejects with its reason. @default none */
  readonly signal?: AbortSignal | undefined
}

/** Options of `lock()`. */
export interface LockOptions extends TryLockOptions, LockWaitOptions {}

/** The option of locks without a mapping that creates the file. */
export interface CreateOption {
  /** Create an empty file, accessible only to its owner (0600), if it does not exist. Only with a path. @default false */
  readonly create?: boolean | undefined
}

/** Options of `fileLock`. */
export interface FileLockOptions extends LockOptions, CreateOption {}

/** Options of `fileLockSync`. */
export interface FileLockSyncOptions extends LockSyncOptions, CreateOption {}

/** Options of `tryFileLock`. */
export interface TryFileLockOptions extends TryLockOptions, CreateOption {}

/** The locks in a range, of this process or another: none, shared locks, or an exclusive lock. */
export type LockState = 'free' | LockMode

/** A lock that this process holds or waits for. */
export interface LockInfo {
  /** A number that is unique among all locks of this process, past and present. */
  readonly id: number
  /** The path of the file as it was given; undefined for descriptors. */
  readonly path?: string
  readonly mode: LockMode
  /** The offset of the first byte in the file; a bigint from 2^53 on. */
  readonly offset: Bytes
  /** The length in bytes; 0 means everything from `offset` on. */
  readonly length: Bytes
  /** The state. `upgrading`: waits to become `exclusive`; the held `shared` lock has an entry of its own. */
  readonly state: 'held' | 'waiting' | 'upgrading'
  /** The kind of lock that the operating system provides for this file. */
  readonly method: LockMethod
  /** The `threadId` of the requesting thread; 0 is the main thread. */
  readonly thread: number
  /** The stack of the request, if the environment variable `MEMMAP_TRACE` is 1. */
  readonly stack?: string
}

/**
 * The kind of a lock. `ofd`: a lock of an open file description, over a range of bytes. `flock`: a lock of a whole file, where
 * the file system supports no range locks. `LockFileEx`: a lock over a range of bytes, on Windows.
 */
export type LockMethod = 'ofd' | 'flock' | 'LockFileEx'

/** A parsed and checked request for a lock. */
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

// The largest end of a lock; no file is longer.
const MAX_LOCK_END = 2n ** 63n
const MAX_TIMER_MS = 2 ** 31 - 1

/** Parses and checks a request. The caller has already refused unknown options. */
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

/** Parses a range of a target whose byte 0 is at offset `base` of the file. Returns the range in the file. */
export function parseLockRange(
  given: Partial<LockRange>,
  base: number,
): Required<Pick<NativeRequest, 'offset' | 'length'>> {
  const offset = parseOffset(given.offset, 'range.offset')
  return { offset: fileOffset(offset, base), length: parseOffset(given.length, 'range.length') }
}

/** Parses the timeout and the signal of a wait. */
export function parseLockWait(given: Partial<LockWaitOptions>): Pick<LockRequest, 'timeout' | 'signal'> {
  return { timeout: parseTimeout(given.timeout), signal: parseSignal(given.signal, 'options.signal') }
}

function parseOffset(value: unknown, name: string): Bytes {
  if (value === undefined) return 0
  if (typeof value !== 'bigint') return parseBytes(value, name)
  if (value < 0n || value >= MAX_LOCK_END) throw outOfRange(name, '>= 0n && < 2n ** 63n', value)
  return narrow(value)
}

// Returns a number if it is exact, else a bigint.
function narrow(value: Bytes): Bytes {
  return value > Number.MAX_SAFE_INTEGER ? value : Number(value)
}

function fileOffset(offset: Bytes, base: number): Bytes {
  return base === 0 ? offset : narrow(BigInt(offset) + BigInt(base))
}

function parseTimeout(value: unknown): number | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'number') throw invalidArgType('options.timeout', ['number'], value)
  if (value >= 0 && value <= MAX_TIMER_MS) return value
  throw outOfRange('options.timeout', `>= 0 && <= ${MAX_TIMER_MS}; omit it to wait without a limit`, value)
}
