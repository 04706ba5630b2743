/**
 * The only module that calls the native half of the library. Loads the binary, and converts its errors into those that callers
 * of the library get.
 */
import { createRequire } from 'node:module'
import type * as Native from '#native'
import { noBinary } from './load-error.js'
import { MemmapError, startStackBelow, systemError, withCode } from './errors.js'

export type {
  ByteOffsets,
  NativeRequest,
  NativeCancelToken,
  NativeLockFile,
  NativeLockRequest,
  NativeMapping,
  NativePattern,
} from '#native'

/** An object type in which an optional property may also be present and undefined. */
type Optional<T> = { readonly [K in keyof T]: T[K] | (object extends Pick<T, K> ? undefined : never) }

/** A request to map a file. */
export type OpenRequest = Optional<Native.OpenRequest>

/** A request for memory without a file. */
export type AnonymousRequest = Optional<Native.AnonymousRequest>

/** The native module. Importing this module loads it, so a missing binary is reported by the import. */
export const native: typeof Native = load()

/** Calls the native half. Translates an error that it throws, and makes the stack of the error start at the caller of `hide`. */
export function call<T>(operation: () => T, hide: (...args: never[]) => unknown = call): T {
  try {
    return operation()
  } catch (failure) {
    throw restack(translate(failure), hide)
  }
}

/**
 * Does what `call()` does for operations that return a promise. The native half settles the promise with no JavaScript on the
 * stack. Throwing the error again after an `await` lets the engine record the chain of awaiting callers.
 */
export async function callAsync<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation()
  } catch (failure) {
    throw restack(translate(failure), callAsync)
  }
}

/** Maps a file on another thread. */
export function open(request: OpenRequest): Promise<Native.NativeMapping> {
  return callAsync(() => native.open(request as Native.OpenRequest))
}

/** Maps a file on this thread. */
export function openSync(request: OpenRequest): Native.NativeMapping {
  return call(() => native.openSync(request as Native.OpenRequest), openSync)
}

/** Maps memory without a file. */
export function anonymous(request: AnonymousRequest): Native.NativeMapping {
  return call(() => native.anonymous(request as Native.AnonymousRequest), anonymous)
}

// The failure of a static import could not be caught. The message of the generated loader itself is misleading: it blames npm and
// a missing WASI package.
function load(): typeof Native {
  try {
    return createRequire(import.meta.url)('#native') as typeof Native
  } catch (failure) {
    throw noBinary(failure)
  }
}

interface NativeFailure extends Error {
  readonly code?: unknown
  readonly errno?: unknown
  readonly syscall?: unknown
  readonly path?: string
  readonly hint?: string
  readonly kind?: string
  readonly offset?: number
  readonly reason?: string
}

/** Converts an error of the native half into the error that callers get. Returns any other value unchanged. */
export function translate(failure: unknown): unknown {
  if (!isFailure(failure) || failure instanceof MemmapError) return failure
  const { code, errno, syscall, message, path, hint, kind, offset, reason } = failure
  if (typeof errno === 'number' && typeof syscall === 'string')
    return systemError({ errno, syscall, path, hint, message })
  if (typeof code !== 'string' || !code.startsWith('ERR_')) return failure
  const file = path === undefined ? {} : { path }
  if (code === 'ERR_OUT_OF_RANGE') return Object.assign(withCode(new RangeError(message), code), file)
  if (code.startsWith('ERR_INVALID_')) return Object.assign(withCode(new TypeError(message), code), file)
  return new MemmapError(code, message, { path, kind, offset, reason })
}

function isFailure(value: unknown): value is NativeFailure {
  return typeof value === 'object' && value !== null && 'message' in value
}

function restack(error: unknown, hide: (...args: never[]) => unknown): unknown {
  if (error instanceof Error) startStackBelow(error, hide)
  return error
}
