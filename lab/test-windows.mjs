// The Rust tests and the specs on Windows x64: on Windows itself by the Node that runs this, on Linux by wine, with Nodes for
// Windows from npm and a binary that is built here. The specs are compiled, with lab/runtimes/ava.mjs in ava's place.
//
//     node lab/test-windows.mjs [--quick] [--only 22,26|none] [--no-rust] [SPEC…]      SPEC as in `search`
//
// `--quick` is what CI does, in minutes and from nothing: one build without optimisation for the Rust tests and the specs, and
// of these what lab/windows/quick.mjs chooses.
//
// lab/windows/differences.mjs names what is known to be different there; docs/platforms.md tells it to users.

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

/** Spec files, as many as ava runs at once. */
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
  // Not running is no success.
  process.exitCode = 1
} else {
  // A folder of its own: another run may be under way.
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
  // It mostly waits for the network and the disk.
  const preparing = prepareWine()
  // Whoever waits for it learns of a failure; it may come before anybody does.
  preparing.catch(() => {})
  const majors = values.only.split(',').filter((major) => major !== 'none')
  const nodes = majors.map((major) => ({ major, node: findForeignNode(major, 'win-x64') }))
  const withRust = !values['no-rust'] && positionals.length === 0
  const tests = withRust || values.quick ? buildTests(target) : undefined
  const binary = values.quick ? tests.library : crossBuild(target)
  // The loader looks for the one that a release has.
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

/** Builds the Rust tests; what it gives are their programs, and the library as tests have it: without optimisation. */
function buildTests(target) {
  const { cargo, env } = crossEnvironment(target)
  const args = ['test', '--lib', '--tests', '--no-run', '--message-format=json', '--target', target.triple]
  const messages = execFileSync(cargo, args, {
    cwd: root,
    // Nobody steps through them, and what is smaller is linked sooner.
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
    // Some are about Unix from beginning to end.
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
      // What waits for another thread in a loop takes long where others want the processors too.
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
