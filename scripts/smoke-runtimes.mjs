// Runs `__test__/smoke.mjs` on Node, Bun and Deno, each check in a process of its own. What they get is the built package
// (`npm run build`), by its name.
//
//     node scripts/smoke-runtimes.mjs [--only bun,deno]
//
// Bun and Deno come from npm, into `.runtimes`, and stay there.

import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { root } from './run.mjs'

const HANGS_AFTER = 60_000

/** Exact, so that a red run is this project's doing and not a release's of the night before. */
const versions = { bun: '1.4.5', deno: '2.9.6' }

const home = path.join(root, '.runtimes')

const { values } = parseArgs({ options: { only: { type: 'string', default: 'node,bun,deno' } } })
const runtimes = {
  node: () => [process.execPath, ['--expose-gc']],
  bun: () => [findBinary('bun', '@oven'), ['run']],
  deno: () => [findBinary('deno', '@deno'), ['run', '-A', '--v8-flags=--expose-gc']],
}

const folder = prepare()
let passed = 0
let failed = 0
for (const name of values.only.split(',')) await runAll(name, ...runtimes[name]())
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1

async function runAll(runtime, binary, args) {
  const version = execFileSync(binary, ['--version'], { encoding: 'utf8' }).split('\n')[0]
  console.log(`\n${runtime} (${version})`)
  const list = await runOne(binary, args)
  const checks = list.output.split('\n').filter((line) => line !== '')
  if (list.ending !== undefined) failed++
  if (list.ending !== undefined) console.log(`FAILED to load: ${list.ending}\n${list.output}`)
  else for (const check of checks) await runCheck(binary, args, check)
}

async function runCheck(binary, args, check) {
  const { ending, output } = await runOne(binary, [...args], check)
  if (ending === undefined) passed++
  else failed++
  console.log(ending === undefined ? `  ok      ${check}` : `  FAILED  ${check}: ${ending}\n${output}`)
}

function runOne(binary, args, ...check) {
  const child = spawn(binary, [...args, 'smoke.mjs', ...check], {
    cwd: folder,
    timeout: HANGS_AFTER,
    killSignal: 'SIGKILL',
  })
  let output = ''
  child.stdout.on('data', (text) => (output += text))
  child.stderr.on('data', (text) => (output += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      resolve({ ending: code === 0 ? undefined : (signal ?? `exit code ${code}`), output })
    })
  })
}

// A folder as a user has it: the package among the dependencies, under its name.
function prepare() {
  const consumer = path.join(home, 'consumer')
  const modules = path.join(consumer, 'node_modules')
  mkdirSync(modules, { recursive: true })
  writeFileSync(path.join(home, '.gitignore'), '*\n')
  writeFileSync(path.join(consumer, 'package.json'), '{ "private": true, "dependencies": { "memmap": "*" } }\n')
  rmSync(path.join(modules, 'memmap'), { force: true })
  symlinkSync(root, path.join(modules, 'memmap'), 'junction')
  copyFileSync(path.join(root, '__test__', 'smoke.mjs'), path.join(consumer, 'smoke.mjs'))
  return consumer
}

/** The binary, from the package of this platform that the runtime's package brings; it runs without an install script. */
function findBinary(name, scope) {
  const version = versions[name]
  const prefix = path.join(home, `${name}-${version}`)
  const packages = path.join(prefix, 'node_modules', scope)
  if (!existsSync(packages)) {
    console.log(`fetching ${name} ${version}`)
    mkdirSync(prefix, { recursive: true })
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
    const args = ['install', '--prefix', prefix, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
    execFileSync(npm, [...args, '--loglevel=error', `${name}@${version}`], { stdio: ['ignore', 'ignore', 'inherit'] })
  }
  const candidates = readdirSync(packages).flatMap((one) =>
    ['bin/bun', 'bin/bun.exe', 'deno', 'deno.exe'].map((file) => path.join(packages, one, file)),
  )
  const found = candidates.find((file) => existsSync(file) && runs(file))
  if (found === undefined) throw new Error(`No binary of ${name} runs here.`)
  return found
}

function runs(binary) {
  try {
    execFileSync(binary, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
