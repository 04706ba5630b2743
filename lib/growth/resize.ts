/**
 * Growing and shrinking: a file and its mapping together, or a mapping after its file.
 */
import { memmapError } from '../base/errors.js'
import { forgetFaults } from '../state/faults.js'
import { nameOf } from '../state/registry.js'
import type { MappingState } from '../state/mapping-state.js'
import { type Bytes, outOfRange, parseBoolean, parseBytes, parseOptions } from '../base/validate.js'

/** How to resize. */
export interface ResizeOptions {
  /**
   * Shrink even if views reach behind the new end: they become empty, as by `close()`, and with them the other views on the
   * same ArrayBuffer. @default false
   */
  readonly force?: boolean | undefined
}

const RESIZE_OPTIONS = ['force']

export async function resize(state: MappingState, size: Bytes, options: ResizeOptions | undefined): Promise<void> {
  const wanted = prepare(state, size, options)
  try {
    await state.runJob((native) => native.resize(wanted))
  } finally {
    state.followLength()
  }
}

export function resizeSync(state: MappingState, size: Bytes, options: ResizeOptions | undefined): void {
  const wanted = prepare(state, size, options)
  try {
    state.run((native) => native.resizeSync(wanted))
  } finally {
    state.followLength()
  }
}

export async function refresh(state: MappingState): Promise<boolean> {
  const before = beginRefresh(state)
  try {
    await state.runJob((native) => native.refresh())
  } finally {
    state.followLength()
  }
  forgetFaults(state)
  return state.length !== before
}

export function refreshSync(state: MappingState): boolean {
  const before = beginRefresh(state)
  try {
    state.run((native) => native.refreshSync())
  } finally {
    state.followLength()
  }
  forgetFaults(state)
  return state.length !== before
}

function beginRefresh(state: MappingState): number {
  state.checkOpen()
  return state.length
}

/** Checks what was asked for. Where the mapping is to become shorter, nobody can reach behind its new end from here on. */
function prepare(state: MappingState, size: Bytes, options: ResizeOptions | undefined): number {
  // Validate arguments
  const wanted = parseBytes(size, 'size')
  const force = parseBoolean(parseOptions(options, 'options', RESIZE_OPTIONS).force, 'options.force') ?? false

  // Interpret them
  state.checkWritable()
  const length = wanted - state.offset

  // Validate what they mean
  if (length < 0) throw outOfRange('size', `>= ${state.offset}, where the mapping begins in the file`, wanted)
  if (length < state.length && state.mode !== 'c') cut(state, length, force)
  return wanted
}

function cut(state: MappingState, length: number, force: boolean): void {
  state.checkIdle()
  const reach = state.arrayBuffers.measureReach()
  if (reach > length) {
    if (!force) throw inView(state, length, reach)
    if (state.shared) throw shared(state)
    state.arrayBuffers.detach(length)
  }
  state.setLength(length)
}

function inView(state: MappingState, length: number, reach: number): Error {
  return memmapError(
    'ERR_MEMMAP_BUSY',
    `The mapping of ${nameOf(state)} can't shrink to ${length} bytes: a view reaches to byte ${reach} of it. Let go of such views (one counts until the garbage collector has found it), or empty them with the option force`,
    { path: state.path },
  )
}

function shared(state: MappingState): Error {
  return memmapError(
    'ERR_MEMMAP_UNSUPPORTED',
    `The mapping of ${nameOf(state)} can't shrink by force: views on a SharedArrayBuffer can't be taken back`,
    { path: state.path },
  )
}
