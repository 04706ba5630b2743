import test from 'ava'
import fc from 'fast-check'
import { type Match, mmapAnonymous } from '../../index.js'
import { matches as matchesBy, matchesSync as matchesSyncBy } from '../../lib/search/matches.js'
import { stateOf } from '../../lib/state/mapping-state.js'
import { collect, endless } from '../helpers/mapped.js'

const MIB = 2 ** 20

// The model: Buffer.indexOf, Buffer.lastIndexOf, and a loop over all offsets.

type Literal = string | Uint8Array

const bytesOf = (needle: Literal): Buffer => Buffer.from(needle as string)

/** Returns all matches of one or several needles, found by a loop over the offsets. */
function plainMatches(hay: Buffer, needle: Literal | readonly Literal[]): Match[] {
  const isList = Array.isArray(needle)
  const list = (isList ? needle : [needle]).map(bytesOf)
  const found: Match[] = []
  for (let at = 0; at <= hay.length;) {
    const which = list.findIndex((bytes) => hay.subarray(at, at + bytes.length).equals(bytes))
    const length = list[which]?.length
    if (length !== undefined) found.push(isList ? { offset: at, length, needle: which } : { offset: at, length })
    at += length || 1
  }
  return found
}

const letters = fc.constantFrom(...'abé')
const words = fc.string({ unit: letters, maxLength: 4 })
const texts = fc.string({ unit: letters, maxLength: 60 })
const lists = fc.array(fc.string({ unit: letters, minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 4 })
const needles = fc.oneof(
  words,
  words.map((word) => Buffer.from(word)),
  words.map((word) => [word]),
  lists,
)
const pace = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 4 }))
  .map(([min, more, targetMatches]) => ({ first: min, min, max: min + more, targetMatches }))

/** Generates memory with random contents, a range in it, and a copy of that range. */
const parts = fc.tuple(texts, fc.nat(9), fc.nat(9)).map(([text, skip, cut]) => {
  const all = Buffer.from(text)
  const offset = Math.min(skip, all.length)
  const length = Math.max(0, all.length - offset - cut)
  return { all, hay: all.subarray(offset, offset + length), offset, length }
})

test('all searches find the same as a loop over the bytes, in any range', async (t) => {
  const memory = mmapAnonymous(256)
  t.teardown(() => memory.close())
  const property = fc.asyncProperty(parts, needles, async ({ all, hay, offset, length }, needle) => {
    memory.write(all)
    const range = { offset, length }
    const expected = plainMatches(hay, needle).map((match) => ({ ...match, offset: match.offset + offset }))
    const list = (Array.isArray(needle) ? needle : [needle]).map(bytesOf)
    const shift = (found: number): number => (found === -1 ? -1 : found + offset)
    const firsts = list.map((bytes) => hay.indexOf(bytes)).filter((found) => found !== -1)
    const first = firsts.length > 0 ? shift(Math.min(...firsts)) : -1
    const last = shift(Math.max(...list.map((bytes) => hay.lastIndexOf(bytes))))

    const found = [memory.indexOfSync(needle, range), memory.lastIndexOfSync(needle, range)]
    if (found.join() !== [first, last].join()) throw new Error(`${found}, expected ${first}, ${last}`)
    if (memory.includesSync(needle, range) !== (first !== -1)) throw new Error('includes')
    if (memory.countSync(needle, range) !== expected.length) throw new Error(`count, expected ${expected.length}`)
    t.deepEqual([...memory.matchesSync(needle, range)], expected)

    t.is(await memory.indexOf(needle, range), first)
    t.is(await memory.lastIndexOf(needle, range), last)
    t.is(await memory.includes(needle, range), first !== -1)
    t.is(await memory.count(needle, range), expected.length)
  })
  await t.notThrowsAsync(fc.assert(property, { numRuns: 400 }))
})

test('matches do not depend on the size of the searched batches, from one byte', async (t) => {
  const memory = mmapAnonymous(256)
  t.teardown(() => memory.close())
  const state = stateOf(memory)
  const expressions = fc.constantFrom(/a+/, /a*/, /b|ab/, /^a|b$/, /a[^]*b/, /(?:)/, /é+a?/u, /\b/)
  const property = fc.asyncProperty(
    parts,
    fc.oneof(needles, expressions),
    pace,
    async ({ all, hay, offset, length }, needle, by) => {
      memory.write(all)
      const range = { offset, length }
      const expected = needle instanceof RegExp ? byMatchAll(hay.toString(), needle) : plainMatches(hay, needle)
      // toString() would replace a part of a character at either end.
      fc.pre(!(needle instanceof RegExp) || Buffer.from(hay.toString()).equals(hay))
      const shifted = expected.map((match) => ({ ...match, offset: match.offset + offset }))
      t.deepEqual([...matchesSyncBy(state, needle, range, by)], shifted)
      t.deepEqual(await collect(matchesBy(state, needle, range, by)), shifted)
      const batches = [...matchesSyncBy(state, needle, range, by).batches()]
      t.true(batches.every(({ offsets }) => offsets.length > 0))
      const unpacked = batches.flatMap(({ offsets, lengths, needles: which }) =>
        Array.from(offsets, (start, index) => ({
          offset: start,
          length: lengths[index]!,
          ...(which && { needle: which[index]! }),
        })),
      )
      t.deepEqual(unpacked, shifted)
      t.deepEqual(await collect(matchesBy(state, needle, range, by).batches()), batches)
    },
  )
  await t.notThrowsAsync(fc.assert(property, { numRuns: 300 }))
})

