import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { attemptsOf, type Circumstances, explain, PLATFORMS } from '../../lib/base/load-error.js'

const root = path.join(import.meta.dirname, '..', '..')
const notFound = (name: string) => `Cannot find module '${name}'`
const triedFor = (platform: string) => [notFound(`./memmap.${platform}.node`), notFound(`memmap-${platform}`)]

test('the platforms named in errors are those that packages are made for', (t) => {
  t.deepEqual([...PLATFORMS].toSorted(), readdirSync(path.join(root, 'npm')).toSorted())
})

test('a missing package is named, with what to do', explains, {
  attempts: triedFor('linux-x64-musl'),
  says: [
    /^No native binary of memmap could be loaded on linux-x64-musl\. The package memmap-linux-x64-musl, an optional /,
    /is not installed\. It is missing after an install with --omit=optional/,
    /"npm install --os=linux --cpu=x64 --libc=musl"\.\nTried:\n {2}- Cannot find module '\.\/memmap/,
  ],
})

test("another platform's package is named too", explains, {
  platform: 'darwin',
  arch: 'arm64',
  attempts: [...triedFor('darwin-universal'), ...triedFor('darwin-arm64')],
  installed: ['darwin-x64'],
  says: [
    /on darwin-arm64\./,
    /not installed \(memmap-darwin-x64 is, for another platform\)/,
    /"npm install --os=darwin --cpu=arm64"/,
  ],
})

test('a binary that the system refuses is told from one that is missing', explains, {
  attempts: [notFound('./memmap.linux-x64-gnu.node'), "/lib/libc.so.6: version `GLIBC_2.17' not found (required by x)"],
  installed: ['linux-x64-gnu'],
  says: [/is installed, but the system refused its binary \(.*not found.*\)\. It needs glibc 2\.17 or newer/],
})

test('a refusal that says nothing of glibc suggests to install again', explains, {
  attempts: [notFound('./memmap.linux-x64-gnu.node'), 'x.node: file too short'],
  installed: ['linux-x64-gnu'],
  says: [/refused its binary \(x\.node: file too short\)\. It may be damaged/],
})

test('a package that lost its binary is told from one that is not there', explains, {
  attempts: triedFor('linux-x64-gnu'),
  installed: ['linux-x64-gnu'],
  says: [/memmap-linux-x64-gnu is installed, but its binary is not in it\. Delete node_modules/],
})

test('a platform without a package gets the list of those with one', explains, {
  platform: 'freebsd',
  attempts: triedFor('freebsd-x64'),
  says: [/on freebsd-x64\. There is none for this platform\. Binaries exist for linux-x64-gnu, .*win32-arm64-msvc/],
})

test('a platform that the loader does not know is named all the same', explains, {
  platform: 'sunos',
  attempts: ['Unsupported OS: sunos, architecture: x64'],
  says: [/on sunos-x64\. There is none for this platform/],
})

for (const [platform, arch] of [
  ['linux', 'x64'],
  ['darwin', 'arm64'],
] as const) {
  test(`a loader that fails at once is blamed itself: ${platform}`, explains, {
    platform,
    arch,
    attempts: ['Cannot find module'],
    says: [/The loader that comes with memmap did not look for it\. Delete .*\nTried:\n {2}- Cannot find module$/],
  })
}

test('a 32-bit system is told why', explains, {
  arch: 'arm',
  attempts: triedFor('linux-arm-gnueabihf'),
  says: [/on linux-arm-gnueabihf\. 32-bit systems are left out on purpose/],
})

test("npm's os, cpu and libc of each platform are those of its package", (t) => {
  for (const name of PLATFORMS) {
    const manifest = JSON.parse(readFileSync(path.join(root, 'npm', name, 'package.json'), 'utf8'))
    const [platform = '', arch = ''] = name.split('-')
    const libc = manifest.libc === undefined ? '' : ` --libc=${manifest.libc[0]}`
    const text = explain({ platform, arch, env: {}, attempts: triedFor(name), installed: [] })
    t.true(text.includes(`npm install --os=${manifest.os[0]} --cpu=${manifest.cpu[0]}${libc}"`), text)
  }
})

test('tries are read from the chain of causes, oldest first, without the search for WebAssembly', (t) => {
  const first = new Error('first\nRequire stack:\n- x')
  const second = Object.assign(new Error("Cannot find module './memmap.wasi.cjs'"), { cause: first })
  const third = Object.assign(new Error('third'), { cause: second })
  t.deepEqual(attemptsOf(new Error('outer', { cause: third })), ['first', 'third'])
})

test('a chain of causes that bites its tail ends', (t) => {
  const error = new Error('x')
  error.cause = error
  t.deepEqual(attemptsOf(error), ['x'])
  t.deepEqual(attemptsOf(new Error('alone')), ['alone'])
})

test('what is no error has no tries', (t) => {
  for (const odd of [undefined, null, 'text', 1, {}]) t.deepEqual(attemptsOf(odd), [])
})

function explains(
  t: ExecutionContext,
  { says, ...given }: Partial<Circumstances> & { readonly says: readonly RegExp[] },
): void {
  const text = explain({ platform: 'linux', arch: 'x64', env: {}, attempts: [], installed: [], ...given })
  for (const each of says) t.regex(text, each)
}
