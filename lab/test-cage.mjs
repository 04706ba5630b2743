// Runs the specs where the runtime refuses buffers over memory outside of the engine, as Electron's memory cage does: on the Node that
// runs this, with MEMMAP_NO_EXTERNAL_BUFFERS=1, compiled, with lab/runtimes/ava.mjs in the place of ava. lab/runtimes/caged.mjs lists
// the tests that need a view, each of which has to fail.
//
//     node lab/test-cage.mjs [--quick] [SPEC…]      SPEC as in `search/search`; `--quick` leaves the slow ones out

import { rmSync } from 'node:fs'
import os from 'node:os'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { aboutViews, differences, notRun } from './runtimes/caged.mjs'
import { compileSpecs } from './runtimes/compile.mjs'
import { Tally } from './runtimes/outcome.mjs'
import { eachOf, runSpec, specFile, specsIn } from './runtimes/specs.mjs'

const HANGS_AFTER = 5 * 60_000

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
})

// The folder has a name of its own, because another run may use its folder at the same time.
const folder = compileSpecs(`cage-${process.pid}`)
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const specs =
  positionals.length > 0
    ? positionals
    : specsIn(folder).filter((name) => !(name in aboutViews) && !(values.quick && name.endsWith('.slow')))
const tally = new Tally()
await eachOf(specs, os.availableParallelism(), async (spec) => {
  const env = {
    ...process.env,
    MEMMAP_NO_EXTERNAL_BUFFERS: '1',
    MEMMAP_TEST_LEAVE_OUT: JSON.stringify(Object.keys(notRun[spec] ?? {})),
  }
  const result = await runSpec(process.execPath, ['--expose-gc', specFile(spec)], {
    cwd: folder,
    env,
    timeout: HANGS_AFTER,
  })
  tally.add(spec, result, differences[spec])
})
process.exitCode = tally.report()
