import test from 'ava'
import { survives } from '../helpers/survive.js'

const fixture = 'torture/arguments.ts'

for (const value of ['0', '-0', '0n', '10n', 'size']) {
  test.serial(`an offset of ${value} means that many bytes in every method`, survives, fixture, 'through', [
    'offset',
    value,
  ])
  test.serial(`a length of ${value} means that many bytes in every method`, survives, fixture, 'through', [
    'length',
    value,
  ])
}

// Beyond the end: in the last page, in the next page, and where numbers of 31, 32, 53 or 64 bits would wrap.
const beyond = ['size + 1', 'same page', 'next page', '2^31', '2^32', '2^32 + 10', '2^44', '2^53 - 1']
const nonsense = ['-1', '-1n', '-4096', '1.5', 'NaN', 'Infinity', '2^53', '2^63n', '2^64n', '2^64n + 10n']

for (const value of beyond) {
  const title = `an offset or a length of ${value} is out of range in every method`
  test.serial(title, survives, fixture, 'through', ['outOfRange', value])
}
for (const value of nonsense) {
  const title = `an offset, a length or a size of ${value} is out of range in every method`
  test.serial(title, survives, fixture, 'through', ['outOfRange', value, 'sizes too'])
}
for (const value of ["'10'", 'null', 'true', '[10]', '{ valueOf }']) {
  test.serial(`${value} is refused as a number of bytes in every method`, survives, fixture, 'through', [
    'wrongType',
    value,
  ])
}
