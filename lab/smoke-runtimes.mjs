// Runs `__test__/smoke.mjs` on Node, Bun and Deno, each check in a process of its own. They import the built package
// (`npm run build`) by its name.
//
//     node lab/smoke-runtimes.mjs [--only bun,deno]
//
// Bun and Deno are fetched from npm into `.runtimes`.

import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { root } from '../scripts/run.mjs'
import { findRuntime, home } from './runtimes/runtimes.mjs'

const HANGS_AFTER = 60_000

const { values } = parseArgs({ options: { only: { type: 'string', default: 'node,bun,deno' } } })
const runtimes = {
  node: () => [process.execPath, ['--expose-gc']],
  bun: () => [findRuntime('bun'), ['run']],
  deno: () => [findRuntime('deno'), ['run', '-A', '--v8-flags=--expose-gc']],
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

// Makes a folder as after an installation: the package is in node_modules under its name.
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
