import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { type Mapping, mmapAnonymous } from '../../../index.js'
import { isDoubtful, sourceFor, textFor } from '../../helpers/expressions.js'

// The model is what JavaScript finds in a text, with offsets in bytes of UTF-8.

/** Returns the matches according to JavaScript, as `offset+length`. */
function expected(text: string, expression: RegExp): string[] {
  const places = bytePlaces(text)
  return matchesOf(text, expression)
    .filter(({ index, 0: match }) => match !== '' || !isInside(text, index))
    .map(({ index, 0: match }) => [places[index] ?? 0, places[index + match.length] ?? 0] as const)
    .map(([start, end]) => `${start}+${end - start}`)
}

/**
 * Returns what `matchAll()` should give, by a match at each index: the engine of Node 26 misses some, such as the end of 'b😀'
 * with `/[^a]{2}$/u`.
 */
function matchesOf(text: string, expression: RegExp): RegExpExecArray[] {
  const here = new RegExp(expression.source, `${expression.flags.replace('g', '')}y`)
  const matches: RegExpExecArray[] = []
  for (let place = 0; place <= text.length;) {
    here.lastIndex = place
    const match = here.exec(text)
    if (match !== null) matches.push(match)
    place += match?.[0].length || widthAt(text, place, expression)
  }
  return matches
}

function widthAt(text: string, place: number, { unicode, flags }: RegExp): number {
  return (unicode || flags.includes('v')) && (text.codePointAt(place) ?? 0) > 0xffff ? 2 : 1
}

/** Returns the offset in UTF-8 of each code unit of a text. */
function bytePlaces(text: string): number[] {
  const places = [0]
  for (const char of text) {
    const place = (places.at(-1) ?? 0) + Buffer.byteLength(char)
    for (const _ of char.split('')) places.push(place)
  }
  return places
}

// JavaScript may find an empty match between two surrogates, even with the flag `u`; UTF-8 has no such offset.
function isInside(text: string, index: number): boolean {
  return index > 0 && (text.codePointAt(index - 1) ?? 0) > 0xffff
}

/** Returns the matches according to this library, as `offset+length`. */
function found(memory: Mapping, bytes: Uint8Array, expression: RegExp): string[] {
  memory.write(bytes)
  return [...memory.matchesSync(expression, { length: bytes.length })].map(
    ({ offset, length }) => `${offset}+${length}`,
  )
}

/** Makes an expression that is valid JavaScript but that linters reject. */
function odd(source: string): RegExp {
  return new RegExp(source)
}

const finds = test.macro((t: ExecutionContext, text: string, ...expressions: RegExp[]) => {
  const bytes = Buffer.from(text)
  const memory = mmapAnonymous(bytes.length)
  t.teardown(() => memory.close())
  t.true(expressions.length > 0)
  for (const expression of expressions) {
    t.is(found(memory, bytes, expression).join(), expected(text, expression).join(), String(expression))
  }
})

for (const flags of ['', 'i', 's', 'm', 'is', 'u', 'iu', 'su', 'mu', 'v', 'iv', 'msv']) {
  test(`any expression finds the matches of matchAll, flags '${flags}'`, (t) => {
    const memory = mmapAnonymous(4096)
    const property = fc.property(
      sourceFor(flags),
      fc.array(textFor(flags), { minLength: 4, maxLength: 4 }),
      (source, texts) => {
        fc.pre(!isDoubtful(source, flags))
        const expression = new RegExp(source, flags)
        for (const text of texts) {
          const [ours, theirs] = [found(memory, Buffer.from(text), expression), expected(text, expression)]
          if (ours.join() !== theirs.join()) throw new Error(`${JSON.stringify(text)}: ${ours}, expected ${theirs}`)
        }
      },
    )
    t.teardown(() => memory.close())
    t.notThrows(() => fc.assert(property, { numRuns: 300 }))
  })
}

// Every character of one code unit, and some of two, which JavaScript treats as one only with the flags u and v.
const units = Array.from({ length: 0x1_0000 }, (_, unit) => String.fromCharCode(unit))
  .filter((char) => !/[\ud800-\udfff]/.test(char))
  .join('')
const points = `${units}😀𐐀𐐨𝒜𞤀𞤢\u{10ffff}`

test(
  'sets contain the same characters as in JavaScript',
  finds,
  units,
  /\d/,
  /\D/,
  /\w/,
  /\W/,
  /\s/,
  /\S/,
  /./,
  /./s,
  /[^]/,
  odd('[]'),
)
test(
  'sets contain the same characters as in JavaScript with the flag u',
  finds,
  points,
  /\d/u,
  /\D/u,
  /\w/u,
  /\W/u,
  /\s/u,
  /\S/u,
  /./u,
  /./su,
)
test(
  'sets in brackets contain the same characters as in JavaScript',
  finds,
  units,
  /[\d\s]/,
  /[^\w]/,
  /[^\s\W]/,
  /[\s\S]/,
  /[^]/s,
  /[^a-z]/i,
)
test(
  'sets contain the same characters as in JavaScript if they exclude surrogates',
  finds,
  points,
  /[^\0-\ud7ff\ue000-\uffff]/u,
  /[^\ud800-\udfff]/u,
  /[\ud800-\ue000]/u,
  /[\ud7ff-\ud900]/u,
)
test(
  'sets contain the same characters as in JavaScript with the flag i',
  finds,
  points,
  /\w/i,
  /\w/iu,
  /\W/iu,
  /[^\W]/iu,
  /[^a-z]/iu,
)
test(
  'the flag i equates the same letters as in JavaScript, with and without the flag u',
  finds,
  points,
  ...[...'kKKsSſiIıİßẞσςΣµμΩωǅǆåÅéÿŸ\u0345ιᾳᾼ1-'].flatMap((char) => [new RegExp(char, 'i'), new RegExp(char, 'iu')]),
  /[a-z]/i,
  /[a-z]/iu,
  /[\u0100-\u03ff]/i,
  /[^\u0370-\uffff]/iu,
)
