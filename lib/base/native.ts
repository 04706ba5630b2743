/**
 * The only door to the native half: loads it, and turns what it throws into the errors that users see.
 */
import { createRequire } from 'node:module'
import type * as Native from '#native'
import { noBinary } from './load-error.js'
import { MemmapError, startStackBelow, systemError, withCode } from './errors.js'

export type {
  ByteOffsets,
  LockWish,
  NativeJob,
  NativeLockFile,
  NativeLockRequest,
  NativeMapping,
  NativePattern,
} from '#native'

/** What is optional in the native half's interface may be undefined as well as left out. */
type Optional<T> = { readonly [K in keyof T]: T[K] | (object extends Pick<T, K> ? undefined : never) }
/** A request to map a file. */
export type OpenRequest = Optional<Native.OpenRequest>
/** A request for memory without a file. */
export type AnonymousRequest = Optional<Native.AnonymousRequest>

/** The native module. It is loaded with this one, so that a missing binary is reported at the import. */
export const native: typeof Native = load()

/** Calls into the native half. What it throws comes out translated, with a stack that starts at our caller. */
export function call<T>(operation: () => T, hide: (...args: never[]) => unknown = call): T {
  try {
    return operation()
  } catch (failure) {
    throw restack(translate(failure), hide)
  }
}

/**
 * The same for what returns a promise. The native half settles it with no JavaScript on the stack; throwing again here,
 * after an `await`, gives the engine the chain of awaiting callers to write down.
 */
export async function callAsync<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation()
  } catch (failure) {
    throw restack(translate(failure), callAsync)
  }
}

/** Maps a file, on another thread. */
export function open(request: OpenRequest): Promise<Native.NativeMapping> {
  return callAsync(() => native.open(request as Native.OpenRequest))
}

/** Maps a file, on this thread. */
export function openSync(request: OpenRequest): Native.NativeMapping {
  return call(() => native.openSync(request as Native.OpenRequest), openSync)
}

/** Maps memory without a file. */
export function anonymous(request: AnonymousRequest): Native.NativeMapping {
  return call(() => native.anonymous(request as Native.AnonymousRequest), anonymous)
}

// A static import could not be caught, and the generated loader's own message blames npm and a missing WASI package.
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

/** The error that users see for one that the native half threw. One that it didn't mean to throw is left as it is. */
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
