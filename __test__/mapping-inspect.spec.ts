import { inspect } from 'node:util'
import test from 'ava'
import { mmapAnonymous, mmapSync } from '../index.js'
import { tempFile } from './helpers/temp.js'

test('inspect() shows the properties of a mapping', (t) => {
  const file = tempFile(t, 100)
  const mapping = mmapSync(file, { offset: 1 })
  t.is(
    inspect(mapping, { breakLength: Infinity }),
    `Mapping { path: ${inspect(file)}, mode: 'r', offset: 1, length: 99, closed: false }`,
  )
  mapping.closeSync()
  t.regex(inspect(mapping), /closed: true/)
})

test('inspect() shows the label, and no path of anonymous memory', (t) => {
  const memory = mmapAnonymous(64, { label: 'scratch' })
  const expected = "Mapping { label: 'scratch', mode: 'r+', offset: 0, length: 64, closed: false }"
  t.is(inspect(memory, { breakLength: Infinity }), expected)
  memory.closeSync()
})

test('inspect() respects depth and colors', (t) => {
  const memory = mmapAnonymous(64)
  t.is(inspect({ a: { b: { c: memory } } }, { depth: 2 }), '{ a: { b: { c: [Mapping] } } }')
  t.regex(inspect({ a: { b: { c: memory } } }, { depth: 3 }), /length: 64/)
  t.regex(inspect(memory, { depth: null }), /length: 64/)
  t.regex(inspect(memory, { depth: 0 }), /length: 64/)
  t.is(inspect(memory, { depth: -1 }), '[Mapping]')
  t.regex(inspect(memory, { colors: true }), /\u001B\[33m64/)
  memory.closeSync()
})

test('inspect() shows the offset and length of a window', (t) => {
  const memory = mmapAnonymous(4)
  const [window] = memory.windows()
  t.is(inspect(window), '{ offset: 0, length: 4, view: <Buffer 00 00 00 00> }')
  memory.closeSync()
})
