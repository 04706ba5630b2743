import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { PLATFORMS } from '../../lib/base/load-error.js'
import { type Outcome, runCode } from '../helpers/child.js'
import { tempDir } from '../helpers/temp.js'

const root = path.join(import.meta.dirname, '..', '..')
test('the error names the environment variable that points to a missing binary', async (t) => {
  const outcome = await runCode(`import { mmap } from 'memmap'`, {
    env: { NAPI_RS_NATIVE_LIBRARY_PATH: '/none/such.node' },
  })
  refuses(t, outcome, /NAPI_RS_NATIVE_LIBRARY_PATH selects \/none\/such\.node in place of the installed binary/)
})

test('the error names the environment variables that ask for WebAssembly', async (t) => {
  for (const env of [{ NAPI_RS_FORCE_WASI: 'error' }, { NAPI_RS_WASI_FLAVOR: 'wasm32-wasi' }]) {
    const outcome = await runCode(`import { mmap } from 'memmap'`, { env: { NAPI_RS_NATIVE_LIBRARY_PATH: '', ...env } })
    refuses(
      t,
      outcome,
      /An environment variable .* selects a WebAssembly build, which does not exist: unset the variable/,
    )
  }
})

test('without a binary the import fails and lists the attempts', async (t) => {
  refuses(t, await importFrom(copyWithoutBinary(t)), /, an optional dependency, is not installed\. [^]*Tried:\n {2}- /)
})

test('without the loader the import reports an incomplete package', async (t) => {
  const folder = copyWithoutBinary(t)
  rmSync(path.join(folder, 'native', 'binding.cjs'))
  refuses(
    t,
    await importFrom(folder),
    /The loader that memmap installs did not look for this platform\. Delete node_modules/,
  )
})

test('with only the package of another platform the import says so', async (t) => {
  const folder = copyWithoutBinary(t)
  install(folder, 'win32-arm64-msvc')
  refuses(t, await importFrom(folder), /not installed \(memmap-win32-arm64-msvc is installed, for another platform\)/)
})

test('a damaged binary is reported as refused by the system', async (t) => {
  const folder = copyWithoutBinary(t)
  for (const platform of PLATFORMS) install(folder, platform)
  refuses(
    t,
    await importFrom(folder),
    /is installed, but the system could not load its binary \(.+\)\. The binary may be damaged/,
  )
})

function refuses(t: ExecutionContext, { code, signal, stderr }: Outcome, message: RegExp): void {
  t.deepEqual({ code, signal }, { code: 1, signal: null })
  t.regex(stderr, /MemmapError \[ERR_MEMMAP_NO_BINARY\]: No native binary of memmap could be loaded on /)
  t.regex(stderr, message)
}

/** Copies the sources of this library, without what was built. */
function copyWithoutBinary(t: ExecutionContext): string {
  const folder = tempDir(t)
  for (const name of ['index.ts', 'lib', 'package.json', 'native/binding.cjs', 'tsconfig.json']) {
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true })
  }
  return folder
}

function install(folder: string, platform: string): void {
  const packageFolder = path.join(folder, 'node_modules', `memmap-${platform}`)
  mkdirSync(packageFolder, { recursive: true })
  cpSync(path.join(root, 'npm', platform, 'package.json'), path.join(packageFolder, 'package.json'))
  writeFileSync(path.join(packageFolder, `memmap.${platform}.node`), 'no binary')
}

function importFrom(folder: string): Promise<Outcome> {
  const entry = pathToFileURL(path.join(folder, 'index.ts')).href
  return runCode(`await import(${JSON.stringify(entry)})`, { env: { NAPI_RS_NATIVE_LIBRARY_PATH: '' } })
}
