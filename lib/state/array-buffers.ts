/**
 * The ArrayBuffers over a mapping. Making one is expensive: the engine counts its whole length as its own memory and may collect
 * garbage for it. So a mapping has one ArrayBuffer, made with the first view, and every view is a slice of it.
 *
 * A mapping that is longer than the engine's longest ArrayBuffer has several of that length, each starting half a
 * length after the one before:
 *
 *     mapping   |-----------------------------------------------|
 *     buffer 0  |---------------|
 *     buffer 1          |---------------|
 *     buffer 2                  |---------------|
 *
 * so that every range of up to half that length lies completely in one of them. A longer range that does not gets an ArrayBuffer
 * of its own. So do the bytes that are added when the mapping grows.
 */
import { setImmediate } from 'node:timers'
import { MAX_ARRAY_BUFFER, NO_EXTERNAL_BUFFERS } from '../base/constants.js'
import { memmapError } from '../base/errors.js'
import { type Entry, watch } from './registry.js'
import { call, native, type NativeMapping } from '../base/native.js'
import { outOfRange } from '../base/validate.js'

/** The location of some bytes of a mapping: an ArrayBuffer, and the offset in it. */
export interface BufferLocation {
  readonly buffer: ArrayBufferLike
  readonly byteOffset: number
}

// The alignment of the start of an ArrayBuffer: at multiples of it, elements of every typed array are aligned.
const ALIGNMENT = 8
const HALF = alignDown(MAX_ARRAY_BUFFER / 2)

// From an ArrayBuffer to the owner that must live as long as it does: a view that is still in use keeps its Mapping from being
// collected as a leak. Nothing reads this map.
const owners = new WeakMap<ArrayBufferLike, object>()

/** One ArrayBuffer over a mapping. */
class OneArrayBuffer {
  readonly start: number
  /** The end of the view that reaches furthest so far. */
  reach = 0
  #held: ArrayBufferLike | WeakRef<ArrayBufferLike>

  constructor(start: number, buffer: ArrayBufferLike) {
    this.start = start
    this.#held = buffer
  }

  /** The ArrayBuffer; undefined once it was weakened and the garbage collector has freed it. */
  get buffer(): ArrayBufferLike | undefined {
    return this.#held instanceof WeakRef ? this.#held.deref() : this.#held
  }

