// Runs the Rust tests and specs on musl, x64, on a Node that was built for musl.
//
//     node lab/test-musl.mjs [--quick] [SPEC…]      SPEC as in `__test__/open.spec.ts`
//
// `--quick` runs a part of the specs. The library and the Rust tests are then built with the profile for development:
// optimised, and in half the time.

import process from 'node:process'
import { parseArgs } from 'node:util'
import { countAva, countCargo } from '../scripts/count.mjs'
import { report, runSteps } from '../scripts/steps.mjs'
import { findTarget } from '../scripts/targets.mjs'
import { crossBuild, crossEnvironment } from './cross-build.mjs'
import { findMuslNode } from './musl.mjs'
import { platformSpecs, quickPlatformSpecs } from './platform-specs.mjs'

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const specs = positionals.length > 0 ? positionals : values.quick ? quickPlatformSpecs : platformSpecs
const target = findTarget('linux-x64-musl')
const { cargo, env } = crossEnvironment(target)
const node = findMuslNode()

// The generated loader would look for the binary for glibc: it asks /usr/bin/ldd which C library the system has.
process.env.NAPI_RS_NATIVE_LIBRARY_PATH = crossBuild(target, values.quick ? 'dev-native' : 'release')
Object.assign(process.env, env)

const profile = values.quick ? '--profile dev-native' : ''
process.exitCode = report(
  await runSteps([
    {
      name: 'cargo test, linux-x64-musl',
      command: `${cargo} test ${profile} --lib --tests --no-fail-fast --target ${target.triple}`,
      count: countCargo,
    },
    {
      name: 'ava on Node 24, linux-x64-musl',
      command: `${node} -p "process.version" && ${node} node_modules/ava/entrypoints/cli.mjs --tap ${specs.join(' ')}`,
      count: countAva,
    },
  ]),
)
