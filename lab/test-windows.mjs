// Runs the Rust tests and the specs on Windows x64: on Windows with the Node that runs this, on Linux under wine, with Nodes for
// Windows from npm and a binary that is built here. The specs are compiled, with lab/runtimes/ava.mjs in the place of ava.
//
// No tool serves: cargo and ava cannot start their programs under wine with output into files.
//
//     node lab/test-windows.mjs [--quick] [--only 22,26|none] [--no-rust] [SPEC…]      SPEC as in `search`
//
// `--quick` is what CI runs: one build without optimisation for the Rust tests and the specs, and the specs that
// lab/windows/quick.mjs chooses. lab/windows/differences.mjs has the known differences.

import { execFileSync } from 'node:child_process'
import { copyFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { countCargo } from '../scripts/count.mjs'
import { crossBuild, crossEnvironment } from './cross-build.mjs'
import { findForeignNode } from '../scripts/nodes.mjs'
import { compileSpecs } from './runtimes/compile.mjs'
import { Tally } from './runtimes/outcome.mjs'
import { eachOf, runSpec, specFile, specsIn } from './runtimes/specs.mjs'
import { root } from '../scripts/run.mjs'
import { binaryName, findTarget } from '../scripts/targets.mjs'
import { prepareWine, startWine, whyNoWine } from './wine.mjs'
import * as known from './windows/differences.mjs'
import { isQuick } from './windows/quick.mjs'

const SECONDS = 15 * 60

/** The number of spec files that run at the same time, as with ava. */
const AT_ONCE = 2

const { values, positionals } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '22,26' },
    'no-rust': { type: 'boolean', default: false },
  },
  allowPositionals: true,
})

const isWindows = process.platform === 'win32'
const obstacle = isWindows ? undefined : whyNoWine()
const tally = new Tally()
if (obstacle !== undefined) {
  console.log(`not run: ${obstacle}`)
  // A run without tests is not a success.
  process.exitCode = 1
} else {
  // The folder has a name of its own, because another run may use its folder at the same time.
  const folder = compileSpecs(`windows-${process.pid}`)
  try {
    if (isWindows) await runSpecs(process.version, known.windows, folder, (args, env) => runHere(args, env, folder))
    else await runByWine(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  process.exitCode = tally.report()
}

async function runByWine(folder) {
  const target = findTarget('win32-x64-gnu')
  // Started early, because it mostly waits for the network and the disk.
  const preparing = prepareWine()
  // A failure is reported at the `await` below, and is not unhandled if it comes earlier.
  preparing.catch(() => {})
  const majors = values.only.split(',').filter((major) => major !== 'none')
  const nodes = majors.map((major) => ({ major, node: findForeignNode(major, 'win-x64') }))
  const withRust = !values['no-rust'] && positionals.length === 0
  const tests = withRust || values.quick ? buildTests(target) : undefined
  const binary = values.quick ? tests.library : crossBuild(target)
  // The loader looks for the name of the released binary.
  copyFileSync(binary, path.join(folder, 'native', binaryName(findTarget('win32-x64-msvc'))))

  const wine = startWine(
    await preparing,
    nodes.map(({ node }) => path.dirname(node)),
  )
  console.log(await wine.begin())
  try {
    if (withRust) await runRust(tests.programs, wine)
    for (const { major, node } of nodes) {
      await runSpecs(
        `Node ${major} under wine`,
        merge(known.windows, known.wine),
        folder,
        (args, env) => runByNode(wine, node, args, { cwd: folder, env, seconds: SECONDS }),
        (spec) => !values.quick || isQuick(spec, major === majors.at(-1)),
      )
    }
  } finally {
    await wine.stop()
  }
}

/** Builds the Rust tests. Returns their programs, and the library without optimisation that they were built with. */
function buildTests(target) {
  const { cargo, env } = crossEnvironment(target)
  const args = ['test', '--lib', '--tests', '--no-run', '--message-format=json', '--target', target.triple]
  const messages = execFileSync(cargo, args, {
    cwd: root,
    // No debug information: smaller files are linked faster.
    env: { ...env, CARGO_PROFILE_DEV_DEBUG: '0', CARGO_INCREMENTAL: '0' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
  })
  const made = messages
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter(({ reason }) => reason === 'compiler-artifact')
  return {
    programs: made.flatMap(({ profile, executable, target: { name } }) =>
      profile.test && executable ? [{ name, executable }] : [],
    ),
    library: made.flatMap(({ filenames }) => filenames).find((file) => path.basename(file) === 'memmap.dll'),
  }
}

async function runRust(programs, wine) {
  console.log('\n== cargo test under wine ==')
  for (const { name, executable } of programs) {
    const result = await wine.run(executable, ['--test-threads=2'], { seconds: SECONDS })
    // A file of tests only for Unix is empty on Windows.
    if (result.code === 0 && /^running 0 tests$/m.test(result.output)) continue
    const { passed, failed } = countCargo(result)
    tally.passed += passed
    tally.failed += failed
    console.log(`${failed === 0 ? 'ok    ' : 'FAILED'} ${name}: ${passed} passed, ${failed} failed`)
    if (failed > 0) console.log(result.output.slice(-4000))
  }
}

async function runSpecs(title, { leftOut, notRun, differences }, folder, run, isWanted = () => true) {
  console.log(`\n== ${title} ==`)
  const specs =
    positionals.length > 0 ? positionals : specsIn(folder).filter((name) => !(name in leftOut) && isWanted(name))
  await eachOf(specs, AT_ONCE, async (spec) => {
    const env = {
      MEMMAP_TEST_LEAVE_OUT: JSON.stringify(Object.keys(notRun[spec] ?? {})),
      // Loops that wait for another thread take longer on a busy machine.
      MEMMAP_TEST_PATIENCE: '4',
    }
    tally.add(spec, await run(['--expose-gc', specFile(spec)], env), differences[spec])
  })
}

function runHere(args, env, cwd) {
  return runSpec(process.execPath, args, { cwd, env: { ...process.env, ...env }, timeout: SECONDS * 1000 })
}

async function runByNode(wine, node, args, options) {
  const began = performance.now()
  const { code, output } = await wine.run(node, args, options)
  return { output, ending: `exit code ${code}`, seconds: (performance.now() - began) / 1000 }
}

function merge(one, other) {
  const both = {}
  for (const part of ['leftOut', 'notRun', 'differences']) {
    both[part] = { ...one[part] }
    for (const [spec, more] of Object.entries(other[part])) {
      both[part][spec] = typeof more === 'string' ? more : { ...both[part][spec], ...more }
    }
  }
  return both
}
