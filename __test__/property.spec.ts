import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import {
  type Mapping,
  mapArray,
  mapBuffer,
  MemmapError,
  mmapAnonymous,
  mmapSync,
  type Range,
  type TypedArray,
  type TypedArrayConstructor,
} from '../index.js'
import { tempFile } from './helpers/temp.js'

// What fast-check finds it makes small, and prints with the seed that finds it again.

const LENGTH = 3 * 4096 + 100

/** A part of `total` bytes, as numbers or bigints. */
const rangeOf = (total: number) =>
  fc
    .tuple(fc.nat(total), fc.nat(total), fc.boolean())
    .map(([a, b, big]): { start: number; end: number; range: Range } => {
      const [start, end] = [Math.min(a, b), Math.max(a, b)]
      const offset = big ? BigInt(start) : start
      return { start, end, range: { offset, length: big ? BigInt(end - start) : end - start } }
    })

/** The same bytes twice: mapped, and in a plain Buffer. */
function twins(t: ExecutionContext, length = LENGTH): { mapping: Mapping; plain: Buffer } {
  const plain = Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 255))
  const mapping = mmapAnonymous(length)
  mapping.write(plain)
  t.teardown(() => mapping.close())
  return { mapping, plain }
}

function holds(t: ExecutionContext, property: fc.IRawProperty<unknown>, numRuns = 300): void {
  t.notThrows(() => fc.assert(property as fc.IProperty<unknown>, { numRuns }))
}

// Iteration.

interface Part {
  readonly offset: number
  readonly length: number
}

/** Each part but the last has its full size, each begins where it should, and the last is the first to reach the end. */
function covers(parts: readonly Part[], start: number, end: number, size: number, stride: number): boolean {
  const count = start === end ? 0 : Math.max(1, Math.ceil((end - start - size) / stride) + 1)
  return (
    parts.length === count &&
    parts.every(({ offset, length }, index) => {
      const expected = start + index * stride
      return offset === expected && length === Math.min(size, end - expected) && offset + length <= end
    }) &&
    (count === 0 || parts.at(-1)!.offset + parts.at(-1)!.length === end)
  )
}

test('windows() cover any range exactly, by any size and overlap down to one byte', (t) => {
  const { mapping, plain } = twins(t, 600)
  const sizes = fc.integer({ min: 1, max: 700 }).chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1)))
  const property = fc.property(rangeOf(600), sizes, ({ start, end, range }, [size, overlap]) => {
    const parts = [...mapping.windows({ ...range, size, overlap })]
    const right = parts.every(({ offset, length, view }) => view.equals(plain.subarray(offset, offset + length)))
    return right && covers(parts, start, end, size, size - overlap)
  })
  holds(t, property)
})

test('windows() cover ranges far beyond 4 GiB exactly', (t) => {
  const total = 2 ** 34 + 12_345
  const memory = mmapAnonymous(total, { noReserve: true })
  t.teardown(() => memory.close())
  const sizes = fc
    .integer({ min: 2 ** 28, max: 2 ** 31 - 1 })
    .chain((size) => fc.tuple(fc.constant(size), fc.nat(Math.floor(size / 2))))
  const ranges = fc.tuple(fc.maxSafeNat(), fc.maxSafeNat()).map(([a, b]) => [a % (total + 1), b % (total + 1)] as const)
  const property = fc.property(ranges, sizes, ([a, b], [size, overlap]) => {
    const [start, end] = [Math.min(a, b), Math.max(a, b)]
    const parts = [...memory.windows({ offset: start, length: end - start, size, overlap })]
    return parts.every(({ length, view }) => view.length === length) && covers(parts, start, end, size, size - overlap)
  })
  holds(t, property, 15)
})

test('chunks() put together are the range', (t) => {
  const { mapping, plain } = twins(t, 600)
  const property = fc.property(rangeOf(600), fc.integer({ min: 1, max: 700 }), ({ start, end, range }, size) => {
    const chunks = [...mapping.chunks({ ...range, size })]
    const short = chunks.slice(0, -1).some(({ length }) => length !== size)
    return (
      !short &&
      chunks.length === Math.ceil((end - start) / size) &&
      Buffer.concat(chunks).equals(plain.subarray(start, end))
    )
  })
  holds(t, property)
})

