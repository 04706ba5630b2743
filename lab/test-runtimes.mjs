// Runs the specs on Bun and Deno, compiled to JavaScript, with lab/runtimes/ava.mjs in the place of ava. Child processes use the
// same runtime. lab/runtimes/differences.mjs lists the known differences, each of which has to occur.
//
//     node lab/test-runtimes.mjs [--only bun,deno] [SPEC…]      SPEC as in `search/search`

import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { compileSpecs } from './runtimes/compile.mjs'
import { aboutNode, differences, leftOut, notRun } from './runtimes/differences.mjs'
import { Tally } from './runtimes/outcome.mjs'
import { findRuntime } from './runtimes/runtimes.mjs'
import { runSpec, specFile, specsIn } from './runtimes/specs.mjs'

const HANGS_AFTER = 10 * 60_000

const flags = { bun: ['run', '--expose-gc'], deno: ['run', '-A', '--quiet', '--no-check', '--v8-flags=--expose-gc'] }

const { values, positionals } = parseArgs({
  options: { only: { type: 'string', default: 'bun,deno' } },
  allowPositionals: true,
})

// The folder has a name of its own, because another run may use its folder at the same time.
const folder = compileSpecs(`specs-${process.pid}`)
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const specs = positionals.length > 0 ? positionals : specsIn(folder).filter((name) => !(name in aboutNode))
const tally = new Tally()
for (const runtime of values.only.split(',')) {
  const binary = findRuntime(runtime)
  console.log(`\n== ${runtime} ${execFileSync(binary, ['--version'], { encoding: 'utf8' }).split('\n')[0]} ==`)
  for (const spec of specs.filter((name) => !(name in leftOut[runtime]))) {
    const env = { ...process.env, MEMMAP_TEST_LEAVE_OUT: JSON.stringify(Object.keys(notRun[runtime][spec] ?? {})) }
    const args = [...flags[runtime], specFile(spec)]
    const result = await runSpec(binary, args, { cwd: folder, env, timeout: HANGS_AFTER })
    tally.add(spec, result, differences[runtime][spec])
  }
}
process.exitCode = tally.report()
