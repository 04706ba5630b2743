// Runs the long proofs, by topic. `.ci/run` has a sample of each, the nightly workflow runs them all.
//
//     npm run prove                   lists the topics
//     npm run prove -- locks leak     runs some of them
//
// lab/README.md describes each program and its options.

import process from 'node:process'
import { parseArgs } from 'node:util'
import { countCheck, countOwn } from './count.mjs'
import { report, runSteps } from './steps.mjs'

const HOURS = 60 * 60_000

/** What a topic proves, how long it takes about, and its commands. */
const topics = {
  locks: ['kills, random ranges, aborts, fairness', '40 min', 'node lab/lock-torture.mjs'],
  'power-cuts': ['acknowledged writes survive a power cut on ext4 and xfs', '60 min', 'node lab/power-cut.mjs'],
  leak: ['100,000 mappings leave nothing behind, ended in each way', '30 min', 'node lab/leak.mjs'],
  model: ['random steps agree with a model of plain Buffers', '30 min', 'node lab/model.mjs'],
  nodes: ['all specs on every supported Node', '20 min', 'node scripts/test-matrix.mjs'],
  cage: ['all specs where the runtime refuses views', '5 min', 'node lab/test-cage.mjs'],
  runtimes: [
    'all specs on Bun and Deno, and the built package on both',
    '30 min',
    'node lab/test-runtimes.mjs',
    'npm run --silent build:ts && node lab/smoke-runtimes.mjs',
  ],
  'cross-builds': [
    'a binary of every platform that can be linked here',
    '15 min',
    'node lab/cross-build.mjs --linkable',
  ],
  musl: ['the Rust tests and the specs on musl', '10 min', 'node lab/test-musl.mjs'],
  arm64: ['the specs on Linux arm64', '2 h', 'node lab/test-arm64.mjs'],
  '16k': ['the specs on pages of 16 KiB', '30 min', 'node lab/test-16k.mjs'],
  windows: ['the Rust tests and the specs under wine', '40 min', 'node lab/test-windows.mjs'],
}

/** Commands that end with a line `N passed, N failed`; of the others the exit code counts. */
const counted = /lab\/(?:lock-torture|leak|test-|smoke-)|scripts\/test-matrix/

const { positionals } = parseArgs({ allowPositionals: true })
const unknown = positionals.filter((name) => !(name in topics))
if (unknown.length > 0) {
  console.error(`No topic ${unknown.join(', ')}; the topics are ${Object.keys(topics).join(', ')}`)
  process.exitCode = 1
} else if (positionals.length === 0) {
  for (const [name, [subject, time]] of Object.entries(topics)) {
    console.log(`${name.padEnd(13)} ${time.padStart(6)}   ${subject}`)
  }
} else {
  const steps = positionals.flatMap((name) =>
    topics[name].slice(2).map((command) => ({
      name: `${name}: ${command}`,
      command,
      timeout: 5 * HOURS,
      count: counted.test(command) ? countOwn : countCheck,
    })),
  )
  process.exitCode = report(await runSteps(steps))
}