// Views and copies.

const TYPES: TypedArrayConstructor[] = [
  Int8Array,
  Uint8ClampedArray,
  Uint16Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
]

test('a slice of a mapping is that slice of a Buffer', (t) => {
  const { mapping, plain } = twins(t)
  const property = fc.property(rangeOf(LENGTH), ({ start, end, range }) => {
    const expected = plain.subarray(start, end)
    const data = mapping.dataView(range.offset, range.length)
    return (
      mapping.buffer(range.offset, range.length).equals(expected) &&
      mapping.buffer().subarray(start, end).equals(expected) &&
      mapping.read(range).equals(expected) &&
      Buffer.from(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength).equals(expected)
    )
  })
  holds(t, property)
})

test('a typed array of a mapping has the elements of one over a copy', (t) => {
  const { mapping, plain } = twins(t)
  const copy = Uint8Array.from(plain).buffer
  const property = fc.property(fc.constantFrom(...TYPES), rangeOf(Math.floor(LENGTH / 8)), (Type, { start, end }) => {
    const width = Type.BYTES_PER_ELEMENT
    const made = mapping.array(Type, start * width, end - start)
    t.deepEqual(made, new Type(copy, start * width, end - start))
    return made.length === end - start
  })
  holds(t, property, 100)
})

test('what mapBuffer() and mapArray() give is what reading the file gives', (t) => {
  const file = tempFile(t, LENGTH)
  const plain = readFileSync(file)
  const property = fc.property(rangeOf(Math.floor(LENGTH / 8)), ({ start, end }) => {
    const bytes = mapBuffer(file, { offset: start, length: end - start })
    const numbers: TypedArray = mapArray(BigInt64Array, file, { offset: start * 8, length: (end - start) * 8 })
    const whole = Buffer.from(numbers.buffer as ArrayBuffer, numbers.byteOffset, numbers.byteLength)
    return bytes.equals(plain.subarray(start, end)) && whole.equals(plain.subarray(start * 8, end * 8))
  })
  holds(t, property, 100)
})

const patterns = fc.oneof(
  fc.nat(255),
  fc.uint8Array({ minLength: 1, maxLength: 5000 }),
  fc.string({ minLength: 1, unit: 'binary' }),
  fc.string({ minLength: 1, unit: 'grapheme' }),
)

test('fill() does what a Buffer does', (t) => {
  const { mapping, plain } = twins(t)
  const property = fc.property(patterns, rangeOf(LENGTH), (pattern, { start, end, range }) => {
    mapping.fill(pattern, range)
    plain.fill(pattern, start, end)
    return mapping.read().equals(plain)
  })
  holds(t, property)
})

test('copyWithin() does what a Buffer does', (t) => {
  const { mapping, plain } = twins(t)
  const property = fc.property(rangeOf(LENGTH), fc.nat(LENGTH), ({ start, end }, anywhere) => {
    const target = Math.min(anywhere, LENGTH - (end - start))
    mapping.copyWithin(target, start, end)
    plain.copyWithin(target, start, end)
    return mapping.read().equals(plain)
  })
  holds(t, property)
})

test('write() and readInto() move the bytes that a Buffer would', (t) => {
  const { mapping, plain } = twins(t)
  const data = fc.oneof(fc.uint8Array({ maxLength: 5000 }), fc.string({ unit: 'binary' }))
  const property = fc.property(data, fc.nat(LENGTH), fc.nat(LENGTH), (bytes, anywhere, from) => {
    const expected = Buffer.from(bytes as Uint8Array)
    const to = Math.min(anywhere, LENGTH - expected.length)
    expected.copy(plain, to)
    const target = Buffer.alloc(LENGTH - from)
    return (
      mapping.write(bytes, BigInt(to)) === expected.length &&
      mapping.readInto(target, from) === target.length &&
      target.equals(plain.subarray(from)) &&
      mapping.read().equals(plain)
    )
  })
  holds(t, property)
})

