/**
 * The ArrayBuffers over a mapping. Making an ArrayBuffer is expensive: the engine counts its whole length as memory of the
 * engine and may start a garbage collection. So a mapping has one ArrayBuffer, made with the first view, and every view is a
 * slice of it.
 *
 * A mapping that is longer than the longest ArrayBuffer of the engine has several of that maximum length. Each starts half a
 * maximum length after the previous one:
 *
 *     mapping   |-----------------------------------------------|
 *     buffer 0  |---------------|
 *     buffer 1          |---------------|
 *     buffer 2                  |---------------|
 *
 * So every range of up to half the maximum length lies completely in one of them. A longer range that lies in none of them gets
 * an ArrayBuffer of its own. So do the bytes that are added when the mapping grows.
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

// Maps an ArrayBuffer to the owner, which must live as long as the ArrayBuffer: a view in use keeps the garbage collector from
// closing its Mapping. Nothing reads this map.
const owners = new WeakMap<ArrayBufferLike, object>()

/** One ArrayBuffer over a mapping, and how far the views of it reach. */
class OneArrayBuffer {
  /** The position of its first byte, counted as by `ArrayBuffers`. */
  readonly start: number
  /** The position after the last byte of any view so far. */
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

  /** Allows the garbage collector to free the ArrayBuffer once no view refers to it. */
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

/**
 * All ArrayBuffers over one mapping. Positions count from the 8-byte boundary at or before the first byte of the mapping, where
 * the first ArrayBuffer starts; the element offset is the position of the first byte.
 */
export class ArrayBuffers {
  readonly #native: NativeMapping
  readonly #owner: Entry
  readonly #shared: boolean
  readonly #elementOffset: number
  #span: number
  readonly #regular = new Map<number, OneArrayBuffer>()
  // One for the bytes added by each growth of the mapping, sorted by their starts.
  readonly #grown: OneArrayBuffer[] = []
  // For ranges that lie in none of the others, by their starts.
  readonly #odd = new Map<number, OneArrayBuffer>()
  // ArrayBuffers that were replaced by longer ones at the same start. Closing must detach them too.
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
    // An empty ArrayBuffer does not need mapped pages. It is cheap, and it lets an empty mapping have views.
    if (length === 0) return { buffer: this.#shared ? new SharedArrayBuffer(0) : new ArrayBuffer(0), byteOffset: 0 }

    const position = this.#elementOffset + offset
    const end = position + length
    // The mapping may have become shorter since an iterator read its length.
    if (end > this.#span)
      throw outOfRange(
        'offset',
        `<= ${this.#span - this.#elementOffset - length}, so that ${length} bytes end within the mapping`,
        offset,
      )
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
   * Returns the offset in the mapping after the last byte of any view. From this call on, unused views stop counting once the
   * garbage collector has freed them.
   */
  measureReach(): number {
    const alive = this.#all().filter((one) => one.weaken().buffer !== undefined)
    return Math.max(this.#elementOffset, ...alive.map((one) => one.reach)) - this.#elementOffset
  }

  /** Empties views permanently: all of them, or those of each ArrayBuffer with a view that reaches past `length`. */
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

  // Added bytes get their own ArrayBuffer: otherwise each of many small growths would make the engine count the whole mapping
  // again.
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

  // These may start at any multiple of 8, so their number has no bound. Each is held only as long as its views.
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

/** Calls `make`, which makes an ArrayBuffer over mapped memory. Throws if such ArrayBuffers are disabled. */
export function externalMemory<T>(make: () => T): T {
  if (!NO_EXTERNAL_BUFFERS) return call(make)
  throw memmapError(
    'ERR_MEMMAP_UNSUPPORTED',
    'The environment variable MEMMAP_NO_EXTERNAL_BUFFERS disables views; use read(), readInto(), write(), windows() or chunks(), which copy',
  )
}

// Saved at load time, so that later changes of the prototype cannot change how views are emptied.
const transfer = Reflect.get(ArrayBuffer.prototype, 'transfer') as
  ((this: ArrayBuffer, length: number) => ArrayBuffer) | undefined

/**
 * Detaches an ArrayBuffer. The engine may refuse, because the ArrayBuffer is marked untransferable or a job of the runtime uses
 * it. Then this tries once more after the current turn of the event loop. A second refusal is harmless, since closing replaces
 * the pages of the ArrayBuffer anyway.
 */
export function detach(buffer: ArrayBufferLike | undefined): void {
  if (!(buffer instanceof ArrayBuffer) || tryDetach(buffer)) return
  setImmediate(tryDetach, buffer).unref()
}

// The native detach ends the process on an untransferable ArrayBuffer, so `transfer` is used where it exists. Node 20 lacks it,
// but its native detach does not end the process.
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
    `A view of ${length} bytes at offset ${offset} is too long: an ArrayBuffer of this runtime holds at most ${MAX_ARRAY_BUFFER} bytes; use windows(), chunks() or read()`,
  )
}

function alignDown(position: number): number {
  return Math.floor(position / ALIGNMENT) * ALIGNMENT
}
