import { readFileSync } from 'node:fs'
import test from 'ava'
import fc from 'fast-check'
import { mapArray, mapBuffer, type TypedArray } from '../index.js'
import { tempFile } from './helpers/temp.js'
import { LENGTH, holds, rangeOf } from './helpers/properties.js'

test('mapBuffer() and mapArray() return the bytes of the file', (t) => {
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
