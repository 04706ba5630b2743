import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { attemptsOf, type Circumstances, explain, PLATFORMS } from '../../lib/base/load-error.js'
import { type Outcome, runCode } from '../helpers/child.js'
import { tempDir } from '../helpers/temp.js'

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

test('an environment variable that names no binary is blamed', async (t) => {
  const outcome = await runCode(`import { mmap } from 'memmap'`, {
    env: { NAPI_RS_NATIVE_LIBRARY_PATH: '/none/such.node' },
  })
  refuses(t, outcome, /NAPI_RS_NATIVE_LIBRARY_PATH asks for \/none\/such\.node instead/)
})

test('an environment variable that asks for WebAssembly is blamed', async (t) => {
  for (const env of [{ NAPI_RS_FORCE_WASI: 'error' }, { NAPI_RS_WASI_FLAVOR: 'wasm32-wasi' }]) {
    const outcome = await runCode(`import { mmap } from 'memmap'`, { env })
    refuses(t, outcome, /An environment variable .* asks for a WebAssembly build, and there is none: unset it/)
  }
})

test('without a binary the import fails with what was tried', async (t) => {
  refuses(t, await importFrom(copyWithoutBinary(t)), /, an optional dependency, is not installed\. [^]*Tried:\n {2}- /)
})

test('without the loader the import says that the package is not whole', async (t) => {
  const folder = copyWithoutBinary(t)
  rmSync(path.join(folder, 'native', 'binding.cjs'))
  refuses(t, await importFrom(folder), /The loader that comes with memmap did not look for it\. Delete node_modules/)
})

test("with another platform's package alone the import says so", async (t) => {
  const folder = copyWithoutBinary(t)
  install(folder, 'win32-arm64-msvc')
  refuses(t, await importFrom(folder), /not installed \(memmap-win32-arm64-msvc is, for another platform\)/)
})

test('a damaged binary is reported as refused by the system', async (t) => {
  const folder = copyWithoutBinary(t)
  for (const platform of PLATFORMS) install(folder, platform)
  refuses(t, await importFrom(folder), /is installed, but the system refused its binary \(.+\)\. It may be damaged/)
})

function explains(
  t: ExecutionContext,
  { says, ...given }: Partial<Circumstances> & { readonly says: readonly RegExp[] },
): void {
  const text = explain({ platform: 'linux', arch: 'x64', env: {}, attempts: [], installed: [], ...given })
  for (const each of says) t.regex(text, each)
}

function refuses(t: ExecutionContext, { code, signal, stderr }: Outcome, message: RegExp): void {
  t.deepEqual({ code, signal }, { code: 1, signal: null })
  t.regex(stderr, /MemmapError \[ERR_MEMMAP_NO_BINARY\]: No native binary of memmap could be loaded on /)
  t.regex(stderr, message)
}

/** This library as it is in the repository, less what was built. */
function copyWithoutBinary(t: ExecutionContext): string {
  const folder = tempDir(t)
  for (const name of ['index.ts', 'lib', 'package.json', 'native/binding.cjs', 'tsconfig.json']) {
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true })
  }
  return folder
}

function install(folder: string, platform: string): void {
  const home = path.join(folder, 'node_modules', `memmap-${platform}`)
  mkdirSync(home, { recursive: true })
  cpSync(path.join(root, 'npm', platform, 'package.json'), path.join(home, 'package.json'))
  writeFileSync(path.join(home, `memmap.${platform}.node`), 'no binary')
}

function importFrom(folder: string): Promise<Outcome> {
  const entry = pathToFileURL(path.join(folder, 'index.ts')).href
  return runCode(`await import(${JSON.stringify(entry)})`, { env: { NAPI_RS_NATIVE_LIBRARY_PATH: '' } })
}