// Whatever is given as an argument.

const objection = new Error('this object does not want to be looked at')
const objecting = new Proxy(
  {},
  {
    get: () => {
      throw objection
    },
  },
)

const hostile = fc.constantFrom<unknown>(
  new Proxy({}, {}),
  objecting,
  Object.create(null),
  Object.defineProperty({}, 'constructor', { value: { name: 5 } }),
  { valueOf: () => 1, toString: () => '1', [Symbol.toPrimitive]: () => 1 },
  Symbol('offset'),
  function offset() {},
  Uint8Array,
  new Date(Number.NaN),
  new Uint8Array(1),
)

const numbers = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt(),
  fc.constantFrom<number | bigint>(
    -0,
    -1,
    1.5,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    2 ** 63,
    2n ** 53n,
    2n ** 64n,
    -1n,
    LENGTH,
    LENGTH + 1,
  ),
)

const anything = fc.oneof(
  { weight: 3, arbitrary: numbers },
  {
    weight: 2,
    arbitrary: fc.anything({ withBigInt: true, withNullPrototype: true, withTypedArray: true, withDate: true }),
  },
  { weight: 1, arbitrary: hostile },
)

const OURS = ['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE', 'ERR_OUT_OF_RANGE']
const VIEWS = [...OURS, 'ERR_MEMMAP_MISALIGNED', 'ERR_MEMMAP_VIEW_TOO_LARGE']

/** Runs it; false if it threw as it should, and an error if it threw anything else. */
function succeeds(action: () => unknown, codes: readonly string[]): boolean {
  try {
    action()
    return true
  } catch (error) {
    if (error === objection) return false
    const code = (error as { code?: string }).code ?? ''
    const ours = error instanceof TypeError || error instanceof RangeError || error instanceof MemmapError
    if (ours && codes.includes(code)) return false
    throw error
  }
}

function isBytes(value: unknown, most: number): boolean {
  if (value === undefined) return true
  if (typeof value === 'bigint') return value >= 0n && value <= BigInt(most)
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most
}

// One argument of each method, the others being right. `most`: the largest number that may pass.
const places: [string, number, (mapping: Mapping, value: never) => unknown][] = [
  ['buffer(offset)', LENGTH, (mapping, value) => mapping.buffer(value)],
  ['buffer(0, length)', LENGTH, (mapping, value) => mapping.buffer(0, value)],
  ['array(Type, offset)', LENGTH, (mapping, value) => mapping.array(Int8Array, value)],
  ['array(Type, 0, length)', LENGTH / 4, (mapping, value) => mapping.array(Float32Array, 0, value)],
  ['dataView(offset)', LENGTH, (mapping, value) => mapping.dataView(value)],
  ['dataView(0, length)', LENGTH, (mapping, value) => mapping.dataView(0, value)],
  ['read({ offset })', LENGTH, (mapping, value) => mapping.read({ offset: value })],
  ['read({ length })', LENGTH, (mapping, value) => mapping.read({ length: value })],
  ['readInto(target, offset)', LENGTH - 1, (mapping, value) => mapping.readInto(Buffer.alloc(1), value)],
  ['write(data, offset)', LENGTH - 1, (mapping, value) => mapping.write('x', value)],
  ['fill(1, { offset })', LENGTH, (mapping, value) => mapping.fill(1, { offset: value })],
  ['copyWithin(target, 0, 1)', LENGTH - 1, (mapping, value) => mapping.copyWithin(value, 0, 1)],
  ['copyWithin(0, start)', LENGTH, (mapping, value) => mapping.copyWithin(0, value)],
  ['copyWithin(0, 0, end)', LENGTH, (mapping, value) => mapping.copyWithin(0, 0, value)],
  ['windows({ size })', 2 ** 31 - 1, (mapping, value) => mapping.windows({ size: value })],
  ['windows({ overlap })', 2 ** 26 - 1, (mapping, value) => mapping.windows({ overlap: value })],
  ['chunks({ size })', 2 ** 31 - 1, (mapping, value) => mapping.chunks({ size: value })],
  ['advise(advice, { offset })', LENGTH, (mapping, value) => mapping.advise('normal', { offset: value })],
  ['discard(how, { length })', LENGTH, (mapping, value) => mapping.discard('dontneed', { length: value })],
  ['flushSync({ offset })', LENGTH, (mapping, value) => mapping.flushSync({ offset: value })],
]

