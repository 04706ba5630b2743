import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test, { after } from 'node:test'
import { findFlaws, glibcOf } from './check-artifact.mjs'
import { elf, machO, pe } from './fixtures/binaries.mjs'
import { readBinary } from './inspect-binary.mjs'
import { findTarget } from './targets.mjs'
import { toZig } from '../lab/zig-cc.mjs'

const scratch = mkdtempSync(path.join(os.tmpdir(), 'memmap-binaries-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

let files = 0
function save(bytes) {
  const file = path.join(scratch, String(files++))
  writeFileSync(file, bytes)
  return file
}

const gnu = findTarget('linux-x64-gnu')
const musl = findTarget('linux-arm64-musl')
const mac = findTarget('darwin-arm64')
const windows = findTarget('win32-x64-msvc')

test('what is read of an ELF file', () => {
  const file = elf({
    needs: ['libc.so.6'],
    exports: ['one'],
    wants: ['two'],
    versions: { 'libc.so.6': ['GLIBC_2.9', 'GLIBC_2.17'] },
  })
  const binary = readBinary(save(file))
  assert.deepEqual(
    { format: binary.format, arch: binary.arch, isLibrary: binary.isLibrary, needs: binary.needs },
    { format: 'elf', arch: 'x64', isLibrary: true, needs: ['libc.so.6'] },
  )
  assert.deepEqual([binary.exports, binary.undefined, binary.flaws], [['one'], ['two'], []])
  assert.equal(glibcOf(binary), '2.17')
})

test('what is read of a Mach-O file', () => {
  const binary = readBinary(save(machO({ needs: ['/usr/lib/libSystem.B.dylib'], exports: ['one'], wants: ['napi_x'] })))
  assert.deepEqual([binary.format, binary.arch, binary.isLibrary], ['mach-o', 'arm64', true])
  assert.deepEqual(
    [binary.needs, binary.exports, binary.undefined],
    [['/usr/lib/libSystem.B.dylib'], ['one'], ['napi_x']],
  )
})

test('what is read of a PE file', () => {
  const binary = readBinary(save(pe({ needs: ['KERNEL32.dll', 'node.exe'], exports: ['one', 'two'] })))
  assert.deepEqual([binary.format, binary.arch, binary.isLibrary], ['pe', 'x64', true])
  assert.deepEqual(
    [binary.needs, binary.exports],
    [
      ['KERNEL32.dll', 'node.exe'],
      ['one', 'two'],
    ],
  )
})

test('good binaries have no flaws', () => {
  assert.deepEqual(findFlaws(save(elf()), gnu), [])
  assert.deepEqual(findFlaws(save(elf({ arch: 183, needs: ['libc.so'], versions: {} })), musl), [])
  assert.deepEqual(findFlaws(save(machO()), mac), [])
  assert.deepEqual(findFlaws(save(pe()), windows), [])
})

const cases = [
  ['no binary at all', Buffer.from('text'), gnu, /can't be read: neither/],
  ['a file that ends too soon', elf().subarray(0, 200), gnu, /can't be read/],
  ['another format', elf(), mac, /is elf, not mach-o/],
  ['another processor', elf({ arch: 183 }), gnu, /is for arm64, not x64/],
  ['a program', elf({ type: 2 }), gnu, /is no shared library/],
  ['no registration', elf({ exports: ['other'] }), gnu, /does not export napi_register_module_v1/],
  ["GCC's runtime", elf({ needs: ['libc.so.6', 'libgcc_s.so.1'] }), gnu, /needs libgcc_s\.so\.1/],
  [
    'a glibc that is too new',
    elf({ versions: { 'libc.so.6': ['GLIBC_2.2.5', 'GLIBC_2.18'] } }),
    gnu,
    /wants glibc 2\.18, newer than 2\.17/,
  ],
  ['no glibc on glibc', elf({ versions: {} }), gnu, /wants nothing of glibc/],
  ['glibc on musl', elf({ arch: 183, needs: ['libc.so'] }), musl, /wants glibc 2\.17 on musl/],
  [
    'another library on musl',
    elf({ arch: 183, needs: ['libc.so', 'libstdc++.so.6'], versions: {} }),
    musl,
    /needs libstdc\+\+/,
  ],
  [
    'a function of Node that must be there',
    elf({ wants: ['napi_create_object'] }),
    gnu,
    /wants napi_create_object of the process/,
  ],
  ['a run path', elf({ runpath: '/opt' }), gnu, /looks for libraries in \/opt/],
  ['an executable stack', elf({ stack: 7 }), gnu, /executable stack/],
  ['no word on the stack', elf({ stack: null }), gnu, /executable stack/],
  ['a debug build', elf({ size: 6 * 2 ** 20 }), gnu, /has 6291456 bytes/],
  ['a stub', elf({ size: 10_000 }), gnu, /has 10000 bytes/],
  ['no signature', machO({ signed: false }), mac, /is not signed/],
  ['a library of a package manager', machO({ needs: ['/opt/lib/libz.dylib'] }), mac, /needs \/opt\/lib\/libz\.dylib/],
  ['an import of node.exe', pe({ needs: ['node.exe'] }), windows, /needs node\.exe/],
  ['a Visual C++ runtime', pe({ needs: ['VCRUNTIME140.dll'] }), windows, /needs VCRUNTIME140\.dll/],
  ['a PE program', pe({ isLibrary: false }), windows, /is no shared library/],
]
for (const [what, file, target, message] of cases) {
  test(`refused: ${what}`, () => {
    const flaws = findFlaws(save(file), target)
    assert.equal(flaws.filter((flaw) => message.test(flaw)).length, 1, flaws.join('\n'))
  })
}

test("rustc's arguments become zig's", () => {
  const args = ['-m64', 'a.o', '-lgcc_s', '-lc', '-Wl,--eh-frame-hdr', '-shared']
  assert.deepEqual(toZig(args, 'x86_64-linux-musl'), ['a.o', '-lunwind', '-lc', '-shared'])
})

test('for macOS they lose what names the SDK, with what belongs to it', () => {
  const args = [
    '-arch',
    'arm64',
    '-isysroot',
    '/sdk',
    '-framework',
    'Security',
    'a.o',
    '-lgcc_s',
    '-Wl,-exported_symbols_list',
    '-Wl,list',
  ]
  assert.deepEqual(toZig(args, 'aarch64-macos'), ['a.o'])
})
