/**
 * Advice about pages, discarding of pages, and protection of pages.
 */
import type { MappingState } from '../state/mapping-state.js'
import { parseRange, parseWord, type Range, resolveRange } from '../base/validate.js'

/**
 * How pages will be used, in the words of madvise(2). A word that the platform does not know throws `ERR_MEMMAP_UNSUPPORTED`.
 *
 * - `normal`, `random`, `sequential`: the order in which pages will be touched, which decides how far the system reads ahead.
 * - `willneed`: the pages will be needed soon; the system starts to read them.
 * - `populate-read`, `populate-write`: brings the pages into memory, ready for loads or for stores.
 * - `cold`, `pageout`: the pages will not be needed soon, or are evicted now.
 * - `hugepage`, `nohugepage`, `collapse`: allows, forbids or makes transparent huge pages.
 * - `mergeable`, `unmergeable`: allows or forbids merging of equal private pages.
 * - `dontfork`, `dofork`, `wipeonfork`, `keeponfork`: whether a child process gets the pages, or zeros in place of them.
 * - `dontdump`, `dodump`: whether a core dump contains the pages.
 * - `zerowired`: locked pages are filled with zeros when they are unmapped (macOS).
 * - `hwpoison`: simulates broken memory, for tests; needs privileges.
 */
export type Advice =
  | 'normal'
  | 'random'
  | 'sequential'
  | 'willneed'
  | 'dontfork'
  | 'dofork'
  | 'mergeable'
  | 'unmergeable'
  | 'hugepage'
  | 'nohugepage'
  | 'dontdump'
  | 'dodump'
  | 'populate-read'
  | 'populate-write'
  | 'cold'
  | 'pageout'
  | 'collapse'
  | 'hwpoison'
  | 'wipeonfork'
  | 'keeponfork'
  | 'zerowired'

// A record, so that the compiler reports a missing word.
const ADVICE_NAMES: Record<Advice, true> = {
  normal: true,
  random: true,
  sequential: true,
  willneed: true,
  dontfork: true,
  dofork: true,
  mergeable: true,
  unmergeable: true,
  hugepage: true,
  nohugepage: true,
  dontdump: true,
  dodump: true,
  'populate-read': true,
  'populate-write': true,
  cold: true,
  pageout: true,
  collapse: true,
  hwpoison: true,
  wipeonfork: true,
  keeponfork: true,
  zerowired: true,
}

/** Every advice. */
export const ADVICE = Object.keys(ADVICE_NAMES) as Advice[]

/**
 * How to discard pages, in the words of madvise(2):
 *
 * - `dontneed`: at once; private changes are lost, and anonymous memory reads as zeros.
 * - `free`: as `dontneed`, but only when the system needs memory.
 * - `remove`: punches a hole into the file, which reads as zeros.
 */
export type Discard = 'dontneed' | 'free' | 'remove'

const DISCARD: readonly Discard[] = ['dontneed', 'free', 'remove']

/** Whether pages may only be read (`r`), or also be written (`r+`). */
export type Protection = 'r' | 'r+'

const PROTECTION: readonly Protection[] = ['r', 'r+']

export function advise(state: MappingState, advice: Advice, range: Range | undefined): void {
  const word = parseWord(advice, 'advice', ADVICE)
  const parsed = parseRange(range)
  state.check()
  const { offset, length } = resolveRange(parsed, state.length)
  state.run((native) => native.advise(word, offset, length))
}

export function discard(state: MappingState, how: Discard, range: Range | undefined): void {
  const word = parseWord(how, 'how', DISCARD)
  const parsed = parseRange(range)
  if (word === 'remove') state.checkWritable()
  else state.check()
  const { offset, length } = resolveRange(parsed, state.length)
  state.run((native) => native.discard(word, offset, length))
}

export function protect(state: MappingState, protection: Protection, range: Range | undefined): void {
  const writable = parseWord(protection, 'protection', PROTECTION) === 'r+'
  const parsed = parseRange(range)
  if (writable) state.checkWritable()
  else state.check()
  const { offset, length } = resolveRange(parsed, state.length)
  state.run((native) => native.protect(writable, offset, length))
}
