/**
 * Faults: pages that the system could not deliver. The fault handler of the native half replaces them by zeros. This module
 * reports faults as errors, warnings and diagnostics messages, and keeps the fault handler in front of signal handlers that are
 * installed later.
 */
import { channel } from 'node:diagnostics_channel'
import { setImmediate } from 'node:timers'
import { isMainThread } from 'node:worker_threads'
import { NO_EXTERNAL_BUFFERS } from '../base/constants.js'
import { memmapError, type MemmapError } from '../base/errors.js'
import { announcement, type Entry, findEntry, nameOf, watchedEntries } from './registry.js'
import { native } from '../base/native.js'

/** The reason why a page could not be delivered. */
export type FaultReason = 'truncated' | 'nospace' | 'io' | 'readonly' | 'closed'

/** A page, or all pages from an offset on, that the system could not deliver. */
export interface Fault {
  /** The offset in the mapping, in bytes. */
  readonly offset: number
  /**
   * - `truncated`: the file has become shorter;
   * - `nospace`: the disk was full at the first store into a hole of the file;
   * - `io`: the disk could not be read;
   * - `readonly`: code stored into pages that are read-only because of the option `strict` or of `protect('r')`;
   * - `closed`: code used the memory after the mapping was closed.
   */
  readonly reason: FaultReason
}

const faulted = channel('memmap:fault')
let watching = false

/** Starts to listen for faults. Called for each mapping; only the first call on a thread has an effect. */
export function watchFaults(): void {
  if (watching) return
  watching = true
  native.watchFaults(report)
  process.on('exit', reportAtExit)
  if (isMainThread) {
    process.on('newListener', keepHandlerFirst)
    process.on('removeListener', keepHandlerFirst)
  }
}

/** Returns the faults of a mapping, oldest first. */
export function faultsOf(entry: Entry): Fault[] {
  return entry.native.faults() as Fault[]
}

// The memory of the native half's counter. Reading it is much faster than a native call, which would take longer than most
// operations that it precedes.
const counter = NO_EXTERNAL_BUFFERS ? null : native.faultCounter()
const total = counter && new Uint32Array(counter)

/** Returns the number of faults of the whole process. While it stays the same, no mapping has a new fault. */
export function faultTotal(): number {
  return total === null ? native.faultTotal() : Atomics.load(total, 0)
}

/**
 * Returns the error that each use of a mapping throws once the mapping has faulted. Announces new faults of the mapping first.
 */
export function faultError(entry: Entry): MemmapError {
  announce(entry)
  return describe(entry)
}

function describe(entry: Entry): MemmapError {
  const { offset, reason } = faultsOf(entry)[0] ?? { offset: 0, reason: 'io' as const }
  const { path } = entry
  return memmapError('ERR_MEMMAP_FAULT', explain(entry, offset, reason), { path, offset, reason })
}

function explain(entry: Entry, offset: number, reason: FaultReason): string {
  const name = nameOf(entry)
  const { offset: start, length } = entry.native
  const range = `bytes ${start} to ${start + length} of ${name}`
  const again = 'close the mapping and open it again'
  switch (reason) {
    case 'truncated':
      return `${name} became shorter while ${range} were mapped: the mapping reads as zeros from its offset ${offset} on; call refresh(), or ${again}`
    case 'nospace':
      return `The disk was full when offset ${offset} of the mapping was written (${range} are mapped): the bytes stored there are lost; free some space, then ${again}`
    case 'io':
      return `The disk could not deliver offset ${offset} of the mapping (${range} are mapped), which reads as zeros; ${again}`
    case 'readonly':
      return `Code stored into offset ${offset} of the mapping, which is read-only there (${range} are mapped): the file is unchanged; map it with mode 'r+' to write, or 'c' for private changes, and undo protect('r') with protect('r+')`
    case 'closed':
      return `Code used offset ${offset} of the mapping after it was closed (${range} were mapped), and read zeros; hold a pin() while other code uses the memory`
  }
}

// Called on this thread soon after a fault in any mapping of the process. Mappings of other threads are not found here.
function report(id: number): void {
  const entry = findEntry(id)
  if (entry !== undefined) announce(entry)
}

const announced = new WeakMap<Entry, number>()

/** Forgets the announced faults of a mapping after its pages were repaired, so that new faults are announced again. */
export function forgetFaults(entry: Entry): void {
  if (entry.native.faultCount() === 0) announced.delete(entry)
}

// Called by the report of the fault handler, or by the call that noticed the fault, whichever comes first. A program that ends
// right after a fault may end before the report arrives.
function announce(entry: Entry, warn = warnSoon): void {
  const count = entry.native.faultCount()
  const before = announced.get(entry) ?? 0
  if (count === before) return
  announced.set(entry, count)
  if (before === 0) warn(describe(entry).message)
  if (faulted.hasSubscribers) faulted.publish({ ...announcement(entry), faults: faultsOf(entry) })
}

function warnSoon(message: string): void {
  process.emitWarning(message, { type: 'MemmapWarning', code: 'MEMMAP_FAULT' })
}

// The report of the fault handler needs another turn of the event loop to arrive, and `emitWarning` emits at the end of a turn.
// Neither happens any more in the last turn of a program.
function reportAtExit(): void {
  if (faultTotal() === 0) return
  for (const entry of watchedEntries()) announce(entry, warnNow)
}

function warnNow(message: string): void {
  const warning = Object.assign(new Error(message), { name: 'MemmapWarning', code: 'MEMMAP_FAULT' })
  process.emit('warning', warning)
}

// `process.on('SIGBUS')` makes libuv install its own signal handler. That handler would return from a fault in a mapping, and the
// same instruction would fault again, forever. libuv's handler may be installed before this listener runs, by a later listener of
// the same event, or after all listeners: hence three checks.
function keepHandlerFirst(event: string | symbol): void {
  if (event !== 'SIGBUS' && event !== 'SIGSEGV') return
  checkHandler()
  process.nextTick(checkHandler)
  setImmediate(checkHandler).unref()
}

function checkHandler(): void {
  native.checkGuard()
}
