import test, { type ExecutionContext } from 'ava'
import { mmapAnonymous } from '../../../index.js'
import { expected, finds, found, odd } from '../../helpers/match-all.js'

test(
  'properties contain the same characters as in JavaScript',
  finds,
  'aZ1_ é٣Σ😀漢\u0301\u200d$+',
  /\p{L}/u,
  /\P{L}/u,
  /\p{Lu}/u,
  /\p{Lu}/iu,
  /[\p{Lu}\d]/u,
  /[^\p{L}]/u,
  /[^\p{L}]/iu,
  /\p{Script=Greek}/u,
  /\p{sc=Han}/u,
  /\p{scx=Arab}/u,
  /\p{General_Category=Decimal_Number}/u,
  /\p{gc=Sc}/u,
  /\p{Sc}/u,
  /\p{Cf}/u,
  /\p{Emoji}/u,
  /\p{Extended_Pictographic}/u,
  /\p{ASCII}/u,
  /\p{Any}/u,
  /\p{White_Space}/u,
  /\p{ID_Start}/u,
  /\p{Mn}/u,
)

const nested = [
  '[\\w--\\d]',
  '[\\p{L}&&\\p{ASCII}]',
  '[[a-z]--[aeiou]]',
  '[^[a-z]--[aeiou]]',
  '[a[b-d]\\-]',
  '[[a-z]&&[^m-p]]',
]
test('classes may contain classes and operators', (t) => {
  const memory = mmapAnonymous(100)
  const text = 'abcdefmnopz-AÉé19_'
  for (const source of nested) {
    for (const flags of ['v', 'iv']) {
      const expression = new RegExp(source, flags)
      t.deepEqual(found(memory, Buffer.from(text), expression), expected(text, expression), String(expression))
    }
  }
  memory.closeSync()
})

