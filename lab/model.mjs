// Runs the model test for long: random steps on mappings, compared with a model of plain Buffers (`__test__/helpers/model-run.ts`).
//
//     node lab/model.mjs                           ten runs of 12,000 steps, each with a random seed
//     node lab/model.mjs --runs 100 --steps 5000
//     node lab/model.mjs --seed 7 --steps 1234     repeats a run
//
// Each run is a process of its own, so that a crash is a result too. Its files are in a folder under `--directory`, by default the
// folder for temporary files.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { root } from '../scripts/run.mjs'

const HANGS_AFTER = 30 * 60_000

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    steps: { type: 'string', default: '12000' },
    runs: { type: 'string' },
    directory: { type: 'string', default: os.tmpdir() },
    // To check that errors are found: change a byte, or crash, at this step.
    spoil: { type: 'string' },
    crash: { type: 'string' },
  },
})
const runs = values.seed === undefined ? Number(values.runs ?? 10) : 1

let failed = 0
for (let index = 0; index < runs; index++) {
  const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 32))
  if (!(await runModel(seed))) failed++
}
console.log(`${runs * Number(values.steps)} steps in ${runs} runs, ${failed} failed, Node ${process.versions.node}`)
process.exitCode = failed === 0 ? 0 : 1

async function runModel(seed) {
  const directory = mkdtempSync(path.join(values.directory, 'memmap-model-'))
  try {
    const { status, signal } = await runChild(seed, directory)
    if (status === 0) return true
    const log = readFileSync(path.join(directory, 'log'), 'utf8').split('\n')
    const last = /^\d+/.exec(log.at(-1) ?? '')?.[0] ?? values.steps
    console.log(`seed ${seed} ended with ${signal ?? `exit code ${status}`}; the last steps:`)
    console.log(log.slice(-12).join('\n'))
    console.log(`repeat it with: node lab/model.mjs --seed ${seed} --steps ${last}`)
    return false
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function runChild(seed, directory) {
  const { steps, spoil, crash } = values
  const args = ['--seed', seed, '--steps', steps, '--directory', directory]
  if (spoil !== undefined) args.push('--spoil', spoil)
  if (crash !== undefined) args.push('--crash', crash)
  const program = path.join(root, '__test__', 'helpers', 'model-run.ts')
  const child = spawn(process.execPath, ['--expose-gc', '--import=tsx', program, ...args], {
    cwd: root,
    // Each fault prints a warning, and the test causes many faults.
    env: { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: HANGS_AFTER,
    killSignal: 'SIGKILL',
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => resolve({ status, signal }))
  })
}
