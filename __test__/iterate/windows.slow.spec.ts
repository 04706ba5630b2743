import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import fc from 'fast-check'
import { mmapAnonymous, mmapSync } from '../../index.js'
import { counting, tempFile } from '../helpers/temp.js'
import { allOf } from '../helpers/iterations.js'
import { holds, rangeOf, twins } from '../helpers/properties.js'

// Random ranges, sizes and overlaps.

interface Part {
  readonly offset: number
  readonly length: number
}

/** Reports whether each part has its full size and offset, except that the last one may be shorter and alone reaches the end. */
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

test('windows() cover any range exactly, with any size and overlap from one byte', (t) => {
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

test('concatenated chunks() are the range', (t) => {
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

test('windows cover every byte of a range and have the requested overlap', (t) => {
  const memory = mmapAnonymous(1000)
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(1000), fc.integer({ min: 1, max: 300 }), fc.nat(299), (a, b, size, some) => {
      const overlap = some % size
      const [start, end] = [Math.min(a, b), Math.max(a, b)]
      let next = start
      let reached = start
      for (const { offset, length, view } of memory.windows({ size, overlap, offset: start, length: end - start })) {
        t.is(offset, next)
        t.is(view.length, length)
        t.true(length === size || offset + length === end)
        t.true(offset + length > reached)
        next = offset + size - overlap
        reached = offset + length
      }
      t.is(reached, end)
    }),
  )
  memory.closeSync()
})

test('for, for await and batches give the same windows, from a size of one byte', async (t) => {
  const mapping = mmapSync(tempFile(t, 5000))
  const bytes = counting(5000)
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 40 }),
    fc.nat(39),
    fc.nat(5000),
    async (size, some, at) => {
      const overlap = some % size
      const expected = []
      for (let offset = at; offset < 5000; offset += size - overlap) {
        const length = Math.min(size, 5000 - offset)
        expected.push({ offset, length, view: bytes.subarray(offset, offset + length) })
        if (offset + length === 5000) break
      }
      const found = await allOf(mapping.windows({ size, overlap, offset: at }))
      t.true(isDeepStrictEqual(found, expected))
    },
  )
  await fc.assert(property, { numRuns: 20, examples: [[1, 0, 0], [2, 1, 2500]] }) // prettier-ignore
  t.true(Buffer.concat(await allOf(mapping.chunks({ size: 1 }))).equals(bytes))
  mapping.closeSync()
})
