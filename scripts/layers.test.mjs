import assert from 'node:assert/strict'
import test from 'node:test'
import { checkRustLayers, checkSafetyComments, checkSeam, checkTypeScriptLayers } from './layers.mjs'

const clean = (breaches) => assert.deepEqual(breaches, [])
const breach = (breaches, pattern) => assert.match(breaches.join('\n'), pattern)

test('core may not name napi, but may speak of it', () => {
  clean(checkRustLayers('src/core/mapping/region.rs', '//! knows no napi\nuse std::sync::Arc;'))
  breach(checkRustLayers('src/core/mapping/region.rs', '\nuse napi::Env;'), /region\.rs:2: src\/core never names napi/)
  breach(checkRustLayers('src/core/mapping/region.rs', '#[napi_derive::napi]'), /never names napi/)
  breach(checkRustLayers('src/core/mapping/region.rs', 'use crate::binding::error;'), /never names src\/binding/)
})

test('the system is named in core/sys alone', () => {
  clean(checkRustLayers('src/core/sys/unix/memory.rs', 'libc::mmap'))
  breach(checkRustLayers('src/binding/mapping.rs', 'libc::EIO'), /src\/binding never names libc/)
  breach(checkRustLayers('src/core/mapping/region.rs', 'windows_sys::Win32'), /only src\/core\/sys/)
  breach(checkRustLayers('src/lib.rs', 'use libc;'), /only src\/core\/sys/)
})

test('an unsafe block has its SAFETY comment above the statement', () => {
  clean(checkSafetyComments('a.rs', '// SAFETY: checked\n// in new()\nunsafe { f() }'))
  clean(checkSafetyComments('a.rs', '// SAFETY: checked\nlet x =\n    unsafe { f() };'))
  clean(checkSafetyComments('a.rs', '// SAFETY: plain data\n#[cfg(unix)]\nunsafe impl Send for A {}'))
  clean(checkSafetyComments('a.rs', 'unsafe fn f() {}\n// an unsafe { in a comment'))
  breach(checkSafetyComments('a.rs', 'let y = 1;\nunsafe { f() }'), /a\.rs:2/)
  breach(checkSafetyComments('a.rs', '// SAFETY: another one\nf();\nunsafe { g() }'), /a\.rs:3/)
  breach(checkSafetyComments('a.rs', 'unsafe impl Send for A {}'), /a\.rs:1/)
})

test('a file of lib/ imports its own folder and the folders below it', () => {
  clean(checkTypeScriptLayers('index.ts', "export { constants } from './lib/base/constants.js'"))
  clean(
    checkTypeScriptLayers('lib/base/native.ts', "import { a } from './errors.js'\nimport type * as N from '#native'"),
  )
  clean(checkTypeScriptLayers('lib/base/errors.ts', "import { a } from './native.js'"))
  clean(checkTypeScriptLayers('lib/base/errors.ts', "/**\n * import { b } from '../mapping.js'\n */"))
  clean(checkTypeScriptLayers('lib/open.ts', "import { a } from './mapping.js'\nimport { b } from './base/native.js'"))
  clean(checkTypeScriptLayers('lib/search/search.ts', "import { a } from './regexp/translate.js'"))
  breach(checkTypeScriptLayers('lib/search/regexp/scanner.ts', "import { a } from '../search.js'"), /not below it/)
  breach(checkTypeScriptLayers('lib/base/errors.ts', "import {\n  a,\n} from '../state/registry.js'"), /not below it/)
  breach(checkTypeScriptLayers('lib/views/views.ts', "import { a } from '../growth/resize.js'"), /not below it/)
  breach(checkTypeScriptLayers('lib/mapping.ts', "import { a } from './open.js'"), /not below it/)
  breach(checkTypeScriptLayers('lib/locks/wait.ts', "import { a } from '../mapping.js'"), /not below it/)
  breach(checkTypeScriptLayers('lib/base/errors.ts', "import '../../index.js'"), /above or beside/)
  breach(checkTypeScriptLayers('lib/base/constants.ts', "import type { A } from '#native'"), /only lib\/base\/native/)
  breach(
    checkTypeScriptLayers('lib/base/constants.ts', "createRequire(import.meta.url)('#native')"),
    /only lib\/base\/native/,
  )
  breach(checkTypeScriptLayers('lib/unheard-of.ts', ''), /unheard-of has no row/)
  breach(checkTypeScriptLayers('lib/unheard-of/file.ts', ''), /unheard-of has no row/)
})

test('what is called of the system is there on every family of systems', () => {
  const sources = {
    'src/core/a.rs': 'sys::both(); sys::unix_only(1); unsafe { sys::common() }',
    'src/core/sys/types.rs': 'pub fn common() {}',
    'src/core/sys/unix/x.rs': 'pub fn both() {}\npub unsafe fn unix_only(_: i32) {}',
    'src/core/sys/windows/x.rs': 'pub fn both() {}',
  }
  assert.deepEqual(checkSeam(sources).length, 1)
  breach(checkSeam(sources), /a\.rs: sys::unix_only is not there/)
})
