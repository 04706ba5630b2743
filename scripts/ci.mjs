// All checks and tests.
//
//     node scripts/ci.mjs             the checks, and `npm test`
//     node scripts/ci.mjs --quick     and the specs on every supported Node, Linux arm64, and a rehearsal of a release
//     node scripts/ci.mjs --full      and the other platforms that can be built and run here
//     node scripts/ci.mjs --platforms the platforms alone, with every spec that may come out differently there

import process from 'node:process'
import { parseArgs } from 'node:util'
import { checks, full, platforms, programs, quick, tests } from './checks.mjs'
import { report, runSteps } from './steps.mjs'

const flag = { type: 'boolean', default: false }
const { values } = parseArgs({ options: { quick: flag, full: flag, platforms: flag } })

const steps = values.platforms ? [...platforms] : [...checks, tests]
if (values.quick || values.full) {
  steps.unshift(programs)
  steps.push(...quick)
}
if (values.full) steps.push(...full)

process.exitCode = report(await runSteps(steps))
