/** Steps that use views, with functions of JavaScript and of the system. */
import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs'
import type { Mapping, TypedArray, TypedArrayConstructor } from '../../index.js'
import { arrayTypes } from './arrays.js'
import { bytesUnder, type Held, type Operation, refusal, same, throwsCode, twin, type World } from './model-world.js'

const AT_MOST_HELD = 6

export const viewOperations: Operation[] = [
  { name: 'take a view', weight: 6, run: takeView },
  { name: 'load by a view', weight: 8, run: loadByView },
  { name: 'store by a view', weight: 8, run: storeByView },
  { name: 'write a view to a file', weight: 1, run: systemLoads },
  { name: 'read a file into a view', weight: 1, run: systemStores },
]

function takeView(world: World): void {
  const subject = world.open()
  if (subject === undefined) return
  const { random } = world
  const { memory, mapping, views, name } = subject
  const { offset, length } = random.chance(0.3) ? { offset: 0, length: memory.length } : world.range(memory.length)
  const kind = random.pick(['buffer', 'buffer', 'array', 'dataView'] as const)
  const Type = random.pick(arrayTypes)
  world.note(`${name} ${kind}${kind === 'array' ? ` of ${Type.name}` : ''}, ${length} bytes at ${offset}`)

  const refused = refusal(subject)
  const make = () => makeView(mapping, kind, Type, offset, length)
  if (refused !== undefined) return throwsCode(make, refused)
  const width = Type.BYTES_PER_ELEMENT
  if (kind === 'array' && (memory.offset + offset) % width !== 0) return throwsCode(make, 'ERR_MEMMAP_MISALIGNED')

  const view = make()
  const bytes = kind === 'array' ? length - (length % width) : length
  assert.equal(view.byteLength, bytes)
  if (views.length >= AT_MOST_HELD) views.splice(random.between(0, views.length - 1), 1)
  views.push({ view, offset, length: bytes })
}

function makeView(mapping: Mapping, kind: string, Type: TypedArrayConstructor, offset: number, length: number) {
  if (kind === 'buffer') return mapping.buffer(offset, length)
  if (kind === 'dataView') return mapping.dataView(offset, length)
  return mapping.array(Type, offset, Math.floor(length / Type.BYTES_PER_ELEMENT))
}

/** A range of a view, in bytes that are whole elements. */
function part(world: World, { view, length }: Held): { from: number; to: number } {
  const { offset, length: size } = world.range(length)
  const width = view instanceof DataView ? 1 : view.BYTES_PER_ELEMENT
  return { from: offset - (offset % width), to: offset + size - ((offset + size) % width) }
}

function loadByView(world: World): void {
  const found = world.held()
  if (found === undefined) return
  const { subject, held } = found
  const { from, to } = part(world, held)
  world.note(`${subject.name} bytes ${from} to ${to} of the view at ${held.offset}`)
  const expected = subject.memory.read(held.offset + from, to - from)
  same(loaded(world, held, from, to, expected), expected, `a view of ${subject.name}`)
}

// In one of the ways to read bytes.
function loaded(world: World, held: Held, from: number, to: number, expected: Buffer): Buffer {
  const { view } = held
  const bytes = bytesUnder(held)
  const way = world.random.between(0, 5)
  if (view instanceof DataView) {
    return Buffer.from(Array.from({ length: to - from }, (_, index) => view.getUint8(from + index)))
  }
  if (way === 0) return Buffer.from(bytes.toString('latin1', from, to), 'latin1')
  if (way === 1) return Buffer.from(bytes.subarray(from, to))
  if (way === 2) return Buffer.from(Array.from(bytes.subarray(from, to)))
  if (way === 3) {
    const value = world.random.between(0, 255)
    assert.equal(bytes.subarray(from, to).indexOf(value), expected.indexOf(value))
    return Buffer.from(bytes.subarray(from, to).toString('hex'), 'hex')
  }
  if (way === 4) {
    const target = Buffer.alloc(to - from)
    if (to > from) assert.equal(bytes.copy(target, 0, from, to), to - from)
    return target
  }
  const width = view.BYTES_PER_ELEMENT
  const elements = view.slice(from / width, to / width)
  return Buffer.from(elements.buffer, elements.byteOffset, elements.byteLength)
}

/** An operation on a view, and on an ordinary view beside it. */
interface Change {
  readonly what: string
  /** The range that is read, in bytes of the view. */
  readonly reads?: { readonly from: number; readonly to: number }
  readonly writes: { readonly from: number; readonly to: number }
  apply(view: TypedArray | DataView): unknown
}

function storeByView(world: World): void {
  const found = world.held()
  if (found === undefined || found.held.length === 0) return
  const { subject, held } = found
  const { memory, name } = subject
  const change = randomChange(world, held)
  const { reads, writes, what } = change
  if (!memory.canStore(held.offset + writes.from, writes.to - writes.from)) return
  world.note(`${name} ${what} into bytes ${writes.from} to ${writes.to} of the view at ${held.offset}`)

  // The ordinary view has zeros outside the range that is read.
  const plain = Buffer.alloc(held.length)
  if (reads !== undefined) memory.read(held.offset + reads.from, reads.to - reads.from).copy(plain, reads.from)
  const model = twin(held, plain)
  change.apply(model)
  const stored = Buffer.from(model.buffer as ArrayBuffer, writes.from, writes.to - writes.from)
  memory.store(held.offset + writes.from, stored)
  change.apply(held.view)
  same(bytesUnder(held).subarray(writes.from, writes.to), stored, `what was stored by a view of ${name}`)
}

