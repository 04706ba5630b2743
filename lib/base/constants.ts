/**
 * What is fixed on this machine, and what this platform can do.
 */
import { constants as bufferConstants } from 'node:buffer'
import { native } from './native.js'

/**
 * Numbers that hold for the whole process.
 *
 * - `PAGE_SIZE`: bytes of a page, the unit of residency, protection and advice.
 * - `ALLOCATION_GRANULARITY`: bytes; what the system aligns mappings to. Any offset may be asked for all the same.
 * - `MAX_VIEW_LENGTH`: the most elements that one view may have, 2^31 - 1.
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { constants } from 'memmap'
 *
 * assert.equal(constants.ALLOCATION_GRANULARITY % constants.PAGE_SIZE, 0)
 * assert.equal(constants.MAX_VIEW_LENGTH, 2 ** 31 - 1)
 * ```
 */
export const constants = Object.freeze({
  PAGE_SIZE: native.pageSize(),
  ALLOCATION_GRANULARITY: native.allocationGranularity(),

  // Beyond index 2^31 V8's own Buffer.indexOf returns wrong positions, Buffer.copy copies wrong bytes beyond 2^32, and
  // loops run 20 to 60 times slower. So this is the limit on every engine, whatever it would allow.
  MAX_VIEW_LENGTH: 2 ** 31 - 1,
})

/** The most bytes that one ArrayBuffer of this engine can hold: 4 GiB on Node 20 and Bun, 2^53 - 1 on later Nodes. */
export const MAX_ARRAY_BUFFER = bufferConstants.MAX_LENGTH

/**
 * True when the environment variable `MEMMAP_NO_EXTERNAL_BUFFERS` is `1`: behave as in a runtime that refuses ArrayBuffers
 * over memory that isn't its own (Electron's memory cage). Read once, here.
 */
export const NO_EXTERNAL_BUFFERS = process.env['MEMMAP_NO_EXTERNAL_BUFFERS'] === '1'

/**
 * What this platform and this runtime can do, to be asked before it is used. What is missing here throws
 * `ERR_MEMMAP_UNSUPPORTED` when it is used all the same. Each call gives a new object.
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { capabilities, mmapAnonymous } from 'memmap'
 *
 * const shared = capabilities().sharedArrayBuffer === true
 * const memory = mmapAnonymous(4096, { shared })
 * assert.equal(memory.buffer().buffer instanceof SharedArrayBuffer, shared)
 * memory.closeSync()
 * ```
 */
export function capabilities(): Record<string, boolean> {
  const found = native.capabilities()
  if (NO_EXTERNAL_BUFFERS) Object.assign(found, { externalArrayBuffer: false, sharedArrayBuffer: false })
  return { ...found }
}