test(
  'characters may be written in every notation',
  finds,
  '\0\x01\x07\b\t\n\v\f\r /\\cA}]{-^$.*+?()[|é€a8xu1\u001f',
  /\0/,
  /\cA/,
  /[\cA]/,
  /\ca/,
  odd(String.raw`[\c_]`),
  odd(String.raw`\c`),
  odd(String.raw`[\c]`),
  /\x07/,
  /\u20ac/,
  /[\b]/,
  /\t\n\v\f\r/,
  /\//,
  /[/]/,
  /\\/,
  /}/,
  /]/,
  /{/,
  /{,1/,
  /a{/,
  /x{1/,
  /\^\$\.\*\+\?\(\)\[\|/,
  odd(String.raw`\1`),
  odd(String.raw`[\1]`),
  odd(String.raw`\8`),
  odd(String.raw`\07`),
  odd(String.raw`\x`),
  odd(String.raw`\u`),
  odd(String.raw`\k`),
  odd(String.raw`\a`),
  /[--^]/,
  /[\w-^]/,
  /[^-]/,
  /[-a]/,
  /[a-]/,
)
test(
  'characters of two code units may be written in every notation',
  finds,
  'a😀b',
  /😀/,
  /\u{1f600}/u,
  /\ud83d\ude00/,
  /\ud83d\ude00/u,
  /[\ud83d\ude00]/u,
  /[\u{1f600}-\u{1f64f}]/u,
)
test(
  'groups and quantifiers match as in JavaScript',
  finds,
  'aaaabbbaab aaa abcabc',
  /(a+)(?:b)/,
  /(?<name>a|b)*c/,
  /a{2}/,
  /a{2,}/,
  /a{1,2}?/,
  /a*?b/,
  /a+?/,
  /a??/,
  /(?:)/,
  /()/,
  /a|ab|abc/,
  /abc|ab|a/,
  /(?:a|)b/,
  /a{0}/,
  /a*|b*/,
)
test(
  'a repetition after the minimum is never empty',
  finds,
  'aaaabbbaab aaa abcabc',
  /(?:|a)*/,
  /(?:|a)+/,
  /(?:|a)?/,
  /(?:a*?)*/,
  /(?:a??b??)*c/,
  /(?:\b|a)*b/,
  /(?:(?:|a){2}b?)*/,
  /(?:|a){2,}/,
  /(?:|a|b){1,3}/,
  /(?:(?:|a)(?:|b))*?c/,
)
test(
  'of alternatives with a common beginning the first wins',
  finds,
  '-as aab',
  /.{1,2}\b|.{1,2}s/,
  /.*ab|.*.*/,
  /a*?b|a*?a/,
)
test('^ and $ match at the ends of the range', finds, 'ab\nab\n', /^ab/, /ab$/, /ab\n$/, /^$/, /$/, /^/, /^ab|b\n$/)
test(
  'with the flag m, ^ and $ match at line ends',
  finds,
  'ab\n\nab\rcd\n',
  /^ab/m,
  /ab$/m,
  /^$/m,
  /^/m,
  /$/m,
  /^.*$/m,
  /b\s^c/m,
)
test(
  'with the flag m, $ matches before \\r\\n and ^ after it',
  finds,
  'ab\r\n\r\nab\r\n',
  /^ab/m,
  /ab$/m,
  /$/m,
  /\r$/m,
  /^a.$/m,
)
test('\\b knows ASCII letters only', finds, 'a é_1-b\n', /\b/, /\B/, /\b\w/, /\w\b/, /\Bb/, /\b/u, /\b/i)
test('the flags g and d do not change matches', finds, 'aab', /a/g, /a/d, /b/dg)

test('^ matches neither between \\r and \\n nor after U+2028 and U+2029', (t) => {
  const memory = mmapAnonymous(20)
  t.deepEqual(found(memory, Buffer.from('a\r\nb'), /^/m), ['0+0', '3+0'])
  t.deepEqual(found(memory, Buffer.from('a\u2028b\u2029'), /^|$/m), ['0+0', '8+0'])
  memory.closeSync()
})

test('assertions do not look outside the range', (t) => {
  const memory = mmapAnonymous(9)
  memory.write('foobarbaz')
  t.is(memory.indexOfSync(/^bar$/, { offset: 3, length: 3 }), 3)
  t.is(memory.indexOfSync(/\bbar\b/, { offset: 3, length: 3 }), 3)
  t.is(memory.indexOfSync(/\bbar/), -1)
  t.is(memory.indexOfSync(/^bar/, { offset: 3 }), 3)
  memory.closeSync()
})

test('bytes that are not UTF-8 match no character', (t) => {
  const memory = mmapAnonymous(6)
  const bytes = Buffer.from([0x61, 0xff, 0x62, 0xc3, 0x63, 0x80])
  t.deepEqual(found(memory, bytes, /./), ['0+1', '2+1', '4+1'])
  t.deepEqual(found(memory, bytes, /[^]/), ['0+1', '2+1', '4+1'])
  t.deepEqual(found(memory, bytes, /a[^]b/), [])
  t.deepEqual(found(memory, bytes, /[^\w]/), [])
  memory.closeSync()
})

test('without the flag u a character beyond U+FFFF is one character', (t) => {
  const memory = mmapAnonymous(8)
  const bytes = Buffer.from('😀😀')
  for (const expression of [/./, /[^]/, /[^a]/, /\W/, /[\u0000-\uffff]/, /😀/]) {
    t.deepEqual(found(memory, bytes, expression), ['0+4', '4+4'], String(expression))
  }
  t.deepEqual(found(memory, bytes, /😀+/), ['0+8'])
  memory.closeSync()
})

test('an expression with exponential backtracking in JavaScript takes linear time', (t) => {
  const memory = mmapAnonymous(100_000)
  memory.fill('a')
  t.is(memory.countSync(/(a+)+b|(a*)*c|(a|aa)+$/), 1)
  memory.closeSync()
})

// Syntax that only newer engines have.

const newer: readonly (readonly [source: string, text: string])[] = [
  ['(?i:a)b', 'abABAb'],
  ['a(?i-s:B.)c', 'aB.cab\ncabxc'],
  ['(?m:^)a(?-m:$)', 'a\na\n a'],
  ['(?<y>a)|(?<y>b)', 'ab'],
]

for (const [source, text] of newer) {
  const expression = tryExpression(source)
  const run = expression === undefined ? test.skip : test
  run(`/${source}/ finds the matches of matchAll where the engine supports it`, (t) => {
    const memory = mmapAnonymous(20)
    t.deepEqual(found(memory, Buffer.from(text), expression!), expected(text, expression!))
    memory.closeSync()
  })
}

function tryExpression(source: string): RegExp | undefined {
  try {
    return new RegExp(source, 's')
  } catch {
    return undefined
  }
}

// Refused expressions.

const refuses = test.macro((t: ExecutionContext, expression: RegExp, reason: RegExp) => {
  const memory = mmapAnonymous(10)
  const error = t.throws(() => memory.indexOfSync(expression), { instanceOf: TypeError, message: reason })
  t.like(error, { code: 'ERR_INVALID_ARG_VALUE' })
  t.true(error?.message.includes(`The argument 'needle' can't be searched for: `))
  t.true(error?.message.includes(`Received ${String(expression).slice(0, 50)}`))
  memory.closeSync()
})

test('a lookahead is refused', refuses, /a(?=b)/, /lookahead \(\?=…\)/)
test('a negative lookahead is refused', refuses, /a(?!b)/, /lookahead \(\?!…\)/)
test('a lookbehind is refused', refuses, /(?<=a)b/, /lookbehind \(\?<=…\)/)
test('a negative lookbehind is refused', refuses, /(?<!a)b/, /lookbehind \(\?<!…\)/)
test('a back-reference is refused', refuses, /(a)\1/, /back-reference \\1/)
test('a back-reference by name is refused', refuses, /(?<n>a)\k<n>/, /back-reference \\k<n>/)
test('a back-reference to a group that follows is refused', refuses, odd(String.raw`\1(a)`), /back-reference \\1/)
test('the flag y is refused', refuses, /a/y, /flag y/)
test('a lone surrogate is refused', refuses, /\ud83d/, /\\ud83d is half a character.*flag u/)
test('a lone surrogate in brackets is refused', refuses, /[\ud800-\udbff]/, /\\ud800 is half a character.*flag u/)
test('a lone surrogate with the flag u is refused', refuses, /\ud83d/u, /\\ud83d is half a character/)
test('a negative property without case is refused', refuses, /\P{Lu}/iu, /\\P\{Lu\}.*use the flag v/)
test('a property of strings is refused', refuses, new RegExp('\\p{RGI_Emoji}', 'v'), /property \\p\{RGI_Emoji\}/)
test('strings in a class are refused', refuses, new RegExp('[\\q{ab|c}]', 'v'), /\\q\{…\}/)
test('groups nested more than 80 deep are refused', refuses, new RegExp('('.repeat(81) + ')'.repeat(81)), /nested/)
test('quantifiers that can match empty in too many ways are refused', refuses, blowUp(8), /too many ways/)

function blowUp(depth: number): RegExp {
  let source = 'a?b?c?d?'
  for (let level = 0; level < depth; level++) source = `(?:${source}|x?){2,3}`
  return new RegExp(source)
}

test('an expression that is too large causes an error that says so', (t) => {
  const memory = mmapAnonymous(10)
  t.throws(() => memory.indexOfSync(/(?:\w{1000}){1000}/), { code: 'ERR_INVALID_ARG_VALUE', message: /too large/ })
  memory.closeSync()
})
