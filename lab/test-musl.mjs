// musl on x64, on this machine: the Rust tests, then the specs on a Node that was built for it.
//
//     node lab/test-musl.mjs [SPEC…]

import process from 'node:process'
import { countAva, countCargo } from '../scripts/count.mjs'
import { crossEnvironment, crossBuild } from './cross-build.mjs'
import { findMuslNode } from './musl.mjs'
import { platformSpecs } from './platform-specs.mjs'
import { report, runSteps } from '../scripts/steps.mjs'
import { findTarget } from '../scripts/targets.mjs'

const specs = process.argv.length > 2 ? process.argv.slice(2) : platformSpecs
const target = findTarget('linux-x64-musl')
const { cargo, env } = crossEnvironment(target)
const node = findMuslNode()

// The specs come with the binary that would be published. The generated loader would look for that of glibc: it asks
// /usr/bin/ldd which C library the system has.
process.env.NAPI_RS_NATIVE_LIBRARY_PATH = crossBuild(target)
Object.assign(process.env, env)

process.exitCode = report(
  await runSteps([
    {
      name: 'cargo test, linux-x64-musl',
      command: `${cargo} test --lib --tests --no-fail-fast --target ${target.triple}`,
      count: countCargo,
    },
    {
      name: 'ava on Node 24, linux-x64-musl',
      command: `${node} -p "process.version" && ${node} node_modules/ava/entrypoints/cli.mjs --tap ${specs.join(' ')}`,
      count: countAva,
    },
  ]),
)
