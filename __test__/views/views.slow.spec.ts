import test from 'ava'
import fc from 'fast-check'
import { type TypedArrayConstructor } from '../../index.js'
import { LENGTH, holds, rangeOf, twins } from '../helpers/properties.js'

const TYPES: TypedArrayConstructor[] = [
  Int8Array,
  Uint8ClampedArray,
  Uint16Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
]

test('every slice of a mapping equals that slice of a Buffer', (t) => {
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

test('every typed array of a mapping equals one over a copy', (t) => {
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
