// Replaces `__test__/helpers/child.ts` in the compiled copy of the project: child processes use the runtime of their parent.

import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { LeftOut } from 'ava'

const root = path.join(import.meta.dirname, '..', '..')
const scratch = path.join(root, 'code')
const isBun = globalThis.Bun !== undefined
const isDeno = globalThis.Deno !== undefined
const isNode = !isBun && !isDeno

export const entry = pathToFileURL(path.join(root, 'index.js')).href

export function fixtureFile(name) {
  return path.join(root, '__test__', 'fixtures', name.replace(/\.ts$/, '.js'))
}

export function runFixture(name, options = {}) {
  return run(fixtureFile(name), options)
}

export const program = path.join(root, 'lib', 'cli', 'main.js')

/** Options that Node needs to run TypeScript; none, since everything is compiled. */
export const typed = []

export function runProgram(args, options = {}) {
  return run(program, { ...options, args })
}

let number = 0
export function runCode(code, options = {}) {
  mkdirSync(scratch, { recursive: true })
  const file = path.join(scratch, `${process.pid}-${number++}.mjs`)
  const linked = code.replaceAll(/from 'memmap'/g, `from '${entry}'`).replaceAll(/(from 'file:[^']*)\.ts'/g, "$1.js'")
  // Removes the file from the arguments, as it would be missing with --eval.
  writeFileSync(file, `process.argv.splice(1, 1)\n${linked}`)
  return run(file, options)
}

function run(file, options) {
  const { args = [], cwd, env = {}, node = [], through = [], timeout = 60_000 } = options
  const flags = node.flatMap(translate)
  return new Promise((resolve, reject) => {
    const start = isNode
      ? [...flags, file]
      : isBun
        ? ['run', ...flags, file]
        : ['run', '-A', '--quiet', '--no-check', ...flags, file]
    const [command, ...rest] = [...through, process.execPath, ...start, ...args]
    const child = spawn(command, rest, {
      cwd,
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        ...(node.includes('--no-warnings') ? { NODE_NO_WARNINGS: '1' } : {}),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeout * Number(process.env.MEMMAP_TEST_PATIENCE ?? 2),
      killSignal: 'SIGKILL',
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      // Deno prints warnings despite NODE_NO_WARNINGS.
      if (isDeno && node.includes('--no-warnings')) stderr = stderr.replaceAll(/^\(node:\d+\) \[.*\n/gm, '')
      // A message of the emulator at the end of a program.
      stderr = stderr.replaceAll(/^qemu: uncaught target signal .*\n/gm, '')
      resolve({ code, signal, stdout, stderr })
    })
  })
}

// Translates the options of Node that the other runtimes have too. A test that needs another option is about Node.
function translate(flag) {
  if (isNode) return [flag]
  if (flag === '--no-warnings') return []
  if (flag === '--expose-gc') return isBun ? ['--expose-gc'] : ['--v8-flags=--expose-gc']
  throw new LeftOut(`it starts Node with ${flag}`)
}
