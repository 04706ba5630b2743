// The specs on Linux arm64: each on the oldest and the newest Node, by qemu where this machine is of another kind.
//
//     node scripts/test-arm64.mjs [--only 20,26] [SPEC…]

import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { startArm64 } from './binfmt.mjs'
import { countAva } from './count.mjs'
import { crossBuild } from './cross-build.mjs'
import { fileOf, needDebian } from './debian.mjs'
import { extremes, findForeignNode } from './nodes.mjs'
import { platformSpecs } from './platform-specs.mjs'
import { root } from './run.mjs'
import { report, runSteps } from './steps.mjs'
import { findTarget } from './targets.mjs'

// What qemu 7.2 itself can't do: reserve 10 TiB of addresses for its guest, and get over a fault in the middle of a store
// (it ends on an assertion of its own).
const beyondQemu = [
  'views lie right everywhere in a file of 10 TiB',
  'windows cross every boundary of a file that is longer than any ArrayBuffer',
  'a store into a read-only page of which the file was cut is a fault',
]

const { values, positionals } = parseArgs({
  options: { only: { type: 'string', default: extremes.join(',') } },
  allowPositionals: true,
})
const chosen = positionals.length > 0 ? positionals : platformSpecs

const library = crossBuild(findTarget('linux-arm64-gnu'))
needDebian(['qemu-user', 'libc6:arm64', 'libstdc++6:arm64', 'libatomic1:arm64'], 'Running arm64 programs')
const nodes = values.only.split(',').map((major) => ({ major, node: findForeignNode(major, 'linux-arm64') }))

const matches = process.arch === 'arm64' ? '' : beyondQemu.map((title) => `--match '!${title}'`).join(' ')

process.env.NAPI_RS_NATIVE_LIBRARY_PATH = library
// TypeScript is stripped by this machine's own esbuild: the package of the other processor's is not installed.
process.env.ESBUILD_BINARY_PATH = path.join(
  root,
  'node_modules',
  '@esbuild',
  `${process.platform}-${process.arch}`,
  'bin',
  'esbuild',
)
process.env.MEMMAP_TEST_PATIENCE = '10'

const undo = startArm64(nodes[0].node, fileOf('qemu-user', '/qemu-aarch64'))
try {
  process.exitCode = report(await runSteps(nodes.map(step)))
} finally {
  undo()
}

function step({ major, node }) {
  return {
    name: `ava on Node ${major}, linux-arm64`,
    command: `${node} -p "process.version + ' ' + process.arch" && ${node} node_modules/ava/entrypoints/cli.mjs --tap --timeout=20m ${matches} ${chosen.join(' ')}`,
    count: countAva,
  }
}
