// The Rust tests and the specs on Windows x64: on Windows itself by the Node that runs this, on Linux by wine, with Nodes for
// Windows from npm and a binary that is built here. The specs are compiled, with scripts/runtimes/ava.mjs in ava's place.
//
//     node scripts/test-windows.mjs [--only 22,26|none] [--no-rust] [SPEC…]      SPEC as in `search`
//
// scripts/windows/differences.mjs names what is known to be different there; docs/platforms.md tells it to users.

import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { countCargo } from './count.mjs'
import { crossBuild, crossEnvironment } from './cross-build.mjs'
import { findForeignNode } from './nodes.mjs'
import { compileSpecs } from './runtimes/compile.mjs'
import { Tally } from './runtimes/outcome.mjs'
import { root } from './run.mjs'
import { binaryName, findTarget } from './targets.mjs'
import { startWine, whyNoWine } from './wine.mjs'
import * as known from './windows/differences.mjs'

const SECONDS = 15 * 60

const { values, positionals } = parseArgs({
  options: { only: { type: 'string', default: '22,26' }, 'no-rust': { type: 'boolean', default: false } },
  allowPositionals: true,
})

const isWindows = process.platform === 'win32'
const reason = isWindows ? undefined : whyNoWine()
const tally = new Tally()
if (reason !== undefined) {
  console.log(`skipped: ${reason}`)
  // Where it has to run, not running is no success.
  process.exitCode = process.env.CI ? 1 : 0
} else if (isWindows) {
  await runSpecs(process.version, known.windows, (args, env, cwd) => runHere(args, env, cwd))
  process.exitCode = tally.report()
} else {
  await runByWine()
  process.exitCode = tally.report()
}

async function runByWine() {
  const target = findTarget('win32-x64-gnu')
  const binary = crossBuild(target)
  const majors = values.only.split(',').filter((major) => major !== 'none')
  const nodes = majors.map((major) => ({ major, node: findForeignNode(major, 'win-x64') }))
  const wine = startWine(nodes.map(({ node }) => path.dirname(node)))
  console.log(await wine.version())
  try {
    if (!values['no-rust'] && positionals.length === 0) await runRust(target, wine)
    for (const { major, node } of nodes) {
      await runSpecs(
        `Node ${major} under wine`,
        merge(known.windows, known.wine),
        (args, env, cwd) => wine.run(node, args, { cwd, env, seconds: SECONDS }),
        // The loader looks for the one that a release has.
        (folder) => copyFileSync(binary, path.join(folder, 'native', binaryName(findTarget('win32-x64-msvc')))),
      )
    }
  } finally {
    await wine.stop()
  }
}

async function runRust(target, wine) {
  console.log('\n== cargo test under wine ==')
  const { cargo, env } = crossEnvironment(target)
  const args = ['test', '--lib', '--tests', '--no-run', '--message-format=json', '--target', target.triple]
  const messages = execFileSync(cargo, args, {
    cwd: root,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
  })
  const programs = messages
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .flatMap(({ profile, executable, target: made }) =>
      profile?.test && executable ? [{ name: made.name, executable }] : [],
    )
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

async function runSpecs(title, { leftOut, notRun, differences }, run, prepare = () => {}) {
  console.log(`\n== ${title} ==`)
  // A folder of its own: another run may be under way.
  const folder = compileSpecs(`windows-${process.pid}`)
  try {
    prepare(folder)
    const all = readdirSync(path.join(folder, '__test__')).flatMap((name) => /^(.*)\.spec\.js$/.exec(name)?.[1] ?? [])
    const specs = positionals.length > 0 ? positionals : all.filter((name) => !(name in leftOut))
    for (const spec of specs) {
      const env = { MEMMAP_TEST_LEAVE_OUT: JSON.stringify(Object.keys(notRun[spec] ?? {})) }
      const { code, output } = await run(['--expose-gc', path.join('__test__', `${spec}.spec.js`)], env, folder)
      tally.add(spec, { output, ending: `exit code ${code}` }, differences[spec])
    }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

function runHere(args, env, cwd) {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: SECONDS * 1000,
    killSignal: 'SIGKILL',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
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
