import assert from 'node:assert/strict'
import test from 'node:test'
import { chooseFiles, findLinked, licensesOf } from './licenses.mjs'
import { findTarget } from './targets.mjs'

const crate = (name, kind = 'lib') => ({ id: name, name, targets: [{ kind: [kind] }] })
const uses = (pkg, ...kinds) => ({ pkg, dep_kinds: kinds.map((kind) => ({ kind })) })

test('what is linked is what normal dependencies lead to, each once and in order', () => {
  const packages = [
    crate('own'),
    crate('z'),
    crate('a'),
    crate('macro', 'proc-macro'),
    crate('syn'),
    crate('tests'),
    crate('cc'),
  ]
  const nodes = [
    { id: 'own', deps: [uses('z', null), uses('macro', null), uses('tests', 'dev'), uses('cc', 'build')] },
    { id: 'z', deps: [uses('a', 'dev', null)] },
    { id: 'a', deps: [uses('z', null)] },
    { id: 'macro', deps: [uses('syn', null)] },
    ...['syn', 'tests', 'cc'].map((id) => ({ id, deps: [] })),
  ]
  const found = findLinked({ packages, resolve: { root: 'own', nodes } })
  assert.deepEqual(
    found.map(({ name }) => name),
    ['a', 'z'],
  )
})

test('of licences to choose from it is MIT, with notices and the licences of data', () => {
  const files = ['src/lib.rs', 'LICENSE-APACHE', 'LICENSE-MIT', 'NOTICE', 'src/tables/LICENSE-UNICODE']
  assert.deepEqual(chooseFiles('MIT OR Apache-2.0', files), ['LICENSE-MIT', 'NOTICE', 'src/tables/LICENSE-UNICODE'])
  assert.deepEqual(chooseFiles('Unlicense/MIT', ['license-mit', 'UNLICENSE']), ['license-mit'])
})

test('where there is no choice it is all of them', () => {
  const files = ['LICENSE-APACHE', 'LICENSE-MIT']
  assert.deepEqual(chooseFiles('MIT AND Apache-2.0', files), files)
  assert.deepEqual(chooseFiles('Apache-2.0', files), files)
  assert.deepEqual(chooseFiles('ISC', ['Cargo.toml', 'LICENSE']), ['LICENSE'])
})

test("the binary's licence names what it is made of, and begins with this project's own", () => {
  const text = licensesOf(findTarget('linux-x64-gnu'))
  assert.match(text, /^MIT License\n\nCopyright \(c\) \d+ the memmap authors\n/)
  for (const name of ["Rust's standard library", 'memmap2', 'napi', 'regex-automata', 'libc']) {
    assert.match(text, new RegExp(`^-{80}\n${name} .*\\(.*MIT.*\\), https://`, 'm'), name)
  }
  assert.match(text, /UNICODE/)
  assert.doesNotMatch(text, /^(?:proptest|tempfile|syn|napi-derive|windows-sys) /m)
})
