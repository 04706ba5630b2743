/**
 * Buffers over or of a range, on runtimes with and without views of foreign memory.
 */
import { MemmapError } from '../base/errors.js'
import type { MappingState } from '../state/mapping-state.js'
import { readCopy } from './copy.js'
import { makeView } from './views.js'

/** Returns a view of a range. Returns a copy if the runtime refuses views. */
export function viewOrCopy(state: MappingState, offset: number, length: number): Buffer {
  try {
    return makeView(Buffer, state.arrayBuffers.locate(offset, length), length) as Buffer
  } catch (error) {
    if (error instanceof MemmapError && error.code === 'ERR_MEMMAP_UNSUPPORTED') return readCopy(state, offset, length)
    throw error
  }
}
