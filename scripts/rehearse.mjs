// Rehearses a release with a registry of its own on the loopback interface: publishes all packages, installs them as a user does,
// runs the first example of the README, compiles against the types, and tries the failures that users may meet.
//
// No tool serves: it uses napi, npm and verdaccio, and checks how they work together.
//
//     npm run rehearse
//
// A binary for another platform comes from artifacts/ (lab/cross-build.mjs). If it is missing, the binary of this machine takes its
// name; the packages do not look into it.

import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { findFlaws } from './check-artifact.mjs'
import { startRegistry } from './registry.mjs'
import { root } from './run.mjs'
import { binaryName, targets } from './targets.mjs'

// If the types were lost, everything would be `any`, and the wrong mode 'rw' would not be an error.
const typed = `
  import { mmap, type Mapping } from 'memmap'
  const mapping: Promise<Mapping> = mmap('package.json', { mode: 'r' })
  export const bytes: Promise<Buffer> = mapping.then((each) => each.buffer())
  // @ts-expect-error no such mode
  export const wrong = mmap('package.json', { mode: 'rw' })
`

const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
const host = findHost()
const scratch = mkdtempSync(path.join(os.tmpdir(), 'memmap-rehearsal-'))
const release = path.join(scratch, 'release')
let registry
let passed = 0
let failed = 0