  /** Allows the garbage collector to free it once no view refers to it. */
  weaken(): this {
    if (!(this.#held instanceof WeakRef)) this.#held = new WeakRef(this.#held)
    return this
  }

  /** Returns the location of the bytes from `position` to `end`, if they lie in this ArrayBuffer. */
  find(position: number, end: number): BufferLocation | undefined {
    const { buffer, start } = this
    if (buffer === undefined || position < start || end > start + buffer.byteLength) return undefined
    if (end > this.reach) this.reach = end
    return { buffer, byteOffset: position - start }
  }
}

export class ArrayBuffers {
  readonly #native: NativeMapping
  readonly #owner: Entry
  readonly #shared: boolean
  readonly #elementOffset: number
  #span: number
  readonly #regular = new Map<number, OneArrayBuffer>()
  // One for each time that the mapping has grown, in the order of their starts.
  readonly #grown: OneArrayBuffer[] = []
  readonly #odd = new Map<number, OneArrayBuffer>()
  // Replaced by others at the same start; they still have to be detached at the end.
  #former: OneArrayBuffer[] = []

  constructor(owner: Entry, shared: boolean) {
    this.#native = owner.native
    this.#owner = owner
    this.#shared = shared
    this.#elementOffset = owner.native.elementOffset
    this.#span = this.#elementOffset + owner.native.length
  }

  /** Finds or makes an ArrayBuffer that holds a range of the mapping. */
  locate(offset: number, length: number): BufferLocation {
    // Not over mapped pages: it costs nothing, and an empty mapping can have views too.
    if (length === 0) return { buffer: this.#shared ? new SharedArrayBuffer(0) : new ArrayBuffer(0), byteOffset: 0 }

    const position = this.#elementOffset + offset
    const end = position + length
    // An iterator has read the length earlier; the mapping may have become shorter since.
    if (end > this.#span)
      throw outOfRange('offset', `<= ${this.#span - this.#elementOffset}, what is left of the mapping`, offset)
    const start = this.#span <= MAX_ARRAY_BUFFER ? 0 : Math.floor(position / HALF) * HALF
    const found =
      this.#findRegular(start, position, end) ??
      this.#findGrown(start, position, end) ??
      this.#findOdd(alignDown(position), position, end)
    if (found === undefined) throw tooLarge(offset, length)
    return found
  }

  /** Sets the length after the mapping became longer or shorter. */
  setLength(length: number): void {
    this.#span = this.#elementOffset + length
  }

  /**
   * Returns the end of the view that reaches furthest, in bytes of the mapping. From this call on, views that are not in use
   * any more stop counting once the garbage collector has found them.
   */
  measureReach(): number {
    const alive = this.#all().filter((one) => one.weaken().buffer !== undefined)
    return Math.max(this.#elementOffset, ...alive.map((one) => one.reach)) - this.#elementOffset
  }

  /** Empties views at once and for good: all of them, or those of ArrayBuffers with a view that reaches past `length`. */
  detach(length = -Infinity): void {
    for (const one of this.#all()) {
      if (one.reach <= this.#elementOffset + length) continue
      detach(one.buffer)
      this.#forget(one)
    }
  }

  #all(): OneArrayBuffer[] {
    return [...this.#regular.values(), ...this.#grown, ...this.#odd.values(), ...this.#former]
  }

  #forget(one: OneArrayBuffer): void {
    const { start } = one
    if (this.#regular.get(start) === one) this.#regular.delete(start)
    if (this.#odd.get(start) === one) this.#odd.delete(start)
    if (this.#grown.includes(one)) this.#grown.splice(this.#grown.indexOf(one), 1)
    this.#former = this.#former.filter((former) => former !== one)
  }

  #findRegular(start: number, position: number, end: number): BufferLocation | undefined {
    if (end > start + MAX_ARRAY_BUFFER) return undefined
    let one = this.#regular.get(start)
    if (one?.buffer === undefined) {
      one = this.#make(start)
      this.#regular.set(start, one)
    }
    return one.find(position, end)
  }

  // Growing in many small steps must not charge the engine for the whole mapping each time: added bytes get their own ArrayBuffer.
  #findGrown(start: number, position: number, end: number): BufferLocation | undefined {
    const before = findLast(this.#grown, position)
    const found = this.#grown[before]?.find(position, end)
    if (found !== undefined) return found
    const last = this.#grown.at(-1) ?? this.#regular.get(start)
    const covered = last?.buffer === undefined ? position : last.start + last.buffer.byteLength
    const from = alignDown(covered)
    if (position < from || end > from + MAX_ARRAY_BUFFER) return undefined
    const one = this.#make(from)
    this.#grown.push(one)
    return one.find(position, end)
  }

  // There is no end to the places where these may start, so they are held only as long as their views.
  #findOdd(start: number, position: number, end: number): BufferLocation | undefined {
    if (end > start + MAX_ARRAY_BUFFER) return undefined
    const known = this.#odd.get(start)
    const there = known?.find(position, end)
    if (there !== undefined) return there
    for (const [key, one] of this.#odd) if (one.buffer === undefined) this.#odd.delete(key)
    if (known?.buffer !== undefined) {
      this.#former = [...this.#former.filter((one) => one.buffer !== undefined), known]
    }
    const one = this.#make(start)
    const found = one.find(position, end)
    this.#odd.set(start, one.weaken())
    return found
  }

  #make(start: number): OneArrayBuffer {
    const byteLength = Math.min(MAX_ARRAY_BUFFER, this.#span - start)
    const buffer = this.#shared
      ? externalMemory(() => this.#native.sharedArrayBuffer(start, byteLength))
      : externalMemory(() => this.#native.arrayBuffer(start, byteLength))
    owners.set(buffer, this.#owner)
    watch(this.#owner)
    return new OneArrayBuffer(start, buffer)
  }
}

/** Returns the index of the last ArrayBuffer that starts at or before `position`, or -1. */
function findLast(buffers: readonly OneArrayBuffer[], position: number): number {
  let [low, high] = [0, buffers.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const start = buffers[middle]?.start ?? Number.POSITIVE_INFINITY
    if (start <= position) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** Throws if one ArrayBuffer cannot hold `length` bytes. */
export function checkFitsBuffer(length: number): void {
  if (length > MAX_ARRAY_BUFFER) throw tooLarge(0, length)
}

/** Makes an ArrayBuffer over mapped memory, unless that is switched off. */
export function externalMemory<T>(make: () => T): T {
  if (!NO_EXTERNAL_BUFFERS) return call(make)
  throw memmapError(
    'ERR_MEMMAP_UNSUPPORTED',
    'Views are switched off by the environment variable MEMMAP_NO_EXTERNAL_BUFFERS; read(), readInto(), write(), windows() and chunks() copy instead',
  )
}

// Saved at load time: later changes of the prototype must not change how memory is revoked.
const transfer = Reflect.get(ArrayBuffer.prototype, 'transfer') as
  ((this: ArrayBuffer, length: number) => ArrayBuffer) | undefined

/**
 * Detaches an ArrayBuffer. The engine may refuse: the ArrayBuffer is marked untransferable, or a job of the runtime uses it. Then
 * this tries once more a little later and gives up otherwise, since closing replaces the pages under it anyway.
 */
export function detach(buffer: ArrayBufferLike | undefined): void {
  if (!(buffer instanceof ArrayBuffer) || tryDetach(buffer)) return
  setImmediate(tryDetach, buffer).unref()
}

// The native detach ends the process on an untransferable ArrayBuffer, except on Node 20, which has no other way.
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
