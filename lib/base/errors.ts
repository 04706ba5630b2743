/**
 * The error class of the library, and functions that make errors of it. Wrong arguments cause plain errors of type `TypeError`
 * and `RangeError` instead, as in Node; `validate.ts` makes those.
 */
import { constants } from 'node:os'
import util from 'node:util'

/** The codes of errors of this library. System errors have the codes of the system instead, such as `ENOENT`. */
export type MemmapErrorCode =
  | 'ERR_MEMMAP_ADDRESS_SPACE'
  | 'ERR_MEMMAP_BUSY'
  | 'ERR_MEMMAP_CLOSED'
  | 'ERR_MEMMAP_FAULT'
  | 'ERR_MEMMAP_FLUSH_LOST'
  | 'ERR_MEMMAP_LOCK_BUSY'
  | 'ERR_MEMMAP_LOCK_DEADLOCK'
  | 'ERR_MEMMAP_LOCK_LOST'
  | 'ERR_MEMMAP_LOCK_RELEASED'
  | 'ERR_MEMMAP_LOCK_REPLACED'
  | 'ERR_MEMMAP_LOCK_TIMEOUT'
  | 'ERR_MEMMAP_MAP_COUNT'
  | 'ERR_MEMMAP_MEMLOCK_LIMIT'
  | 'ERR_MEMMAP_MISALIGNED'
  | 'ERR_MEMMAP_NO_BINARY'
  | 'ERR_MEMMAP_NOT_MAPPABLE'
  | 'ERR_MEMMAP_READ_ONLY'
  | 'ERR_MEMMAP_UNSUPPORTED'
  | 'ERR_MEMMAP_VIEW_TOO_LARGE'

/** The properties that an error can have besides its code and its message. */
export interface MemmapErrorDetails {
  readonly errno?: number | undefined
  readonly syscall?: string | undefined
  readonly path?: string | undefined
  readonly kind?: string | undefined
  readonly offset?: number | undefined
  readonly reason?: string | undefined
  readonly cause?: unknown
}

/** A failed system call: the error number as in C (positive), the call, and the file. */
export interface SystemFailure {
  readonly errno: number
  readonly syscall: string
  readonly path?: string | undefined
  readonly hint?: string | undefined
  readonly message?: string | undefined
}

// A registered symbol, so that `instanceof` also recognises errors of another installed copy of this library and of other realms.
const brand = Symbol.for('memmap.MemmapError')

/**
 * The error of every failure of this library, except wrong arguments.
 *
 * `code` is a code of this library (`ERR_MEMMAP_…`) or of the system (`ENOENT`, `EACCES`, …); errors of the system also carry
 * `errno` (negative), `syscall` and `path`, with the same texts as those of `node:fs`.
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { MemmapError, mmapSync } from 'memmap'
 *
 * try {
 *   mmapSync('/no/such/file')
 * } catch (error) {
 *   assert(error instanceof MemmapError)
 *   assert.equal(error.code, 'ENOENT')
 *   assert.equal(error.syscall, 'open')
 *   assert.equal(error.path, '/no/such/file')
 * }
 * ```
 */
export class MemmapError extends Error {
  /** `ERR_MEMMAP_…`, or the name of a system error such as `ENOENT`. */
  readonly code: string
  /** The system's error number, negative as in `node:fs`. Only on system errors. */
  declare readonly errno?: number
  /** The system call that failed. Only on system errors. */
  declare readonly syscall?: string
  /** The path, as the caller gave it. */
  declare readonly path?: string
  /** The kind of the source, on `ERR_MEMMAP_NOT_MAPPABLE`: 'directory', 'pipe', 'socket', 'virtual file', … */
  declare readonly kind?: string
  /** The offset in the mapping in bytes, on `ERR_MEMMAP_FAULT`. */
  declare readonly offset?: number
  /** The reason, on `ERR_MEMMAP_FAULT`: 'truncated', 'nospace', 'io', 'readonly', or 'closed' for use after closing. */
  declare readonly reason?: string

  static {
    // Defined on the prototype, as for Error: an own property would be printed among the properties of each error.
    Object.defineProperty(this.prototype, 'name', { value: 'MemmapError', writable: true, configurable: true })
    Object.defineProperty(this.prototype, brand, { value: true })
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value
  }

  constructor(code: string, message: string, details: MemmapErrorDetails = {}) {
    const { cause, ...properties } = details
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    for (const [key, value] of Object.entries(properties)) {
      if (value !== undefined) Object.assign(this, { [key]: value })
    }
    if (code.startsWith('ERR_')) writeCodeIntoStack(this, code)
  }
}

/** Makes an error of this library. Its stack begins with `MemmapError [CODE]: message`. */
export function memmapError(code: MemmapErrorCode, message: string, details?: MemmapErrorDetails): MemmapError {
  return new MemmapError(code, message, details)
}

/** Makes a system error in the form of `node:fs`: `ENOENT: no such file or directory, open 'path'`. */
export function systemError(failure: SystemFailure): MemmapError {
  const { syscall, path, hint } = failure
  const { errno, code, text } = describeErrno(failure)
  const subject = path === undefined ? '' : ` '${path}'`
  const advice = hint === undefined ? '' : `: ${hint}`
  return new MemmapError(code, `${code}: ${text}, ${syscall}${subject}${advice}`, { errno, syscall, path })
}

/** Adds a code to an error, as a property and at the head of its stack, as Node does. */
export function withCode<E extends Error>(error: E, code: string): E & { code: string } {
  writeCodeIntoStack(error, code)
  return Object.assign(error, { code })
}

/** Removes the frames above and including `hide` from the stack, so that it starts at the caller. */
export function startStackBelow(error: Error, hide: (...args: never[]) => unknown): void {
  const code = 'code' in error ? String(error.code) : ''
  Error.captureStackTrace?.(error, hide)
  if (code.startsWith('ERR_')) writeCodeIntoStack(error, code)
}

// The engine formats the stack when it is first read, with the name that the error has then.
function writeCodeIntoStack(error: Error, code: string): void {
  Object.defineProperty(error, 'name', { value: `${error.name} [${code}]`, configurable: true })
  void error.stack
  Reflect.deleteProperty(error, 'name')
}

// libuv's table has the names and the texts that `node:fs` uses, by libuv's own error numbers. On Unix these are the negated
// numbers of C. On Windows, where C has no error numbers for most failures of files, the native half uses libuv's numbers.
function describeErrno(failure: SystemFailure): { errno: number; code: string; text: string } {
  const table = util.getSystemErrorMap?.() ?? new Map<number, [string, string]>()
  const known = table.get(-failure.errno)
  if (known) return { errno: -failure.errno, code: known[0], text: known[1] }

  const code = Object.entries(constants.errno).find(([, number]) => number === failure.errno)?.[0]
  for (const [errno, [name, text]] of table) {
    if (name === code) return { errno, code: name, text }
  }
  return {
    errno: -failure.errno,
    code: code ?? 'UNKNOWN',
    // The message of the native half also names the call and the file; only the part before the error number is needed.
    text: failure.message?.split(' (os error')[0] || `unknown system error ${failure.errno}`,
  }
}