try {
  registry = await startRegistry()
  prepare()
  const bring = path.join(release, 'artifacts', binaryName(targets.find((target) => target !== host)))
  await step('a missing binary stops the release', () => {
    const aside = `${bring}.aside`
    copyFileSync(bring, aside)
    rmSync(bring)
    const { status } = napi('artifacts', '--build-output-dir', 'native')
    copyFileSync(aside, bring)
    rmSync(aside)
    expect(status !== 0, 'napi artifacts accepted seven of eight binaries')
  })
  await step('each package gets its binary', () => {
    const { status, output } = napi('artifacts', '--build-output-dir', 'native')
    expect(status === 0, output)
    for (const target of targets) {
      const [binary, ...rest] = readdirSync(path.join(release, 'npm', target.platform)).filter((name) =>
        name.endsWith('.node'),
      )
      expect(binary === binaryName(target) && rest.length === 0, `npm/${target.platform} holds ${binary} ${rest}`)
    }
  })
  await step('each package gets the licences of all that its binary is made of', () => {
    execFileSync(process.execPath, [path.join(root, 'scripts', 'licenses.mjs'), '--out', path.join(release, 'npm')])
  })
  await step(`all ${targets.length + 1} packages are published`, () => {
    const { status, output } = npm(release, 'publish', '--access', 'public')
    expect(status === 0, output)
    for (const name of ['memmap', ...targets.map(({ platform }) => `memmap-${platform}`)]) {
      const seen = npm(scratch, 'view', `${name}@${version}`, 'version')
      expect(seen.output.includes(version), `${name} is not there:\n${seen.output}`)
    }
  })
  await step('the main package asks for every platform package, at this very version', () => {
    const { stdout: output } = npm(scratch, 'view', 'memmap', 'optionalDependencies', '--json')
    const wanted = Object.fromEntries(targets.map(({ platform }) => [`memmap-${platform}`, version]))
    const asked = JSON.parse(output)
    expect(
      Object.keys(wanted).every((name) => asked[name] === version) && Object.keys(asked).length === targets.length,
      output,
    )
  })
  await step('a second publish is refused, and changes nothing', () => {
    const { status, output } = npm(release, 'publish', '--access', 'public')
    expect(status !== 0, output)
    // The platform packages are skipped, so that a release that stopped can be continued.
    expect(/skipping|has been published/i.test(output), output)
  })

  const user = folder('user')
  await step('an install without scripts, compiler or Rust brings exactly two packages', () => {
    install(user)
    const packages = readdirSync(path.join(user, 'node_modules')).filter((name) => !name.startsWith('.'))
    expect(packages.join() === `memmap,memmap-${host.platform}`, `arrived: ${packages.join(', ')}`)
    const license = readFileSync(path.join(user, 'node_modules', `memmap-${host.platform}`, 'LICENSE'), 'utf8')
    expect(/^memmap2 /m.test(license), `its licence names no memmap2:\n${license}`)
  })
  const example = firstExample()
  writeFileSync(path.join(user, 'access.log'), 'all is well\nERROR: not any more\n')
  for (const [name, code] of [
    ['import.mjs', example],
    ['require.cjs', asRequire(example)],
  ]) {
    await step(`README's first example runs by ${name.split('.')[0]}`, () => {
      writeFileSync(path.join(user, name), code)
      const { status, output } = node(user, name)
      expect(status === 0 && output === '12\n12\n0\n', output)
    })
  }
  await step('types compile in every module resolution', () => {
    const consumer = folder('types')
    mkdirSync(path.join(consumer, 'node_modules'))
    symlinkSync(path.join(user, 'node_modules', 'memmap'), path.join(consumer, 'node_modules', 'memmap'), 'junction')
    symlinkSync(path.join(root, 'node_modules', '@types'), path.join(consumer, 'node_modules', '@types'), 'junction')
    writeFileSync(path.join(consumer, 'package.json'), '{ "private": true, "type": "module" }')
    writeFileSync(path.join(consumer, 'use.mts'), typed)
    writeFileSync(path.join(consumer, 'use.ts'), typed)
    writeFileSync(path.join(consumer, 'use.cts'), typed)
    compile(consumer, { module: 'node16', moduleResolution: 'node16', files: ['use.mts', 'use.ts'] })
    compile(consumer, { module: 'nodenext', moduleResolution: 'nodenext', files: ['use.mts', 'use.ts', 'use.cts'] })
    compile(consumer, { module: 'esnext', moduleResolution: 'bundler', files: ['use.ts'] })
  })

  await step('without the optional packages the import says what to do', () => {
    const lacking = folder('omitted')
    install(lacking, '--omit=optional')
    refuses(lacking, /The package memmap-[\w-]+, an optional dependency, is not installed\. [^]*--omit=optional/)
  })
  await step("with another platform's package alone the import names it", () => {
    const foreign = folder('foreign')
    const other = targets.find(({ libc, arch }) => libc === 'musl' && arch === host.arch)
    install(foreign, '--os=linux', `--cpu=${other.arch}`, '--libc=musl')
    const packages = readdirSync(path.join(foreign, 'node_modules')).filter((name) => !name.startsWith('.'))
    expect(packages.join() === `memmap,memmap-${other.platform}`, `arrived: ${packages.join(', ')}`)
    refuses(foreign, new RegExp(`not installed \\(memmap-${other.platform} is installed, for another platform\\)`))
  })
  await step('a package that lost its binary is told from one that is not there', () => {
    const broken = folder('broken')
    install(broken)
    rmSync(path.join(broken, 'node_modules', `memmap-${host.platform}`, binaryName(host)))
    refuses(broken, /is installed, but it contains no binary/)
  })
} catch (error) {
  failed++
  console.log(`FAILED the rehearsal itself: ${error.stack}`)
} finally {
  await registry?.close()
  rmSync(scratch, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

async function step(what, work) {
  try {
    await work()
    passed++
    console.log(`ok     ${what}`)
  } catch (error) {
    failed++
    console.log(`FAILED ${what}\n${error.message.replace(/^/gm, '       ')}`)
  }
}

/** Prepares the repository as in the release job: compiled, with a binary of every platform in artifacts/. */
function prepare() {
  const npmrc = `registry=${registry.url}\n//${new URL(registry.url).host}/:_authToken=rehearsal\nprovenance=false\n`
  for (const name of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'dist', 'npm']) {
    cpSync(path.join(root, name), path.join(release, name), { recursive: true })
  }
  mkdirSync(path.join(release, 'native'))
  for (const name of ['binding.cjs', 'binding.d.cts']) {
    copyFileSync(path.join(root, 'native', name), path.join(release, 'native', name))
  }
  writeFileSync(path.join(release, '.npmrc'), npmrc)
  writeFileSync(path.join(scratch, '.npmrc'), npmrc)
  mkdirSync(path.join(release, 'artifacts'))
  for (const target of targets) {
    const [own, cross] = ['native', 'artifacts'].map((name) => path.join(root, name, binaryName(target)))
    const real = existsSync(cross) && findFlaws(cross, target).length === 0
    const source = target === host ? own : real ? cross : path.join(root, 'native', binaryName(host))
    console.log(`${target.platform}: ${target === host ? 'built here' : real ? 'cross-built' : 'a stand-in'}`)
    copyFileSync(source, path.join(release, 'artifacts', binaryName(target)))
  }
}

function findHost() {
  const found = targets.find(
    (target) =>
      existsSync(path.join(root, 'native', binaryName(target))) &&
      target.platform.startsWith(`${process.platform}-${process.arch}`),
  )
  if (!found) throw new Error('There is no binary for this machine in native/: run "npm run build:native" first.')
  return found
}

function folder(name) {
  const made = path.join(scratch, name)
  mkdirSync(made)
  writeFileSync(path.join(made, 'package.json'), '{ "private": true }\n')
  copyFileSync(path.join(scratch, '.npmrc'), path.join(made, '.npmrc'))
  return made
}

function install(where, ...options) {
  const { status, output } = npm(where, 'install', '--ignore-scripts', '--no-audit', '--no-fund', ...options, 'memmap')
  expect(status === 0, output)
}

function refuses(where, message) {
  const { status, output } = node(where, '--input-type=module', '--eval', "await import('memmap')")
  expect(status === 1, `exit code ${status}\n${output}`)
  expect(/MemmapError \[ERR_MEMMAP_NO_BINARY\]/.test(output) && message.test(output), output)
}

function napi(...args) {
  return start(release, process.execPath, [
    path.join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js'),
    ...args,
  ])
}

function npm(cwd, ...args) {
  // A publish needs the napi command, as in the repository. An installation must find no tool.
  const tools = args[0] === 'publish' ? [path.join(root, 'node_modules', '.bin')] : []
  return start(cwd, process.execPath, [npmCli(), '--cache', path.join(scratch, 'cache'), ...args], tools)
}

function node(cwd, ...args) {
  return start(cwd, process.execPath, args)
}

/** Runs a command with a PATH without Rust and compilers, and without the variables of npm in the environment. */
function start(cwd, command, args, tools = []) {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:npm_|NAPI_|CARGO|RUST|CC$|CXX$)/i.test(name)),
  )
  env.PATH = [...tools, bareTools()].join(path.delimiter)
  const result = spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: 5 * 60_000 })
  if (result.error) throw result.error
  return { status: result.status, stdout: result.stdout, output: result.stdout + result.stderr }
}

