import { endianness } from 'node:os'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { LineIndex, type Mapping, mmapAnonymous } from '../../index.js'

function holding(t: ExecutionContext, text: string): Mapping {
  const memory = mmapAnonymous(Buffer.byteLength(text))
  memory.write(text)
  t.teardown(() => memory.close())
  return memory
}

/** Returns the lines of a text, each with its end. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

/** Reports whether an index has exactly these lines. */
function describes(index: LineIndex, lines: readonly string[], offset: number): boolean {
  let at = offset
  const isRight = lines.every((line, number) => {
    const length = Buffer.byteLength(line)
    const found = index.line(number)
    const owner = [index.lineAt(at), index.lineAt(at + length - 1)]
    const text = index.text(number)
    const same = found.offset === at && found.length === length && text === line.replace(/\r?\n$/, '')
    at += length
    return same && owner.every((one) => one === number)
  })
  return isRight && index.count === lines.length && index.offset === offset && index.length === at - offset
}

const texts = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'é', '\n', '\r', '\r\n'), maxLength: 40 }),
  fc
    .array(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 }), { maxLength: 300 })
    .map((all) => all.join('\n')),
)

test('an index has the lines of any range, with their offsets and texts', async (t) => {
  const memory = mmapAnonymous(2000)
  t.teardown(() => memory.close())
  const property = fc.asyncProperty(texts, fc.nat(9), async (text, offset) => {
    memory.fill('\n')
    memory.write(text, offset)
    const index = await memory.lineIndex({ offset, length: Buffer.byteLength(text) })
    if (!describes(index, linesOf(text), offset)) throw new Error('The index is wrong')
    const again = LineIndex.from(Buffer.from(index.bytes), { mapping: memory, offset })
    if (!describes(again, linesOf(text), offset)) throw new Error('The index made from bytes is wrong')
  })
  await t.notThrowsAsync(fc.assert(property, { numRuns: 500 }))
})

test('an index does not depend on the number of threads', async (t) => {
  const memory = mmapAnonymous(9 * 2 ** 20 + 1)
  t.teardown(() => memory.close())
  for (let at = 0; at < memory.length; at += 4 + (at % 977)) memory.write('\n', at)
  const [one, three] = [await memory.lineIndex({ threads: 1 }), await memory.lineIndex({ threads: 3 })]
  t.true(Buffer.from(one.bytes).equals(three.bytes))
  t.is(one.count, memory.countSync('\n') + 1)
  const line = one.line(one.count - 2)
  t.is(memory.indexOfSync('\n', { offset: line.offset }), line.offset + line.length - 1)
})

// Untrusted bytes.

const isLittleEndian = endianness() === 'LE'

/** Returns an index of 200 lines of 3 bytes in which some words are changed. */
async function changed(t: ExecutionContext, words: Record<number, bigint>, length?: number): Promise<Uint8Array> {
  const { bytes } = await holding(t, 'ab\n'.repeat(200)).lineIndex()
  const copy = Uint8Array.from(bytes).subarray(0, length)
  const view = new DataView(copy.buffer, 0, copy.length)
  for (const [word, value] of Object.entries(words)) view.setBigUint64(Number(word) * 8, value, isLittleEndian)
  return copy
}

test('with any bytes an index finds a line within its range or throws', async (t) => {
  const original = await changed(t, {})
  const codes = new Set(['ERR_INVALID_ARG_VALUE', 'ERR_OUT_OF_RANGE'])
  const word = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 4000n }))
  const changes = fc.array(fc.tuple(fc.nat(original.length - 8), word), { minLength: 1, maxLength: 4 })
  const property = fc.property(changes, fc.nat(original.length), fc.nat(700), (list, cut, number) => {
    const bytes = original.slice(0, cut % 5 === 0 ? cut : undefined)
    const view = new DataView(bytes.buffer)
    for (const [at, value] of list) if (at + 8 <= bytes.length) view.setBigUint64(at, value, isLittleEndian)
    try {
      const index = LineIndex.from(bytes)
      const { offset, length } = index.line(index.count === 0 ? 0 : number % index.count)
      if (offset < 0 || length <= 0 || offset + length > index.length) throw new Error(`${offset}, ${length}`)
      const found = index.line(index.lineAt(number))
      if (found.offset > number) throw new Error(`${found.offset} > ${number}`)
    } catch (error) {
      if (!codes.has((error as { code: string }).code)) throw error
    }
  })
  t.notThrows(() => fc.assert(property, { numRuns: 5000 }))
})
