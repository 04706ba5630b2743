/**
 * Resize: growing or shrinking a file together with its mapping, or adapting a mapping to the new size of its file.
 */
import { memmapError } from '../base/errors.js'
import { forgetFaults } from '../state/faults.js'
import { nameOf } from '../state/registry.js'
import type { MappingState } from '../state/mapping-state.js'
import { type Bytes, outOfRange, parseBoolean, parseBytes, parseOptions } from '../base/validate.js'

/** Options of `resize()`. */
export interface ResizeOptions {
  /**
   * Shrink even if views reach past the new end. These views, and all other views on the same ArrayBuffer, become empty, as
   * after `close()`. @default false
   */
  readonly force?: boolean | undefined
}

const RESIZE_OPTIONS = ['force']

export async function resize(state: MappingState, size: Bytes, options: ResizeOptions | undefined): Promise<void> {
  const wanted = prepareResize(state, size, options)
  try {
    await state.runJob((native) => native.resize(wanted))
  } finally {
    state.followLength()
  }
}

export function resizeSync(state: MappingState, size: Bytes, options: ResizeOptions | undefined): void {
  const wanted = prepareResize(state, size, options)
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

/**
 * Checks the request. If the mapping is going to shrink, no access past its new end is possible after this function has returned.
 */
function prepareResize(state: MappingState, size: Bytes, options: ResizeOptions | undefined): number {
  // Validate arguments
  const wanted = parseBytes(size, 'size')
  const force = parseBoolean(parseOptions(options, 'options', RESIZE_OPTIONS).force, 'options.force') ?? false

  // Interpret options
  state.checkWritable()
  const length = wanted - state.offset

  // Validate interpreted options
  if (length < 0) throw outOfRange('size', `>= ${state.offset}, the offset of the mapping in the file`, wanted)
  if (length < state.length && state.mode !== 'c') shorten(state, length, force)
  return wanted
}

function shorten(state: MappingState, length: number, force: boolean): void {
  state.checkIdle()
  const reach = state.arrayBuffers.measureReach()
  if (reach > length) {
    if (!force) throw viewsError(state, length, reach)
    if (state.shared) throw sharedError(state)
    state.arrayBuffers.detach(length)
  }
  state.setLength(length)
}

function viewsError(state: MappingState, length: number, reach: number): Error {
  return memmapError(
    'ERR_MEMMAP_BUSY',
    `The mapping of ${nameOf(state)} cannot shrink to ${length} bytes: a view reaches to byte ${reach} of it. Drop all references to such views (a view counts until it is garbage-collected), or empty them with the option force`,
    { path: state.path },
  )
}

function sharedError(state: MappingState): Error {
  return memmapError(
    'ERR_MEMMAP_UNSUPPORTED',
    `The mapping of ${nameOf(state)} cannot shrink by force: views on a SharedArrayBuffer cannot be detached`,
    { path: state.path },
  )
}
