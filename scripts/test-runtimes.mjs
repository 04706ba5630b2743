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
const totals = { passed: 0, failed: 0, different: 0, leftOut: 0 }
for (const runtime of values.only.split(',')) {
  const binary = findRuntime(runtime)
  console.log(`\n== ${runtime} ${execFileSync(binary, ['--version'], { encoding: 'utf8' }).split('\n')[0]} ==`)
  for (const spec of specs.filter((name) => !(name in leftOut[runtime]))) await runSpec(runtime, binary, spec)
}
console.log(`\n${totals.different} known differences, ${totals.leftOut} left out`)
console.log(`${totals.passed} passed, ${totals.failed} failed`)
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1

async function runSpec(runtime, binary, spec) {
  const { output, ending } = await start(binary, [...flags[runtime], path.join('__test__', `${spec}.spec.js`)])
  const known = differences[runtime][spec] ?? {}
  const results = [...output.matchAll(/^(not )?ok \d+ - (.*?)(?: # SKIP (.*))?$/gm)]
  const failures = results.filter(([, not]) => not).map(([, , title]) => title)
  const skipped = results.filter(([, , , reason]) => reason !== undefined)
  const wrong = failures.filter((title) => !(title in known))
  // A difference that is gone must leave the list, and with it the docs.
  const gone = Object.keys(known).filter((title) => !failures.includes(title))
  const ended = /^# fail \d+$/m.test(output) && !ending.startsWith('signal')
  totals.passed += results.length - failures.length - skipped.length
  totals.different += failures.length - wrong.length
  totals.leftOut += skipped.length
  totals.failed += wrong.length + gone.length + (ended ? 0 : 1)
  const bad = wrong.length + gone.length > 0 || !ended
  console.log(
    `${bad ? 'FAILED' : 'ok    '} ${spec}: ${results.length - failures.length - skipped.length} passed${skipped.length > 0 ? `, ${skipped.length} left out` : ''}${failures.length > wrong.length ? `, ${failures.length - wrong.length} known differences` : ''}`,
  )
  for (const title of wrong) console.log(`       ${title}\n${detail(output, title)}`)
  for (const title of gone) console.log(`       no longer different: ${title}`)
  if (!ended) console.log(`       did not end well (${ending}):\n${output.slice(-2000)}`)
}

function detail(output, title) {
  const lines = output.split('\n')
  const at = lines.findIndex((line) => line.startsWith('not ok') && line.endsWith(`- ${title}`))
  const rest = lines.slice(at + 1)
  const end = rest.findIndex((line) => !line.startsWith('  #'))
  return rest.slice(0, Math.min(end < 0 ? 12 : end, 12)).join('\n')
}

function start(binary, args) {
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
      resolve({ output, ending: signal === null ? `exit code ${code}` : `signal ${signal}` }),
    )
  })
}
