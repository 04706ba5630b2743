import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { attemptsOf, type Circumstances, explain, PLATFORMS } from '../../lib/base/load-error.js'

const root = path.join(import.meta.dirname, '..', '..')
const notFound = (name: string) => `Cannot find module '${name}'`
const triedFor = (platform: string) => [notFound(`./memmap.${platform}.node`), notFound(`memmap-${platform}`)]

test('the platforms named in errors are the folders of npm/', (t) => {
  t.deepEqual([...PLATFORMS].toSorted(), readdirSync(path.join(root, 'npm')).toSorted())
})

test('the error names the missing package and the remedy', explains, {
  attempts: triedFor('linux-x64-musl'),
  says: [
    /^No native binary of memmap could be loaded on linux-x64-musl\. The package memmap-linux-x64-musl, an optional /,
    /is not installed\. Possible causes are an install with --omit=optional/,
    /"npm install --os=linux --cpu=x64 --libc=musl"\.\nTried:\n {2}- Cannot find module '\.\/memmap/,
  ],
})

test('the error names an installed package of another platform', explains, {
  platform: 'darwin',
  arch: 'arm64',
  attempts: [...triedFor('darwin-universal'), ...triedFor('darwin-arm64')],
  installed: ['darwin-x64'],
  says: [
    /on darwin-arm64\./,
    /not installed \(memmap-darwin-x64 is installed, for another platform\)/,
    /"npm install --os=darwin --cpu=arm64"/,
  ],
})

test('the error distinguishes a binary that does not load from a missing one', explains, {
  attempts: [notFound('./memmap.linux-x64-gnu.node'), "/lib/libc.so.6: version `GLIBC_2.17' not found (required by x)"],
  installed: ['linux-x64-gnu'],
  says: [/is installed, but the system could not load its binary \(.*not found.*\)\. It needs glibc 2\.17 or newer/],
})

test('a load failure that does not mention glibc suggests a reinstallation', explains, {
  attempts: [notFound('./memmap.linux-x64-gnu.node'), 'x.node: file too short'],
  installed: ['linux-x64-gnu'],
  says: [/could not load its binary \(x\.node: file too short\)\. The binary may be damaged/],
})

test('the error distinguishes a package without its binary from a missing package', explains, {
  attempts: triedFor('linux-x64-gnu'),
  installed: ['linux-x64-gnu'],
  says: [/memmap-linux-x64-gnu is installed, but it contains no binary\. Delete node_modules/],
})

test('the error for an unsupported platform lists the supported platforms', explains, {
  platform: 'freebsd',
  attempts: triedFor('freebsd-x64'),
  says: [
    /on freebsd-x64\. No release has a binary for this platform\. Binaries exist for linux-x64-gnu, .*win32-arm64-msvc/,
  ],
})

test('the error names a platform that the loader does not know', explains, {
  platform: 'sunos',
  attempts: ['Unsupported OS: sunos, architecture: x64'],
  says: [/on sunos-x64\. No release has a binary for this platform/],
})

for (const [platform, arch] of [
  ['linux', 'x64'],
  ['darwin', 'arm64'],
] as const) {
  test(`the error names a loader that failed before it tried anything: ${platform}`, explains, {
    platform,
    arch,
    attempts: ['Cannot find module'],
    says: [
      /The loader that memmap installs did not look for this platform\. Delete .*\nTried:\n {2}- Cannot find module$/,
    ],
  })
}

test('the error on a 32-bit system says that 32-bit systems are not supported', explains, {
  arch: 'arm',
  attempts: triedFor('linux-arm-gnueabihf'),
  says: [/on linux-arm-gnueabihf\. memmap does not support 32-bit systems/],
})

test("the suggested os, cpu and libc are those of the package's manifest", (t) => {
  for (const name of PLATFORMS) {
    const manifest = JSON.parse(readFileSync(path.join(root, 'npm', name, 'package.json'), 'utf8'))
    const [platform = '', arch = ''] = name.split('-')
    const libc = manifest.libc === undefined ? '' : ` --libc=${manifest.libc[0]}`
    const text = explain({ platform, arch, env: {}, attempts: triedFor(name), installed: [] })
    t.true(text.includes(`npm install --os=${manifest.os[0]} --cpu=${manifest.cpu[0]}${libc}"`), text)
  }
})

test('attempts are read from the chain of causes, oldest first, without the search for WebAssembly', (t) => {
  const first = new Error('first\nRequire stack:\n- x')
  const second = Object.assign(new Error("Cannot find module './memmap.wasi.cjs'"), { cause: first })
  const third = Object.assign(new Error('third'), { cause: second })
  t.deepEqual(attemptsOf(new Error('outer', { cause: third })), ['first', 'third'])
})

test('a circular chain of causes is read once', (t) => {
  const error = new Error('x')
  error.cause = error
  t.deepEqual(attemptsOf(error), ['x'])
  t.deepEqual(attemptsOf(new Error('alone')), ['alone'])
})

test('a value that is not an error has no attempts', (t) => {
  for (const odd of [undefined, null, 'text', 1, {}]) t.deepEqual(attemptsOf(odd), [])
})

function explains(
  t: ExecutionContext,
  { says, ...given }: Partial<Circumstances> & { readonly says: readonly RegExp[] },
): void {
  const text = explain({ platform: 'linux', arch: 'x64', env: {}, attempts: [], installed: [], ...given })
  for (const each of says) t.regex(text, each)
}
