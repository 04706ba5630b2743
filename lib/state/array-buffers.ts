/**
 * The ArrayBuffers over a Region. Making one is dear (the engine counts its whole length as its own memory and may collect
 * garbage for it), so there is one per Region, made when the first view is asked for, and every view is a slice of it.
 *
 * Where the Region is longer than the engine's longest ArrayBuffer there are several of that length, each starting half a
 * length after the one before:
 *
 *     Region    |-----------------------------------------------|
 *     buffer 0 |---------------|
 *     buffer 1         |---------------|
 *     buffer 2                 |---------------|
 *
 * so that whatever is up to half a length long lies whole in one of them. Something longer, where it doesn't, gets one
 * of its own. So does what comes when the Region grows.
 */
import { setImmediate } from 'node:timers'
import { MAX_ARRAY_BUFFER, NO_EXTERNAL_BUFFERS } from '../base/constants.js'
import { memmapError } from '../base/errors.js'
import { type Entry, watch } from './registry.js'
import { call, native, type NativeMapping } from '../base/native.js'
import { outOfRange } from '../base/validate.js'

/** Where some bytes of a Region are: in which ArrayBuffer, and where in it. */
export interface BufferLocation {
  readonly buffer: ArrayBufferLike
  readonly byteOffset: number
}

// Addresses at which an ArrayBuffer may start: those at which every kind of typed array is aligned.
const ALIGNMENT = 8
const HALF = alignDown(MAX_ARRAY_BUFFER / 2)

// From an ArrayBuffer to what must live as long as it does: a view that is still held keeps its Mapping from being collected
// as a leak. Nothing reads this.
const owners = new WeakMap<ArrayBufferLike, object>()

/** One ArrayBuffer of a Region. */
class OneArrayBuffer {
  readonly start: number
  /** No view handed out so far reaches further. */
  reach = 0
  #held: ArrayBufferLike | WeakRef<ArrayBufferLike>

  constructor(start: number, buffer: ArrayBufferLike) {
    this.start = start
    this.#held = buffer
  }

  /** The ArrayBuffer; nothing if the collector was let at it and has freed it. */
  get buffer(): ArrayBufferLike | undefined {
    return this.#held instanceof WeakRef ? this.#held.deref() : this.#held
  }

  /** Lets the collector free it once no view holds it. */
  weaken(): this {
    if (!(this.#held instanceof WeakRef)) this.#held = new WeakRef(this.#held)
    return this
  }

  /** Where the bytes from `position` to `end` are in it, if they are. */
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
  readonly #lead: number
  #span: number
  readonly #regular = new Map<number, OneArrayBuffer>()
  // One for each time that the mapping has grown since, in the order of their starts.
  readonly #grown: OneArrayBuffer[] = []
  readonly #odd = new Map<number, OneArrayBuffer>()
  // Others have taken their places; they are still to be emptied at the end.
  #former: OneArrayBuffer[] = []

  constructor(owner: Entry, shared: boolean) {
    this.#native = owner.native
    this.#owner = owner
    this.#shared = shared
    this.#lead = owner.native.lead
    this.#span = this.#lead + owner.native.length
  }

  /** Finds, or makes, an ArrayBuffer that holds these bytes of the mapping. */
  locate(offset: number, length: number): BufferLocation {
    // Not over the pages, so that it costs nothing and an empty mapping can have views too.
    if (length === 0) return { buffer: this.#shared ? new SharedArrayBuffer(0) : new ArrayBuffer(0), byteOffset: 0 }

    const position = this.#lead + offset
    const end = position + length
    // Who walks over a mapping has looked at its length before, which may be another by now.
    if (end > this.#span)
      throw outOfRange('offset', `<= ${this.#span - this.#lead}, what is left of the mapping`, offset)
    const start = this.#span <= MAX_ARRAY_BUFFER ? 0 : Math.floor(position / HALF) * HALF
    const found =
      this.#findRegular(start, position, end) ??
      this.#findGrown(start, position, end) ??
      this.#findOdd(alignDown(position), position, end)
    if (found === undefined) throw tooLarge(offset, length)
    return found
  }

  /** Notes that the mapping became longer or shorter. */
  setLength(length: number): void {
    this.#span = this.#lead + length
  }

  /**
   * How far the views reach, in bytes of the mapping. From now on those that nobody holds any more don't count once the
   * collector has found them.
   */
  measureReach(): number {
    const alive = this.#all().filter((one) => one.weaken().buffer !== undefined)
    return Math.max(this.#lead, ...alive.map((one) => one.reach)) - this.#lead
  }

  /** Makes views empty, at once and for ever: all, or those of the ArrayBuffers with a view that reaches behind `length`. */
  detach(length = -Infinity): void {
    for (const one of this.#all()) {
      if (one.reach <= this.#lead + length) continue
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

  // Growing in many small steps must not charge the engine for the whole each time: what is added gets its own ArrayBuffer.
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

/** The index of the last one that starts at or before `position`, or -1. */
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

/** Checks that one ArrayBuffer can hold so many bytes. */
export function checkFitsBuffer(length: number): void {
  if (length > MAX_ARRAY_BUFFER) throw tooLarge(0, length)
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
