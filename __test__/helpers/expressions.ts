import fc from 'fast-check'

// Characters whose rules of upper and lower case differ, and characters of one, two, three and four bytes.
const CHARS = [...'aAbBcckKKsSſiIıİßẞσςΣµμΩΩǅǆåÅé\u0345ιᾳ-1_ \n\t\u00a0\u2003€']
const BEYOND = [...'😀𐐀𐐨𝒜']
const LINE_ENDS = ['\r', '\u2028', '\u2029']

/** Texts in which expressions with these flags find matches. */
export function textFor(flags: string): fc.Arbitrary<string> {
  const ends = flags.includes('m') ? [] : LINE_ENDS
  const words = flags.includes('i') && isUnicode(flags) ? CHARS.filter((char) => !/[ſK]/.test(char)) : CHARS
  const chars = [...words, ...ends, ...(isUnicode(flags) ? BEYOND : [])]
  return fc.array(fc.constantFrom(...chars), { maxLength: 12 }).map((list) => list.join(''))
}

/** Sources of expressions with these flags. */
export function sourceFor(flags: string): fc.Arbitrary<string> {
  const chars = fc.constantFrom(...CHARS, ...(isUnicode(flags) ? BEYOND : []))
  const one = fc.oneof(chars.map(plain), chars.map(coded))
  // With the flag `u` a dash can be escaped only between brackets.
  const literal = one.map((text) => (text === '\\-' ? '-' : text))
  const sets = [
    '\\d',
    '\\D',
    '\\w',
    '\\W',
    '\\s',
    '\\S',
    ...(isUnicode(flags) ? ['\\p{Lu}', '\\p{L}', '\\p{sc=Grek}'] : []),
  ]
  const set = fc.constantFrom(...sets)
  const range = fc.tuple(chars, chars).map((pair) => {
    const [first, last] = pair.toSorted((a, b) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0))
    return `${plain(first ?? '')}-${plain(last ?? '')}`
  })
  const members = fc.array(fc.oneof(one, range, set), { minLength: 1, maxLength: 4 }).map((list) => list.join(''))
  const list = fc.tuple(fc.constantFrom('', '^'), members).map(([not, all]) => `[${not}${all}]`)
  const operation = fc.tuple(list, fc.constantFrom('--', '&&'), list).map((parts) => `[${parts.join('')}]`)
  const brackets = flags.includes('v') ? fc.oneof(list, operation) : list
  const look = fc.constantFrom('^', '$', '\\b', '\\B')
  const times = fc.constantFrom('', '', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{0,2}?', '{2,}')

  return fc.letrec<{ choice: string; atom: string; term: string }>((tie) => ({
    atom: fc.oneof(
      { maxDepth: 3, depthSize: 'xsmall' },
      literal,
      set,
      brackets,
      fc.constant('.'),
      tie('choice').map((inner) => `(?:${inner})`),
      tie('choice').map((inner) => `(${inner})`),
    ),
    term: fc.oneof(
      { arbitrary: look, weight: 1 },
      { arbitrary: fc.tuple(tie('atom'), times).map((parts) => parts.join('')), weight: 6 },
    ),
    choice: fc
      .array(
        fc.array(tie('term'), { maxLength: 3 }).map((terms) => terms.join('')),
        { minLength: 1, maxLength: 2 },
      )
      .map((options) => options.join('|')),
  })).choice
}

/**
 * Reports whether an engine may be wrong about an expression. Engines mishandle the complement of an empty class with the flag
 * `v`. Node 20 with the flag `v` reverses a complement in a repeated group: `/(?:[^x]b)+/v`. Node 26 sometimes finds no match
 * if one of several alternatives cannot match because of a `^` after other terms: `/(?:.+?1^|)|/is`, `/(?:.+?1(?:^)|)/s`.
 */
export function isDoubtful(source: string, flags: string): boolean {
  if (flags.includes('v') && /\[\^\[|\[\^.*\)[*+?{]/s.test(source)) return true
  // Finds a `^` after other terms. An escaped one and that of a complement do not count.
  const rest = source.replaceAll(/\\.|\[\^/gs, 'x').replace(/^(?:\(\?:|[(^])*/, '')
  return !flags.includes('m') && rest.includes('^')
}

function isUnicode(flags: string): boolean {
  return /[uv]/.test(flags)
}

function plain(char: string): string {
  return /[\^$\\.*+?()[\]{}|/-]/.test(char) ? `\\${char}` : char
}

function coded(char: string): string {
  const code = char.codePointAt(0) ?? 0
  if (code > 0xffff) return `\\u{${code.toString(16)}}`
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}
