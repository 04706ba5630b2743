import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

/** How a child process ended, and its output. */
export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface ChildOptions {
  readonly args?: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Options for Node itself. */
  readonly node?: readonly string[]
  /** A command that starts Node: the command line of Node is appended to it. */
  readonly through?: readonly string[]
  /** The time limit in milliseconds, multiplied by `MEMMAP_TEST_PATIENCE`. SIGKILL ends the process then. @default 60000 */
  readonly timeout?: number
}

// An emulated processor is about ten times slower.
const patience = Number(process.env['MEMMAP_TEST_PATIENCE'] ?? 1)

const sources = path.join(import.meta.dirname, '..', '..')

// Where ava.config.js has compiled the programs, which then start faster; undefined if they run from their sources.
const compiled = process.env['MEMMAP_TEST_COMPILED']
const root = compiled ?? sources
const extension = compiled === undefined ? '.ts' : '.js'

// The path of the loader, because a child may run in another directory.
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

/** The entry point of the library, which code in a child process imports. */
export const entry = pathToFileURL(path.join(root, `index${extension}`)).href

/** The command-line program. */
export const program = path.join(root, 'lib', 'cli', `main${extension}`)

/** The options with which Node runs `program` and fixtures. */
export const typed = compiled === undefined ? ['--import', loader] : []

/** Returns the path of a program of `__test__/fixtures`. */
export function fixtureFile(name: string): string {
  // A script of another folder is not compiled.
  const isScript = name.endsWith('.mjs')
  return path.join(isScript ? sources : root, '__test__', 'fixtures', name.replace(/\.ts$/, extension))
}

/** Runs a script of `__test__/fixtures` in a process of its own. */
export function runFixture(name: string, options: ChildOptions = {}): Promise<Outcome> {
  return run([fixtureFile(name)], options)
}

/** Runs the command-line program. */
export function runProgram(args: readonly string[], options: ChildOptions = {}): Promise<Outcome> {
  return run([program, ...args], options)
}

/** Runs code, as an ES module in TypeScript without types, in a process of its own. 'memmap' names this library. */
export function runCode(code: string, options: ChildOptions = {}): Promise<Outcome> {
  const linked = code
    .replaceAll(/from 'memmap'/g, `from '${entry}'`)
    .replaceAll(/(from 'file:[^']*)\.ts'/g, `$1${extension}'`)
  return run(['--input-type=module', '--eval', linked], options)
}

// ava starts all tests of a file at once. More programs would starve each other until they reach their time limits.
const MAX_AT_ONCE = 3
let running = 0
const waiting: (() => void)[] = []

async function run(script: readonly string[], options: ChildOptions): Promise<Outcome> {
  if (running === MAX_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
  else running++
  try {
    return await start(script, options)
  } finally {
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
}

function start(script: readonly string[], options: ChildOptions): Promise<Outcome> {
  const { args = [], cwd, env = {}, node = [], through = [], timeout = 60_000 } = options
  return new Promise((resolve, reject) => {
    const isTyped = script.some((part) => /\.(?:ts|mjs)\b/.test(part))
    const loading = isTyped ? ['--import', loader] : []
    const [command = '', ...rest] = [...through, process.execPath, ...node, ...loading, ...script, ...args]
    const child = spawn(command, rest, {
      cwd,
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeout * patience,
      killSignal: 'SIGKILL',
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}
