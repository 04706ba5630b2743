import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { findDisagreements } from './check-release.mjs'
import { binaryName, targets } from './targets.mjs'

test('parts that agree are accepted', () => {
  assert.deepEqual(findDisagreements(project()), [])
  assert.deepEqual(findDisagreements(project(), 'v1.2.3'), [])
})

const cases = [
  [
    'a crate of another version',
    { 'Cargo.toml': '[package]\nname = "memmap"\nversion = "1.2.4"\n' },
    /Cargo\.toml says 1\.2\.4/,
  ],
  ['a crate without a version', { 'Cargo.toml': '[package]\nname = "memmap"\n' }, /Cargo\.toml says no version/],
  [
    'the version of a dependency does not count as the crate’s',
    { 'Cargo.toml': '[package]\nname = "memmap"\n\n[dependencies.x]\nversion = "1.2.3"\n' },
    /Cargo\.toml says no version/,
  ],
  ['a stale Cargo.lock', { 'Cargo.lock': 'name = "memmap"\nversion = "1.2.2"\n' }, /Cargo\.lock says 1\.2\.2/],
  ['a stale package-lock.json', { 'package-lock.json': lock('1.2.2') }, /package-lock\.json says 1\.2\.2/],
  [
    'a loader of another version',
    { 'native/binding.cjs': "bindingPackageVersion !== '1.2.2'" },
    /native\/binding\.cjs says 1\.2\.2/,
  ],
  [
    'a loader of two versions',
    { 'native/binding.cjs': "bindingPackageVersion !== '1.2.3' bindingPackageVersion !== '1.2.2'" },
    /says 1\.2\.3 and 1\.2\.2/,
  ],
  [
    'a platform package of another version',
    { 'npm/darwin-arm64/package.json': '{"version":"1.2.2"}' },
    /darwin-arm64\/package\.json says 1\.2\.2/,
  ],
  [
    'a missing platform package',
    { 'npm/darwin-arm64/package.json': undefined },
    /darwin-arm64\/package\.json says no version/,
  ],
  [
    'a missing target',
    { 'package.json': manifest({ napi: { targets: targets.slice(1).map(({ triple }) => triple) } }) },
    /napi\.targets/,
  ],
  [
    'committed optional dependencies',
    { 'package.json': manifest({ optionalDependencies: {} }) },
    /optionalDependencies/,
  ],
]
for (const [what, change, message] of cases) {
  test(`refused at every commit: ${what}`, () => {
    const found = findDisagreements(project(change))
    assert.equal(found.filter((each) => message.test(each)).length, 1, found.join('\n'))
  })
}

const releaseCases = [
  ['another tag', {}, 'v1.2.4', /the tag is v1\.2\.4/],
  ['a tag without its v', {}, '1.2.3', /the tag is 1\.2\.3/],
  ['no release in the changelog', { 'CHANGELOG.md': '## [Unreleased]\n' }, 'v1.2.3', /CHANGELOG\.md is none/],
  [
    'an older release on top of the changelog',
    { 'CHANGELOG.md': '## [1.2.2] - 2026-01-01\n\n## [1.2.3] - 2026-01-02\n' },
    'v1.2.3',
    /CHANGELOG\.md is 1\.2\.2/,
  ],
  ['a release without a date', { 'CHANGELOG.md': '## [1.2.3]\n' }, 'v1.2.3', /CHANGELOG\.md is none/],
  [
    'lines that are still unreleased',
    { 'CHANGELOG.md': '## [Unreleased]\n\n### Added\n\n- x\n\n## [1.2.3] - 2026-01-02\n' },
    'v1.2.3',
    /under Unreleased/,
  ],
  ['no repository', { 'package.json': manifest({ repository: undefined }) }, 'v1.2.3', /no repository/],
]
for (const [what, change, tag, message] of releaseCases) {
  test(`refused for a release: ${what}`, () => {
    const found = findDisagreements(project(change), tag)
    assert.equal(found.filter((each) => message.test(each)).length, 1, found.join('\n'))
  })
}

test('a folder of binaries must hold one of each, right ones, and nothing else', (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'memmap-release-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(path.join(folder, binaryName(targets[0])), 'no binary')
  writeFileSync(path.join(folder, 'other.txt'), '')
  const script = fileURLToPath(new URL('check-release.mjs', import.meta.url))
  const { status, stderr } = spawnSync(process.execPath, [script, '--artifacts', folder], { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.equal(stderr.match(/ is missing$/gm)?.length, targets.length - 1, stderr)
  assert.match(stderr, /memmap\.linux-x64-gnu\.node can't be read: neither/)
  assert.match(stderr, /other\.txt belongs to no target/)
})

function project(change = {}) {
  const texts = {
    'package.json': manifest(),
    'package-lock.json': lock('1.2.3'),
    'Cargo.toml': '[package]\nname = "memmap"\nversion = "1.2.3"\n\n[dependencies]\nversion = "9"\n',
    'Cargo.lock': '[[package]]\nname = "libc"\nversion = "0.2.0"\n\n[[package]]\nname = "memmap"\nversion = "1.2.3"\n',
    'CHANGELOG.md': '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-02\n\n- x\n\n## [1.2.2] - 2026-01-01\n',
    'native/binding.cjs': "bindingPackageVersion !== '1.2.3' && bindingPackageVersion !== '1.2.3'",
    ...Object.fromEntries(targets.map(({ platform }) => [`npm/${platform}/package.json`, '{"version":"1.2.3"}'])),
    ...change,
  }
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined))
}

function manifest(change = {}) {
  return JSON.stringify({
    version: '1.2.3',
    repository: 'x',
    napi: { targets: targets.map(({ triple }) => triple) },
    ...change,
  })
}

function lock(version) {
  return JSON.stringify({ version, packages: { '': { version } } })
}
