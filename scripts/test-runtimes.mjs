// The specs on Bun and Deno, compiled to JavaScript, with scripts/runtimes/ava.mjs in ava's place; child processes are of the
// same runtime. What is known to be different there is named in scripts/runtimes/differences.mjs, and has to be.
//
//     node scripts/test-runtimes.mjs [--only bun,deno] [SPEC…]      SPEC as in `search`

import { execFileSync, spawn } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { compileSpecs } from './runtimes/compile.mjs'
import { aboutNode, differences, leftOut } from './runtimes/differences.mjs'
import { Tally } from './runtimes/outcome.mjs'
import { findRuntime } from './runtimes/runtimes.mjs'

const HANGS_AFTER = 10 * 60_000

const flags = { bun: ['run', '--expose-gc'], deno: ['run', '-A', '--quiet', '--no-check', '--v8-flags=--expose-gc'] }

const { values, positionals } = parseArgs({
  options: { only: { type: 'string', default: 'bun,deno' } },
  allowPositionals: true,
})

// A folder of its own: another run may be under way.
const folder = compileSpecs(`specs-${process.pid}`)
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const all = readdirSync(path.join(folder, '__test__')).flatMap((name) => /^(.*)\.spec\.js$/.exec(name)?.[1] ?? [])
const specs = positionals.length > 0 ? positionals : all.filter((name) => !(name in aboutNode))
const tally = new Tally()
for (const runtime of values.only.split(',')) {
  const binary = findRuntime(runtime)
  console.log(`\n== ${runtime} ${execFileSync(binary, ['--version'], { encoding: 'utf8' }).split('\n')[0]} ==`)
  for (const spec of specs.filter((name) => !(name in leftOut[runtime]))) {
    const result = await start(binary, [...flags[runtime], path.join('__test__', `${spec}.spec.js`)])
    tally.add(spec, result, differences[runtime][spec])
  }
}
process.exitCode = tally.report()

function start(binary, args) {
  const began = performance.now()
  const child = spawn(binary, args, {
    cwd: folder,
    timeout: HANGS_AFTER,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) =>
      resolve({
        output,
        ending: signal === null ? `exit code ${code}` : `signal ${signal}`,
        seconds: (performance.now() - began) / 1000,
      }),
    )
  })
}
