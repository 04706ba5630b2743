/**
 * The ArrayBuffers over a Region. Making one is dear (the engine counts its whole length as its own memory and may collect
 * garbage for it), so there is one per Region, made when the first view is asked for, and every view is a slice of it.
 *
 * Where the Region is longer than the engine's longest ArrayBuffer there are several of that length, each starting half a
 * length after the one before:
 *
 *     Region    |-----------------------------------------------|
 *     segment 0 |---------------|
 *     segment 1         |---------------|
 *     segment 2                 |---------------|
 *
 * so that whatever is up to half a length long lies whole in one of them. Something longer, where it doesn't, gets a segment
 * of its own.
 */
import { setImmediate } from 'node:timers'
import { MAX_ARRAY_BUFFER, NO_EXTERNAL_BUFFERS } from './constants.js'
import { memmapError } from './errors.js'
import { type Entry, watch } from './ledger.js'
import { call, native, type NativeMapping } from './native.js'

/** Where some bytes of a Region are: in which ArrayBuffer, and where in it. */
export interface Place {
  readonly buffer: ArrayBufferLike
  readonly byteOffset: number
}

// Addresses at which an ArrayBuffer may start: those at which every kind of typed array is aligned.
const ALIGNMENT = 8
const HALF = alignDown(MAX_ARRAY_BUFFER / 2)

// From an ArrayBuffer to what must live as long as it does: a view that is still held keeps its Mapping from being collected
// as a leak. Nothing reads this.
const owners = new WeakMap<ArrayBufferLike, object>()

export class Segments {
  readonly #native: NativeMapping
  readonly #owner: Entry
  readonly #shared: boolean
  readonly #lead: number
  readonly #span: number
  readonly #regular = new Map<number, ArrayBufferLike>()
  readonly #odd = new Map<number, WeakRef<ArrayBufferLike>>()

  constructor(owner: Entry, shared: boolean) {
    this.#native = owner.native
    this.#owner = owner
    this.#shared = shared
    this.#lead = owner.native.lead
    this.#span = this.#lead + owner.native.length
  }

  /** Finds, or makes, an ArrayBuffer that holds these bytes of the mapping. They must lie within it. */
  place(offset: number, length: number): Place {
    // Not over the pages, so that it costs nothing and an empty mapping can have views too.
    if (length === 0) return { buffer: this.#shared ? new SharedArrayBuffer(0) : new ArrayBuffer(0), byteOffset: 0 }

    const position = this.#lead + offset
    const start = this.#span <= MAX_ARRAY_BUFFER ? 0 : Math.floor(position / HALF) * HALF
    if (position + length <= start + MAX_ARRAY_BUFFER) {
      return { buffer: this.#regularAt(start), byteOffset: position - start }
    }

    const own = alignDown(position)
    if (position + length > own + MAX_ARRAY_BUFFER) throw tooLarge(offset, length)
    return { buffer: this.#oddAt(own), byteOffset: position - own }
  }

  /** Makes every view of the Region empty, at once and for ever. */
  detach(): void {
    for (const buffer of this.#regular.values()) detach(buffer)
    for (const reference of this.#odd.values()) detach(reference.deref())
    this.#regular.clear()
    this.#odd.clear()
  }

  #regularAt(start: number): ArrayBufferLike {
    const known = this.#regular.get(start)
    if (known !== undefined) return known
    const buffer = this.#make(start)
    this.#regular.set(start, buffer)
    return buffer
  }

  // There is no end to the places where these may start, so they are held only as long as their views.
  #oddAt(start: number): ArrayBufferLike {
    const known = this.#odd.get(start)?.deref()
    if (known !== undefined) return known
    for (const [key, reference] of this.#odd) if (reference.deref() === undefined) this.#odd.delete(key)
    const buffer = this.#make(start)
    this.#odd.set(start, new WeakRef(buffer))
    return buffer
  }

  #make(start: number): ArrayBufferLike {
    const byteLength = Math.min(MAX_ARRAY_BUFFER, this.#span - start)
    const buffer = this.#shared
      ? externalMemory(() => this.#native.sharedArrayBuffer(start, byteLength))
      : externalMemory(() => this.#native.arrayBuffer(start, byteLength))
    owners.set(buffer, this.#owner)
    watch(this.#owner)
    return buffer
  }
}

/** Makes an ArrayBuffer over mapped memory, where that isn't switched off. */
export function externalMemory<T>(make: () => T): T {
  if (!NO_EXTERNAL_BUFFERS) return call(make)
  throw memmapError(
    'ERR_MEMMAP_UNSUPPORTED',
    'Views are switched off by the environment variable MEMMAP_NO_EXTERNAL_BUFFERS; read(), readInto(), write(), windows() and chunks() copy instead',
  )
}

// Saved now: what users do to the prototype later must not change how memory is taken back.
const transfer = Reflect.get(ArrayBuffer.prototype, 'transfer') as
  ((this: ArrayBuffer, length: number) => ArrayBuffer) | undefined

/**
 * Detaches an ArrayBuffer. It may refuse: marked untransferable by the user, or in use by a job of the runtime. Then it is
 * asked once more a little later and otherwise left, since closing replaces the pages under it anyway.
 */
export function detach(buffer: ArrayBufferLike | undefined): void {
  if (!(buffer instanceof ArrayBuffer) || tryDetach(buffer)) return
  setImmediate(tryDetach, buffer).unref()
}

// The native detach ends the process on an untransferable ArrayBuffer, except on Node 20, which knows no other.
function tryDetach(buffer: ArrayBuffer): boolean {
  if (buffer.byteLength === 0) return true
  try {
    if (transfer === undefined) native.detach(buffer)
    else transfer.call(buffer, 0)
  } catch {
    return false
  }
  return buffer.byteLength === 0
}

function tooLarge(offset: number, length: number): Error {
  return memmapError(
    'ERR_MEMMAP_VIEW_TOO_LARGE',
    `A view of ${length} bytes at offset ${offset} does not fit: an ArrayBuffer of this runtime holds ${MAX_ARRAY_BUFFER} bytes at most; use windows(), chunks() or read()`,
  )
}

function alignDown(position: number): number {
  return Math.floor(position / ALIGNMENT) * ALIGNMENT
}
