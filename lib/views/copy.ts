/**
 * Copies into, out of and within mapped memory. The native half copies, so a page that cannot be delivered causes an error,
 * where a view would read zeros.
 */
import { isAnyArrayBuffer, isUint8Array } from 'node:util/types'
import { checkCount } from './views.js'
import type { MappingState } from '../state/mapping-state.js'
import {
  invalidArgType,
  invalidArgValue,
  outOfRange,
  parseBytes,
  parseOptionalBytes,
  parseRange,
  type Range,
  resolveRange,
} from '../base/validate.js'

/** Memory that bytes can be copied into. */
export type Target = NodeJS.ArrayBufferView | ArrayBufferLike

/** Bytes to copy; a string stands for its UTF-8 bytes. */
export type Data = string | Target

export function read(state: MappingState, range: Range | undefined): Buffer {
  const parsed = parseRange(range)
  state.check()
  const { offset, length } = resolveRange(parsed, state.length)
  checkCount(length, 'bytes')
  return readCopy(state, offset, length)
}

/** Copies a range into a new Buffer. The Buffer has its own ArrayBuffer, not a part of Node's shared pool. */
export function readCopy(state: MappingState, offset: number, length: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(length)
  if (length > 0) state.run((native) => native.readInto(offset, copy))
  return copy
}

export function readInto(state: MappingState, target: Target, offset: unknown): number {
  const bytes = parseMemory(target, 'target', ['ArrayBuffer', 'Buffer', 'TypedArray', 'DataView'])
  const from = parseOptionalBytes(offset, 'offset') ?? 0
  state.check()
  checkFits('target', bytes.length, from, state.length)
  if (bytes.length > 0) state.run((native) => native.readInto(from, bytes))
  return bytes.length
}

export function write(state: MappingState, data: Data, offset: unknown): number {
  const bytes = parseBytesToWrite(data, 'data')
  const to = parseOptionalBytes(offset, 'offset') ?? 0
  state.checkWritable()
  checkFits('data', bytes.length, to, state.length)
  if (bytes.length > 0) state.run((native) => native.write(to, bytes))
  return bytes.length
}

export function fill(state: MappingState, value: number | string | Uint8Array, range: Range | undefined): void {
  const pattern = parsePattern(value)
  const parsed = parseRange(range)
  state.checkWritable()
  const { offset, length } = resolveRange(parsed, state.length)
  if (length > 0) state.run((native) => native.fill(offset, length, pattern))
}

export function copyWithin(state: MappingState, target: unknown, start: unknown, end: unknown): void {
  const to = parseBytes(target, 'target')
  const from = parseBytes(start, 'start')
  const until = parseOptionalBytes(end, 'end')
  state.checkWritable()
  const total = state.length
  const stop = until ?? total
  if (stop > total) throw outOfRange('end', `>= 0 && <= ${total}, the length of the mapping`, stop)
  if (from > stop) throw outOfRange('start', `>= 0 && <= ${stop}, the end of the copied range`, from)
  checkFits('the copied range', stop - from, to, total, 'target')
  if (stop > from) state.run((native) => native.copyWithin(to, from, stop - from))
}

// Checked before copying: if not all bytes fit, none is copied.
function checkFits(what: string, size: number, offset: number, total: number, name = 'offset'): void {
  if (size > total) throw outOfRange(`the length of ${what}`, `<= ${total}, the length of the mapping`, size)
  if (offset <= total - size) return
  const bounds = `>= 0 && <= ${total - size}, so that ${size} bytes end within the ${total} bytes of the mapping`
  throw outOfRange(name, bounds, offset)
}

/** Returns the bytes of data. `also` lists further accepted types for the error message. */
export function parseBytesToWrite(data: Data, name: string, also: readonly string[] = []): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data)
  return parseMemory(data, name, ['string', ...also, 'ArrayBuffer', 'Buffer', 'TypedArray', 'DataView'])
}

/** Returns a plain Uint8Array over any memory, whose length can be trusted: a subclass may report a wrong length. */
export function parseMemory(memory: unknown, name: string, expected: readonly string[]): Uint8Array {
  const isView = ArrayBuffer.isView(memory)
  if (!isView && !isAnyArrayBuffer(memory)) throw invalidArgType(name, expected, memory)
  try {
    return isView ? new Uint8Array(memory.buffer, memory.byteOffset, memory.byteLength) : new Uint8Array(memory)
  } catch {
    throw invalidArgValue(name, isView ? memory.buffer : memory, 'must not be detached')
  }
}

// The pattern may lie in the range that is filled: the native half copies it first.
function parsePattern(value: unknown): Uint8Array {
  if (typeof value === 'number') return Uint8Array.of(parseBytes(value, 'value', 0, 255))
  if (typeof value !== 'string' && !isUint8Array(value)) {
    throw invalidArgType('value', ['number', 'string', 'Buffer', 'Uint8Array'], value)
  }
  const pattern = parseBytesToWrite(value, 'value')
  if (pattern.length === 0) throw invalidArgValue('value', value, 'must not be empty')
  return pattern
}
