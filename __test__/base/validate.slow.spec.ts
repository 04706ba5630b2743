import test from 'ava'
import fc from 'fast-check'
import { type Mapping } from '../../index.js'
import { LENGTH, holds, twins } from '../helpers/properties.js'
import { ARGUMENT_CODES, anything, isBytes, succeeds } from '../helpers/hostile.js'

const VIEWS = [...ARGUMENT_CODES, 'ERR_MEMMAP_MISALIGNED', 'ERR_MEMMAP_VIEW_TOO_LARGE']

// One argument of each method; the other arguments are valid. `max` is the largest valid number.
const numberArguments: [string, number, (mapping: Mapping, value: never) => unknown][] = [
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

for (const [name, max, use] of numberArguments) {
  test(`${name} accepts no invalid number`, (t) => {
    const { mapping } = twins(t)
    const property = fc.property(anything, (value) => {
      return !succeeds(() => use(mapping, value as never), VIEWS) || isBytes(value, max)
    })
    holds(t, property)
  })
}

const wholeArguments: [string, (mapping: Mapping, value: never) => unknown][] = [
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

for (const [name, use] of wholeArguments) {
  test(`${name} accepts any argument or throws a documented error`, (t) => {
    const { mapping } = twins(t)
    holds(
      t,
      fc.property(anything, (value) => (succeeds(() => use(mapping, value as never), VIEWS), true)),
    )
  })
}