function randomChange(world: World, held: Held): Change {
  if (held.view instanceof DataView) return dataViewChange(world, held.length)
  const { random } = world
  const { from, to } = part(world, held)
  const width = held.view.BYTES_PER_ELEMENT
  const [first, end] = [from / width, to / width]
  const writes = { from, to }
  const way = random.between(0, Buffer.isBuffer(held.view) ? 5 : 3)
  if (way === 0) {
    const value = random.between(-128, 127)
    const at = random.between(0, held.view.length - 1)
    const big = isBig(held.view)
    return {
      what: 'an element',
      writes: { from: at * width, to: (at + 1) * width },
      apply: (view) => Reflect.set(view, at, big ? BigInt(value) : value),
    }
  }
  if (way === 1) {
    const value = isBig(held.view) ? 7n : random.between(0, 127)
    return { what: 'fill()', writes, apply: (view) => (view as Uint8Array).fill(value as number, first, end) }
  }
  if (way === 2) {
    const bytes = random.bytes(to - from)
    const source = twin({ ...held, view: held.view.subarray(0, end - first) as TypedArray }, bytes) as Uint8Array
    return { what: 'set()', writes, apply: (view) => (view as Uint8Array).set(source, first) }
  }
  if (way === 3) {
    const count = end - first
    const last = held.view.length - count
    // Not onto itself: it is undefined whether bytes are stored where they already are.
    const target = random.pick([0, last, random.between(0, last)].filter((index) => index !== first).concat(-1))
    if (target === -1) return { what: 'nothing', writes: { from: 0, to: 0 }, apply: () => undefined }
    return {
      what: `copyWithin() from ${from}`,
      reads: { from, to },
      writes: { from: target * width, to: (target + count) * width },
      apply: (view) => (view as Uint8Array).copyWithin(target, first, end),
    }
  }
  if (way === 4) {
    const text = random.bytes(to - from).toString('latin1')
    return { what: 'a string', writes, apply: (view) => (view as Buffer).write(text, from, to - from, 'latin1') }
  }
  const size = Math.min(4, held.length)
  const at = random.position(0, held.length - size, 4096)
  const value = random.between(0, 2 ** (8 * size) - 1)
  return {
    what: 'a number',
    writes: { from: at, to: at + size },
    apply: (view) => (view as Buffer).writeUIntBE(value, at, size),
  }
}

function dataViewChange(world: World, length: number): Change {
  const { random } = world
  const size = random.pick([1, 2, 4, 8].filter((bytes) => bytes <= length))
  const at = random.position(0, length - size, 4096)
  const little = random.chance(0.5)
  const value = random.between(-128, 127)
  const setters: Record<number, (view: DataView) => void> = {
    1: (view) => view.setInt8(at, value),
    2: (view) => view.setInt16(at, value, little),
    4: (view) => view.setFloat32(at, value, little),
    8: (view) => view.setBigInt64(at, BigInt(value), little),
  }
  return {
    what: `a number of ${size} bytes`,
    writes: { from: at, to: at + size },
    apply: (view) => setters[size]!(view as DataView),
  }
}

function isBig(view: TypedArray): boolean {
  return view instanceof BigInt64Array || view instanceof BigUint64Array
}

// The system reads the pages itself. At a lost page it stops, with an error or with the bytes so far, and no fault occurs.
function systemLoads(world: World): void {
  const found = world.held()
  if (found === undefined) return
  const { subject, held } = found
  const { from, to } = part(world, held)
  if (from === to) return
  world.note(`${subject.name} bytes ${from} to ${to} of the view at ${held.offset}`)
  const there = subject.memory.deliverable(held.offset + from, to - from)
  const fd = openSync(world.scratch, 'w+')
  try {
    const write = () => writeSync(fd, bytesUnder(held), from, to - from, 0)
    if (there === 0) return throwsCode(write, 'EFAULT')
    const count = write()
    assert.ok(there === to - from ? count === there : count <= there)
    same(readFileSync(world.scratch), subject.memory.read(held.offset + from, count), 'what was written')
  } finally {
    closeSync(fd)
  }
}

function systemStores(world: World): void {
  const found = world.held()
  if (found === undefined) return
  const { subject, held } = found
  const { memory, name } = subject
  const { from, to } = part(world, held)
  const at = held.offset + from
  const length = to - from
  if (length === 0 || !memory.canStore(at, length) || memory.hasReadonly(at, length)) return
  if (memory.deliverable(at, length) < length) return
  world.note(`${name} bytes ${from} to ${to} of the view at ${held.offset}`)
  const bytes = world.random.bytes(length)
  writeFileSync(world.scratch, bytes)
  const fd = openSync(world.scratch, 'r')
  try {
    assert.equal(readSync(fd, bytesUnder(held), from, length, 0), length)
  } finally {
    closeSync(fd)
  }
  memory.store(at, bytes)
}
