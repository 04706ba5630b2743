// Runs the specs of memory with pages of 16 KiB, as on Apple Silicon: qemu boots an arm64 kernel with such pages.
//
//     node lab/test-16k.mjs [--quick] [SPEC…]      SPEC as in `mapping`; `--quick` runs a sample

import { rmSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { crossBuild } from './cross-build.mjs'
import { findForeignNode } from '../scripts/nodes.mjs'
import { root } from '../scripts/run.mjs'
import { compileSpecs } from './runtimes/compile.mjs'
import { findTarget } from '../scripts/targets.mjs'
import { bootArm64With16KiBPages } from './vm.mjs'

const MINUTES = 25

// The specs about the layout of pages and about faults.
const quickSpecs = [
  'mapping',
  'open',
  'views/views',
  'iterate/windows',
  'views/copy',
  'durability/flush',
  'state/faults-readonly.slow',
]
const allSpecs = [
  ...quickSpecs,
  'residency/advice',
  'state/faults.slow',
  'iterate/iterable',
  'iterate/iterable.slow',
  'iterate/windows.slow',
]

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const specs = positionals.length > 0 ? positionals : values.quick ? quickSpecs : allSpecs

const binary = crossBuild(findTarget('linux-arm64-gnu'))
const folder = compileSpecs('specs-16k')
// The virtual machine gets its own binary.
for (const name of ['native', 'npm', 'docs']) rmSync(path.join(folder, name), { recursive: true })

const output = await bootArm64With16KiBPages({
  minutes: MINUTES,
  files: {
    'bin/node': findForeignNode('22', 'linux-arm64'),
    specs: folder,
    'specs/native/binding.cjs': path.join(root, 'native', 'binding.cjs'),
    'specs/native/memmap.linux-arm64-gnu.node': binary,
    'specs/node_modules/fast-check': path.join(root, 'node_modules', 'fast-check'),
    'specs/node_modules/pure-rand': path.join(root, 'node_modules', 'pure-rand'),
  },
  script: [
    'export MEMMAP_TEST_PATIENCE=10',
    'cd /specs',
    `node -p '"Node " + process.version + ", pages of " + require("#native").pageSize() + " bytes"' </dev/null`,
    ...specs.map(
      (name) =>
        `echo "== ${name} =="; node --expose-gc __test__/${name}.spec.js </dev/null; echo "-- ${name} ended with $?"`,
    ),
    'echo "that was all"',
  ].join('\n'),
})

const count = (word) =>
  [...output.matchAll(new RegExp(`^# ${word} (\\d+)$`, 'gm'))].reduce((sum, [, each]) => sum + Number(each), 0)
const ended = specs.filter((name) => output.includes(`-- ${name} ended with 0\n`))
const bad =
  specs.length -
  ended.length +
  (output.includes('pages of 16384 bytes') ? 0 : 1) +
  (output.includes('that was all') ? 0 : 1)
console.log(`${count('skip')} left out`)
console.log(`${count('pass')} passed, ${Math.max(count('fail'), bad)} failed`)
process.exitCode = bad === 0 && count('pass') > 0 ? 0 : 1
