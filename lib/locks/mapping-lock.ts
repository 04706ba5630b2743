/**
 * Advisory locks on the file of a mapping, with offsets counted from the start of the mapping.
 */
import {
  type FileLock,
  lock as lockFile,
  lockSync as lockFileSync,
  testLock as testFile,
  tryLock as tryFile,
} from './file-lock.js'
import { traceCaller } from '../state/registry.js'
import {
  type LockOptions,
  type LockRange,
  type LockState,
  type LockSyncOptions,
  OPTIONS,
  parseRequest,
  RANGE_OPTIONS,
  SYNC_OPTIONS,
  TRY_OPTIONS,
  type TryLockOptions,
} from './options.js'
import type { LockTarget } from './wait.js'
import { type NativeLockFile, native } from '../base/native.js'
import type { MappingState } from '../state/mapping-state.js'
import { parseOptions } from '../base/validate.js'

export async function lock(state: MappingState, options: LockOptions | undefined): Promise<FileLock> {
  const given = parseOptions(options, 'options', OPTIONS)
  const target = targetOf(state)
  return lockFile(target, parseRequest(given, target.base, traceCaller(lock)), false, lock)
}

export function lockSync(state: MappingState, options: LockSyncOptions | undefined): FileLock {
  const given = parseOptions(options, 'options', SYNC_OPTIONS)
  const target = targetOf(state)
  return lockFileSync(target, parseRequest(given, target.base, traceCaller(lockSync)), lockSync)
}

export function tryLock(state: MappingState, options: TryLockOptions | undefined): FileLock | null {
  const given = parseOptions(options, 'options', TRY_OPTIONS)
  const target = targetOf(state)
  return tryFile(target, parseRequest(given, target.base, traceCaller(tryLock)), tryLock)
}

export function testLock(state: MappingState, range: LockRange | undefined): LockState {
  const given = parseOptions(range, 'range', RANGE_OPTIONS)
  return testFile(targetOf(state), given, testLock)
}

// One target for each mapping: the native half keeps an open file description that holds no lock for the next request.
const files = new WeakMap<MappingState, LockTarget>()

function targetOf(state: MappingState): LockTarget {
  const known = files.get(state)
  if (known !== undefined) return known
  state.check()
  const target = {
    file: state.run((handle): NativeLockFile => native.NativeLockFile.ofMapping(handle)),
    path: state.path,
    base: state.offset,
    check: () => state.check(),
    onClosing: (stop: (reason: unknown) => void) => state.onClosing(stop),
    onClosed: (end: () => void) => state.onClosed(end),
  }
  files.set(state, target)
  return target
}
