/**
 * What the system is told about pages: how they will be used, that they are not needed, whether they may be written.
 */
import type { MappingState } from '../state/mapping-state.js'
import { parseRange, parseWord, type Range, resolveRange } from '../base/validate.js'

/**
 * How pages will be used, in the words of madvise(2). Which of them a system knows differs; the others throw
 * `ERR_MEMMAP_UNSUPPORTED` there.
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

// The keys of a record, so that the compiler finds one that is missing.
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

/** Ways to give pages back, in the words of madvise(2). */
export type Discard = 'dontneed' | 'free' | 'remove'

const DISCARD: readonly Discard[] = ['dontneed', 'free', 'remove']

/** Whether pages may be only read, or written too. */
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