for (const [name, most, use] of places) {
  test(`${name} lets no bad number through`, (t) => {
    const { mapping } = twins(t)
    const property = fc.property(anything, (value) => {
      return !succeeds(() => use(mapping, value as never), VIEWS) || isBytes(value, most)
    })
    holds(t, property)
  })
}

// Whole arguments.

const words: [string, (mapping: Mapping, value: never) => unknown][] = [
  ['read()', (mapping, value) => mapping.read(value)],
  ['readInto()', (mapping, value) => mapping.readInto(value)],
  ['write()', (mapping, value) => mapping.write(value)],
  ['fill()', (mapping, value) => mapping.fill(value)],
  ['array()', (mapping, value) => mapping.array(value)],
  ['windows()', (mapping, value) => mapping.windows(value)],
  ['chunks()', (mapping, value) => mapping.chunks(value)],
  ['advise()', (mapping, value) => mapping.advise(value)],
  ['discard()', (mapping, value) => mapping.discard(value)],
  ['protect()', (mapping, value) => mapping.protect(value)],
  ['flushSync()', (mapping, value) => mapping.flushSync(value)],
]

for (const [name, use] of words) {
  test(`${name} answers whatever it is given, by an error of its own or by doing it`, (t) => {
    const { mapping } = twins(t)
    holds(
      t,
      fc.property(anything, (value) => (succeeds(() => use(mapping, value as never), VIEWS), true)),
    )
  })
}

test('mmapSync() answers whatever options it is given', (t) => {
  const file = tempFile(t, LENGTH)
  const size = fc.oneof(fc.nat(2 ** 20), fc.double({ max: 2 ** 20 }), fc.bigInt({ max: 2n ** 20n }), hostile)
  const switches = fc.oneof(fc.boolean(), anything)
  const options = fc.oneof(
    anything,
    fc.record(
      {
        mode: fc.oneof(fc.constantFrom('r', 'r+', 'c', 'w+', 'wx+'), anything),
        offset: anything,
        length: anything,
        size,
        advice: fc.oneof(fc.constantFrom('random', 'willneed'), anything),
        populate: switches,
        noReserve: switches,
        hugePages: switches,
        shared: switches,
        strict: switches,
        onFault: fc.oneof(fc.constantFrom('zero', 'abort'), anything),
        label: fc.oneof(fc.string(), anything),
      },
      { requiredKeys: [] },
    ),
  )
  const codes = [...OURS, 'EEXIST', 'EINVAL', 'ERR_MEMMAP_UNSUPPORTED']
  holds(
    t,
    fc.property(options, (value) => (succeeds(() => mmapSync(file, value as never).closeSync(), codes), true)),
  )
})

test('mmapSync() answers whatever source it is given', (t) => {
  const codes = [...OURS, 'ENOENT', 'EACCES', 'ENAMETOOLONG', 'EBADF', 'ENODEV', 'ERR_MEMMAP_NOT_MAPPABLE']
  holds(
    t,
    fc.property(anything, (value) => (succeeds(() => mmapSync(value as never).closeSync(), codes), true)),
  )
})

test('mmapAnonymous() answers whatever length it is given', (t) => {
  const codes = [...OURS, 'ENOMEM', 'ERR_MEMMAP_ADDRESS_SPACE', 'ERR_MEMMAP_MAP_COUNT']
  const property = fc.property(anything, (value) => {
    return (
      !succeeds(() => mmapAnonymous(value as never).closeSync(), codes) ||
      (value !== undefined && isBytes(value, 2 ** 53))
    )
  })
  holds(t, property)
})
