// Runs the specs on Linux arm64, on the oldest and the newest Node, by qemu on a machine with another processor. The specs are
// compiled first, with lab/runtimes/ava.mjs in the place of ava, because ava and tsx would be emulated too.
//
//     node lab/test-arm64.mjs [--quick] [--only 20,26] [SPEC…]      SPEC as in `search/search`
//
// `--quick` runs the smaller lists of lab/platform-specs.mjs.

import { copyFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { startArm64 } from './binfmt.mjs'
import { compiler, crossBuild, zigEnvironment } from './cross-build.mjs'
import { fileOf, needDebian } from './debian.mjs'
import { extremes, findForeignNode } from '../scripts/nodes.mjs'
import { emulatedNames, platformNames } from './platform-specs.mjs'
import { compileSpecs } from './runtimes/compile.mjs'
import { Tally } from './runtimes/outcome.mjs'
import { eachOf, runSpec, specFile } from './runtimes/specs.mjs'
import { binaryName, findTarget } from '../scripts/targets.mjs'

const HANGS_AFTER = 15 * 60_000

// Tests that qemu 7.2 cannot run. It keeps records of terabytes of reserved addresses, which fill the memory of this machine. It
// maps no huge pages. After a fault in the middle of a store, or in a thread without JavaScript, it ends on an assertion of its own
// (`cpu_exec`).
const beyondQemu = [
  'maps the end of a file that is longer than memory',
  'anonymous memory may be larger than memory',
  'views show the right bytes everywhere in a file of 10 TiB',
  'windows cross every boundary of a file that is longer than any ArrayBuffer',
  'addresses are returned to the system: closed, then dropped',
  'addresses are returned to the system: closed, without views',
  'addresses are returned to the system: never closed',
  'memory without a free huge page becomes ordinary memory, and the fault is reported',
  'a store into a read-only page beyond the end of a truncated file is a fault',
]

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string', default: extremes.join(',') } },
  allowPositionals: true,
})
const isEmulated = process.arch !== 'arm64'

const target = findTarget('linux-arm64-gnu')
if (isEmulated)
  needDebian(['qemu-user', 'libc6:arm64', 'libstdc++6:arm64', 'libatomic1:arm64'], 'Running arm64 programs')
const library = crossBuild(target)
const nodes = values.only.split(',').map((major) => ({ major, node: findForeignNode(major, 'linux-arm64') }))
const folder = compileSpecs(`arm64-${process.pid}`)
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
copyFileSync(library, path.join(folder, 'native', binaryName(target)))

const undo = isEmulated ? startArm64(nodes[0].node, fileOf('qemu-user', '/qemu-aarch64')) : () => {}
const tally = new Tally()
try {
  for (const { major, node } of nodes) {
    console.log(`\n== Node ${major}, linux-arm64 ==`)
    await runAll(node, specsFor(major))
  }
} finally {
  undo()
}
process.exitCode = tally.report()

function specsFor(major) {
  if (positionals.length > 0) return positionals
  if (!values.quick) return platformNames
  return major === extremes.at(-1) ? emulatedNames.newest : emulatedNames.oldest
}

/** Runs the specs, one for each processor at a time. */
async function runAll(node, specs) {
  const env = {
    ...process.env,
    MEMMAP_TEST_PATIENCE: '10',
    MEMMAP_TEST_LEAVE_OUT: JSON.stringify(isEmulated ? beyondQemu : []),
    // The compiler of this machine does not build for arm64.
    ...(isEmulated ? { CC: compiler, ...zigEnvironment(target) } : {}),
  }
  await eachOf(specs, os.availableParallelism(), async (spec) => {
    tally.add(spec, await runSpec(node, ['--expose-gc', specFile(spec)], { cwd: folder, env, timeout: HANGS_AFTER }))
  })
}
