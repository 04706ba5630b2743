/**
 * Constants of this machine, and the capabilities of this platform and runtime.
 */
import { constants as bufferConstants } from 'node:buffer'
import { native } from './native.js'

/**
 * Constants of this machine and this library.
 *
 * - `PAGE_SIZE`: the size of a page in bytes, the unit of residency, protection and advice.
 * - `ALLOCATION_GRANULARITY`: the alignment of mappings in the system, in bytes. Mappings of this library may begin anywhere.
 * - `MAX_VIEW_LENGTH`: the maximum number of elements of a view, 2^31 - 1.
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
  // loops run 20 to 60 times slower. So this is the limit on every engine, even if the engine
  // allows more.
  MAX_VIEW_LENGTH: 2 ** 31 - 1,
})

/** The maximum size of an ArrayBuffer of this engine in bytes: 4 GiB on Node 20 and Bun, 2^53 - 1 on later versions of Node. */
export const MAX_ARRAY_BUFFER = bufferConstants.MAX_LENGTH

/**
 * True when the environment variable `MEMMAP_NO_EXTERNAL_BUFFERS` is `1`. The library then behaves as in a runtime that refuses
 * ArrayBuffers over foreign memory (Electron's memory cage). Read once, at load time.
 */
export const NO_EXTERNAL_BUFFERS = process.env['MEMMAP_NO_EXTERNAL_BUFFERS'] === '1'

/**
 * Reports what this platform and this runtime can do. Using a capability that is missing throws `ERR_MEMMAP_UNSUPPORTED`. Each
 * call returns a new object.
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
