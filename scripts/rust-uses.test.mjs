import assert from 'node:assert/strict'
import test from 'node:test'
import { findRings, rustUses } from './rust-uses.mjs'

const graph = (entries) => new Map(Object.entries(entries).map(([file, targets]) => [file, new Set(targets)]))
const usesOf = (sources, file) => [...rustUses(sources).get(file)].toSorted()

const tree = {
  'src/lib.rs': 'mod core;',
  'src/core/mod.rs': 'pub mod a;\npub mod b;\npub mod sub;\npub use b::Thing;',
  'src/core/b.rs': 'pub struct Thing;\npub fn make() {}',
  'src/core/sub/mod.rs': 'pub mod x;\npub mod y;\npub use y::*;',
  'src/core/sub/x.rs': '',
  'src/core/sub/y.rs': 'pub const LIMIT: u32 = 1;\nfn own() {}',
}
const user = (file, text) => usesOf({ ...tree, 'src/core/a.rs': '', [file]: text }, file)

test('a use leads to the file that defines the item', () => {
  assert.deepEqual(user('src/core/a.rs', 'use crate::core::b::Thing;'), ['src/core/b.rs'])
  assert.deepEqual(user('src/core/a.rs', 'use super::b::make;'), ['src/core/b.rs'])
  assert.deepEqual(user('src/core/sub/x.rs', 'use super::super::b::{self, make as new};'), ['src/core/b.rs'])
  assert.deepEqual(user('src/core/sub/x.rs', 'use self::y::LIMIT;\nuse super::y;'), ['src/core/sub/y.rs'])
  assert.deepEqual(user('src/core/a.rs', 'use std::fs::File;\nuse napi::bindgen_prelude::*;'), [])
})

test('braces may stand in braces', () => {
  const text = 'use crate::core::{\n    b::{self, Thing},\n    sub::{y::{LIMIT}},\n};'
  assert.deepEqual(user('src/core/a.rs', text), ['src/core/b.rs', 'src/core/sub/y.rs'])
})

test('a re-export leads to the file that defines the item', () => {
  assert.deepEqual(user('src/core/a.rs', 'use crate::core::Thing;'), ['src/core/b.rs'])
  assert.deepEqual(user('src/core/a.rs', 'use super::sub::LIMIT;'), ['src/core/sub/y.rs'])
})

test('paths in the code count, also those that begin with an imported module', () => {
  assert.deepEqual(user('src/core/a.rs', 'fn f() { crate::core::b::make() }'), ['src/core/b.rs'])
  assert.deepEqual(user('src/core/a.rs', 'use super::sub;\nfn f() -> u32 { sub::LIMIT }'), [
    'src/core/sub/mod.rs',
    'src/core/sub/y.rs',
  ])
})

test('tests, comments and strings do not count', () => {
  const text = [
    '// crate::core::b::make',
    'const A: &str = "crate::core::b::make {";',
    '#[cfg(test)]',
    'mod tests {',
    '    use crate::core::b::make;',
    '    fn f() { make() }',
    '}',
    '#[cfg(test)]',
    'use crate::core::sub::y;',
  ].join('\n')
  assert.deepEqual(user('src/core/a.rs', text), [])
  const files = { 'src/lib.rs': '#[cfg(test)]\nmod tests;', 'src/tests.rs': '' }
  assert.deepEqual([...rustUses(files).keys()], ['src/lib.rs'])
})

test('a glob does not re-export what is private', () => {
  const found = user('src/core/a.rs', 'use super::sub::own;')
  assert.deepEqual(found, ['src/core/sub/mod.rs'])
})

test('the families of systems never use each other', () => {
  const sources = {
    'src/lib.rs': 'mod sys;',
    'src/sys/mod.rs': 'mod unix;\nmod windows;\npub use unix::*;\npub use windows::*;',
    'src/sys/unix/mod.rs': 'mod a;\npub use a::*;',
    'src/sys/unix/a.rs': 'pub fn open() {}',
    'src/sys/windows/mod.rs': 'mod a;\nmod b;\npub use a::*;',
    'src/sys/windows/a.rs': 'pub fn open() {}',
    'src/sys/windows/b.rs': 'use crate::sys::open;',
    'src/user.rs': 'use crate::sys::open;',
  }
  assert.deepEqual(usesOf(sources, 'src/sys/windows/b.rs'), ['src/sys/windows/a.rs'])
  assert.deepEqual(usesOf(sources, 'src/user.rs'), ['src/sys/unix/a.rs', 'src/sys/windows/a.rs'])
})

test('rings of files and of folders are named', () => {
  assert.deepEqual(findRings(graph({ 'src/a.rs': ['src/b.rs'], 'src/b.rs': [] })), [])
  assert.deepEqual(findRings(graph({ 'src/a.rs': ['src/b.rs'], 'src/b.rs': ['src/a.rs'] })), [
    'ring among 2 files: src/a.rs -> src/b.rs -> src/a.rs',
  ])
  const folders = {
    'src/c/p/1.rs': ['src/c/q/1.rs'],
    'src/c/q/1.rs': [],
    'src/c/q/2.rs': ['src/c/p/2.rs'],
    'src/c/p/2.rs': [],
  }
  assert.deepEqual(findRings(graph(folders)), ['ring of folders: src/c/p -> src/c/q -> src/c/p'])
})
