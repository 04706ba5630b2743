// Runs the long forms of the lock specs, and prints figures. No tool serves: ava has no form of a test with two sizes.
//
//     node lab/lock-torture.mjs [--only kill,model] [--short]      `--short` runs a hundredth

import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { root } from '../scripts/run.mjs'

const { values } = parseArgs({ options: { only: { type: 'string' }, short: { type: 'boolean', default: false } } })
const part = values.short ? 100 : 1
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

/** The runs, each with the condition that its figures must meet. */
const tortures = {
  // Holders are killed with SIGKILL.
  kill: {
    run: () => runCargo('lock_kill', { MEMMAP_KILLS: String(10_000 / part) }),
    holds: ({ worst, violations }) => violations === 0 && worst < 1000,
  },
  // Random operations on ranges by four processes, compared with an array of bytes.
  model: {
    run: () => runFixture('model.ts', String(125_000 / part), '1', '1'),
    holds: ({ done, differences }) => done === 500_000 / part && differences === 0,
  },
  model64: {
    run: () => runFixture('model.ts', String(125_000 / part), '5', String(2n ** 57n)),
    holds: ({ done, differences }) => done === 500_000 / part && differences === 0,
  },
  aborts: {
    run: () => runFixture('aborts.ts', String(10_000 / part)),
    holds: ({ rejected, before, after, left }) =>
      rejected === 10_000 / part &&
      left === 0 &&
      after.threads <= before.threads &&
      after.descriptors <= before.descriptors,
  },
  fs: {
    run: () => runFixture('fs.ts', String(10_000 / part)),
    holds: ({ tries, got, stillHeld }) => tries > 0 && got === 0 && stillHeld,
  },
  // These two need a quiet machine.
  fairness: {
    run: () => runFixture('fair.ts', '5000', '1'),
    holds: ({ ratio }) => ratio < 1.5,
  },
  fairness0: {
    run: () => runFixture('fair.ts', '5000', '0'),
    holds: ({ ratio }) => ratio < 1.5,
  },
  readFile: {
    run: () => runFixture('read.ts', '200'),
    holds: ({ without, withWaits }) => withWaits - without < 50,
  },
}

const names = values.only?.split(',') ?? Object.keys(tortures)
const unknown = names.filter((name) => !(name in tortures))
if (unknown.length > 0)
  throw new Error(`No run ${unknown.join(', ')}; the runs are ${Object.keys(tortures).join(', ')}`)

let failed = 0
for (const name of names) {
  const { run, holds } = tortures[name]
  const began = performance.now()
  const figures = run()
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  const isTrue = figures !== undefined && holds(figures)
  if (!isTrue) failed++
  console.log(`${isTrue ? 'ok    ' : 'not ok'} ${name}: ${JSON.stringify(figures)} in ${seconds} s`)
}
console.log(`\n${names.length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

function runFixture(fixture, ...args) {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'memmap-locks-'))
  try {
    const file = path.join(root, '__test__', 'fixtures', 'lock', fixture)
    return read(spawnSync(process.execPath, ['--no-warnings', '--import', loader, file, ...args], { cwd: scratch }))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function runCargo(test, env) {
  const args = ['test', '--quiet', '--test', test, '--', '--nocapture']
  return read(spawnSync('cargo', args, { cwd: root, env: { ...process.env, ...env } }))
}

/** Returns the last line of JSON in the output. */
function read({ status, signal, stdout, stderr }) {
  // The dots of cargo can stand before it.
  const figures = [...String(stdout).matchAll(/^\.*(\{.*\})$/gm)].at(-1)?.[1]
  if (status === 0 && figures !== undefined) return JSON.parse(figures)
  console.log(`It ended with ${signal ?? status}:\n${String(stdout)}${String(stderr)}`)
  return undefined
}
