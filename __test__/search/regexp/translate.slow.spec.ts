import test from 'ava'
import fc from 'fast-check'
import { mmapAnonymous } from '../../../index.js'
import { isDoubtful, sourceFor, textFor } from '../../helpers/expressions.js'
import { expected, finds, found, odd } from '../../helpers/match-all.js'

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
