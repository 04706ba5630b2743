import test from 'ava'
import fc from 'fast-check'
import { LENGTH, holds, rangeOf, twins } from '../helpers/properties.js'

const patterns = fc.oneof(
  fc.nat(255),
  fc.uint8Array({ minLength: 1, maxLength: 5000 }),
  fc.string({ minLength: 1, unit: 'binary' }),
  fc.string({ minLength: 1, unit: 'grapheme' }),
)

test('fill() has the result of Buffer.fill()', (t) => {
  const { mapping, plain } = twins(t)
  const property = fc.property(patterns, rangeOf(LENGTH), (pattern, { start, end, range }) => {
    mapping.fill(pattern, range)
    plain.fill(pattern, start, end)
    return mapping.read().equals(plain)
  })
  holds(t, property)
})

test('copyWithin() has the result of Buffer.copyWithin()', (t) => {
  const { mapping, plain } = twins(t)
  const property = fc.property(rangeOf(LENGTH), fc.nat(LENGTH), ({ start, end }, anywhere) => {
    const target = Math.min(anywhere, LENGTH - (end - start))
    mapping.copyWithin(target, start, end)
    plain.copyWithin(target, start, end)
    return mapping.read().equals(plain)
  })
  holds(t, property)
})

test('write() and readInto() copy the same bytes as a Buffer', (t) => {
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
