/**
 * Views: Buffers, typed arrays and DataViews over mapped memory. A view copies no bytes: it is a slice of an ArrayBuffer.
 */
import { constants } from '../base/constants.js'
import { memmapError } from '../base/errors.js'
import type { MappingState } from '../state/mapping-state.js'
import type { BufferLocation } from '../state/array-buffers.js'
import {
  invalidArgType,
  outOfRange,
  parseBytes,
  parseOptionalBytes,
  parsePosition,
  resolveRange,
} from '../base/validate.js'

/** A typed array of any class. */
export type TypedArray = NodeJS.TypedArray

/** A typed array class, such as `Float64Array`, `BigInt64Array` or `Uint8ClampedArray`, or a subclass of one. */
export interface TypedArrayConstructor<T extends TypedArray = TypedArray> {
  readonly BYTES_PER_ELEMENT: number
  readonly prototype: T
  new (buffer: ArrayBuffer, byteOffset: number, length: number): TypedArray
}

export function bufferView(state: MappingState, offset: unknown, length: unknown): Buffer {
  // Validate arguments
  const range = parsePosition(offset, length)

  // Interpret arguments
  state.check()
  const bytes = resolveRange(range, state.length)

  // Validate interpreted arguments
  checkCount(bytes.length, 'bytes')
  return makeView(Buffer, state.arrayBuffers.locate(bytes.offset, bytes.length), bytes.length) as Buffer
}

export function arrayView<T extends TypedArray>(
  state: MappingState,
  Type: TypedArrayConstructor<T>,
  offset: unknown,
  length: unknown,
): T {
  // Validate arguments
  const width = parseType(Type)
  const from = parseOptionalBytes(offset, 'offset') ?? 0
  const wanted = parseOptionalBytes(length, 'length')

  // Interpret arguments
  state.check()
  const rest = resolveRange({ offset: from, length: undefined }, state.length).length
  const count = wanted ?? countElements(Type, width, from, rest)

  // Validate interpreted arguments
  if (count > Math.floor(rest / width)) {
    const bounds = `>= 0 && <= ${Math.floor(rest / width)}, the number of elements in the ${rest} bytes after offset ${from}`
    throw outOfRange('length', bounds, count)
  }
  checkCount(count, 'elements')
  checkAligned(Type, width, state.offset, from)
  return makeView(Type, state.arrayBuffers.locate(from, count * width), count) as T
}

export function dataView(state: MappingState, offset: unknown, length: unknown): DataView {
  // Validate arguments
  const range = parsePosition(offset, length)

  // Interpret arguments
  state.check()
  const bytes = resolveRange(range, state.length)

  const { buffer, byteOffset } = state.arrayBuffers.locate(bytes.offset, bytes.length)
  return new DataView(buffer, byteOffset, bytes.length)
}

/** Checks that a value is a typed array class. Returns the size of an element in bytes. */
export function parseType(Type: unknown): number {
  const width: unknown = typeof Type === 'function' ? Reflect.get(Type, 'BYTES_PER_ELEMENT') : undefined
  if (!makesTypedArrays(Type)) throw invalidArgType('Type', ['a constructor of typed arrays'], Type)
  return parseBytes(width, 'Type.BYTES_PER_ELEMENT', 1, 8)
}

/** Returns the number of elements in `bytes` bytes. Throws if that is not a whole number. */
export function countElements(Type: TypedArrayConstructor, width: number, offset: number, bytes: number): number {
  if (bytes % width === 0) return bytes / width
  const multiple = `a multiple of ${width}, the size of an element of a ${nameOfType(Type)}`
  throw outOfRange(`the number of bytes after offset ${offset}`, multiple, bytes)
}

/** Throws if a view would have more elements than engines handle correctly and fast. */
export function checkCount(count: number, unit: string): void {
  if (count <= constants.MAX_VIEW_LENGTH) return
  throw memmapError(
    'ERR_MEMMAP_VIEW_TOO_LARGE',
    `A Buffer or typed array of ${count} ${unit} is too long: the limit is ${constants.MAX_VIEW_LENGTH}, beyond which engines are wrong or slow; use windows() or chunks()`,
  )
}

/** Throws if the elements of a view would not be aligned. */
export function checkAligned(Type: TypedArrayConstructor, width: number, base: number, offset: number): void {
  if ((base + offset) % width === 0) return
  throw memmapError(
    'ERR_MEMMAP_MISALIGNED',
    `A ${nameOfType(Type)} cannot begin at offset ${offset} of a mapping that begins at byte ${base} of its file: their sum must be a multiple of ${width}; use dataView(), or copy with readInto()`,
    { offset },
  )
}

/** Makes a view over a location. A Buffer needs `Buffer.from`, since its constructor is deprecated. */
export function makeView(
  Type: TypedArrayConstructor | typeof Buffer,
  { buffer, byteOffset }: BufferLocation,
  length: number,
): TypedArray {
  if (Type === Buffer) return Buffer.from(buffer as ArrayBuffer, byteOffset, length)
  return new (Type as TypedArrayConstructor)(buffer as ArrayBuffer, byteOffset, length)
}

// Compared by name, since each realm has its own typed array classes. Test runners use realms (vm contexts).
function makesTypedArrays(value: unknown): boolean {
  for (let type: unknown = value; typeof type === 'function'; type = Object.getPrototypeOf(type)) {
    if (type.name === 'TypedArray') return type !== value
  }
  return false
}

function nameOfType(Type: TypedArrayConstructor): string {
  return (Type as { name?: string }).name || 'typed array'
}
