/**
 * Advisory locks on the file of a mapping, in the mapping's own offsets.
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
import type { Region } from '../state/mapping-state.js'
import { parseOptions } from '../base/validate.js'

export async function lock(region: Region, options: LockOptions | undefined): Promise<FileLock> {
  const given = parseOptions(options, 'options', OPTIONS)
  const target = targetOf(region)
  return lockFile(target, parseRequest(given, target.base, traceCaller(lock)), false, lock)
}

export function lockSync(region: Region, options: LockSyncOptions | undefined): FileLock {
  const given = parseOptions(options, 'options', SYNC_OPTIONS)
  const target = targetOf(region)
  return lockFileSync(target, parseRequest(given, target.base, traceCaller(lockSync)), lockSync)
}

export function tryLock(region: Region, options: TryLockOptions | undefined): FileLock | null {
  const given = parseOptions(options, 'options', TRY_OPTIONS)
  const target = targetOf(region)
  return tryFile(target, parseRequest(given, target.base, traceCaller(tryLock)), tryLock)
}

export function testLock(region: Region, range: LockRange | undefined): LockState {
  const given = parseOptions(range, 'range', RANGE_OPTIONS)
  return testFile(targetOf(region), given, testLock)
}

// The native half keeps a description without a lock there for the next one.
const files = new WeakMap<Region, LockTarget>()

function targetOf(region: Region): LockTarget {
  const known = files.get(region)
  if (known !== undefined) return known
  region.check()
  const target = {
    file: region.run((handle): NativeLockFile => native.NativeLockFile.ofMapping(handle)),
    path: region.path,
    base: region.offset,
    check: () => region.check(),
    onClosing: (stop: (reason: unknown) => void) => region.onClosing(stop),
    onClosed: (end: () => void) => region.onClosed(end),
  }
  files.set(region, target)
  return target
}