function byMatchAll(text: string, expression: RegExp): Match[] {
  const found = text.matchAll(new RegExp(expression.source, `${expression.flags}g`))
  return Array.from(found, ({ index, 0: match }) => ({
    offset: Buffer.byteLength(text.slice(0, index)),
    length: Buffer.byteLength(match),
  }))
}

// Fixed cases.

test('results do not depend on the number of threads, including matches across their borders', async (t) => {
  // The native code divides the range at every 4 MiB.
  const length = 13 * MIB + 5
  const memory = mmapAnonymous(length)
  t.teardown(() => memory.close())
  const cuts = [4 * MIB, 8 * MIB, 12 * MIB]
  memory.write('needle', 0)
  for (const [index, cut] of cuts.entries()) memory.write('needle', cut - 1 - index)
  const [start, size] = [4 * MIB + 100, 4 * MIB - 200]
  memory.fill('ab', { offset: start, length: size })
  memory.write('needle', length - 6)
  const offsets = [0, ...cuts.map((cut, index) => cut - 1 - index), length - 6]
  for (const needle of ['needle', ['needle', 'nobody'], /needle/, /ne+d[a-z]*/, /\bn[^\0]+/]) {
    for (const threads of [1, 2, 3, 8]) {
      const found = [...memory.matchesSync(needle, { threads })].map(({ offset }) => offset)
      t.deepEqual(found, offsets, `${needle} on ${threads}`)
      t.is(await memory.count(needle, { threads }), offsets.length)
      t.is(await memory.indexOf(needle, { threads, offset: 1 }), offsets[1]!)
      t.is(await memory.lastIndexOf(needle, { threads }), length - 6)
    }
  }
  const text = 'ba'.repeat(size / 2 - 1)
  for (const expression of [/aba/g, /(?:ab){3}/g, /ba|ab/g, /[^]{1,1000}/g]) {
    const inside = { offset: start + 1, length: text.length }
    const expected = [...text.matchAll(expression)].length
    t.is(await memory.count(expression, { ...inside, threads: 1 }), expected)
    t.is(await memory.count(expression, { ...inside, threads: 3 }), expected)
  }
})

test('very many matches come in batches', async (t) => {
  const memory = mmapAnonymous(3 * MIB)
  t.teardown(() => memory.close())
  let next = 0
  let batches = 0
  for await (const { offsets, lengths } of memory.matches('\0').batches()) {
    batches++
    t.true(offsets.length <= 2 ** 19)
    const isRight = offsets.every((offset, index) => offset === next + index && lengths[index] === 1)
    t.true(isRight)
    next += offsets.length
  }
  t.is(next, 3 * MIB)
  t.true(batches > 2)
})

// Arguments.

test('expressions find the same on any number of threads in lines longer than the range of one thread', async (t) => {
  const length = 17 * MIB
  const memory = mmapAnonymous(length)
  t.teardown(() => memory.close())
  memory.fill('-')
  memory.write('one\na', 5 * MIB)
  memory.write('b', 9 * MIB + 1)
  memory.write('ab\nab', 16 * MIB)
  const line = { offset: 5 * MIB + 4, length: 11 * MIB - 2 }
  const cases: [RegExp, Match[]][] = [
    [/a.*b/, [line, { offset: 16 * MIB + 3, length: 2 }]],
    [/a.*?b/, [{ ...line, length: 4 * MIB - 2 }, { offset: 16 * MIB, length: 2 }, { offset: 16 * MIB + 3, length: 2 }]], // prettier-ignore
    [/a[^]*b/, [{ ...line, length: 11 * MIB + 1 }]],
    [/ab$/m, [{ offset: 16 * MIB, length: 2 }]],
    [/a-*$/, []],
  ]
  for (const [expression, expected] of cases) {
    for (const threads of [1, 3]) {
      t.deepEqual([...memory.matchesSync(expression, { threads })], expected, String(expression))
      t.is(await memory.count(expression, { threads }), expected.length)
      t.is(await memory.indexOf(expression, { threads }), expected[0]?.offset ?? -1)
      t.is(await memory.lastIndexOf(expression, { threads }), expected.at(-1)?.offset ?? -1)
    }
  }
})

// Iteration.

test('break ends the search at any moment', async (t) => {
  const memory = endless(t)
  memory.write('a')
  // A batch takes about as long as a turn of the event loop.
  const small = { first: 2 ** 14, min: 2 ** 14, max: 2 ** 14, targetMatches: 1 }
  for (let round = 0; round < 100; round++) {
    const iterator = matchesBy(stateOf(memory), 'a', {}, small)[Symbol.asyncIterator]()
    t.false((await iterator.next()).done)
    const waiting = iterator.next()
    for (let turn = 0; turn < round % 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    await iterator.return?.()
    t.deepEqual(await waiting, { done: true, value: undefined })
  }
  await memory.close()
})
