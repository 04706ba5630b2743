import test from 'ava'
import fc from 'fast-check'
import { mmapAnonymous, mmapSync } from '../index.js'
import { tempFile } from './helpers/temp.js'
import { LENGTH, holds } from './helpers/properties.js'
import { ARGUMENT_CODES, anything, hostile, isBytes, succeeds } from './helpers/hostile.js'

test('mmapSync() accepts any options or throws a documented error', (t) => {
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
  const codes = [...ARGUMENT_CODES, 'EEXIST', 'EINVAL', 'ERR_MEMMAP_UNSUPPORTED']
  holds(
    t,
    fc.property(options, (value) => (succeeds(() => mmapSync(file, value as never).closeSync(), codes), true)),
  )
})

test('mmapSync() accepts any source or throws a documented error', (t) => {
  const codes = [...ARGUMENT_CODES, 'ENOENT', 'EACCES', 'ENAMETOOLONG', 'EBADF', 'ENODEV', 'ERR_MEMMAP_NOT_MAPPABLE']
  holds(
    t,
    fc.property(anything, (value) => (succeeds(() => mmapSync(value as never).closeSync(), codes), true)),
  )
})

test('mmapAnonymous() accepts any length or throws a documented error', (t) => {
  const codes = [...ARGUMENT_CODES, 'ENOMEM', 'ERR_MEMMAP_ADDRESS_SPACE', 'ERR_MEMMAP_MAP_COUNT']
  const property = fc.property(anything, (value) => {
    return (
      !succeeds(() => mmapAnonymous(value as never).closeSync(), codes) ||
      (value !== undefined && isBytes(value, 2 ** 53))
    )
  })
  holds(t, property)
})