/** Returns a folder with links to node and a shell only. */
function bareTools() {
  const made = path.join(scratch, 'bin')
  if (existsSync(made)) return made
  mkdirSync(made)
  for (const file of [process.execPath, '/bin/sh']) symlinkSync(file, path.join(made, path.basename(file)))
  writeFileSync(path.join(made, 'npm'), `#!/bin/sh\nexec "${process.execPath}" "${npmCli()}" "$@"\n`, { mode: 0o755 })
  return made
}

function npmCli() {
  if (process.env.npm_execpath?.endsWith('npm-cli.js')) return process.env.npm_execpath
  const globals = execFileSync('npm', ['root', '-g'], { encoding: 'utf8' }).trim()
  return path.join(globals, 'npm', 'bin', 'npm-cli.js')
}

/** Returns the first block of code under the heading `Examples` of the README. It is plain JavaScript. */
function firstExample() {
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
  const block = /^## Examples\n[^]*?^```ts\n([^]*?)^```/m.exec(readme)
  if (!block) throw new Error('README.md has no first example')
  return block[1]
}

function asRequire(code) {
  const [, names, rest] = /^import (\{[^}]*\}) from 'memmap'\n([^]*)$/.exec(code) ?? []
  if (names === undefined) throw new Error("README's first example does not start with its import")
  return `const ${names} = require('memmap')\nasync function main() {\n${rest}}\nmain()\n`
}

function compile(cwd, { files, ...options }) {
  const compilerOptions = { target: 'ES2023', lib: ['ES2023'], types: ['node'], strict: true, noEmit: true, ...options }
  writeFileSync(path.join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  const { status, output } = node(cwd, path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'))
  expect(status === 0, `${options.moduleResolution}:\n${output}`)
}

function expect(holds, message) {
  if (!holds) throw new Error(message)
}
