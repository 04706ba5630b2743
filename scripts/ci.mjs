// Runs the checks and the tests.
//
//     node scripts/ci.mjs           the checks, and `npm test`
//     node scripts/ci.mjs --quick   also the specs on every supported Node, Linux arm64, and the rehearsal of a release
//     node scripts/ci.mjs --full    also the other platforms that can be built and run here, a sample of each

import process from 'node:process'
import { parseArgs } from 'node:util'
import { checks, full, programs, quick, tests } from './checks.mjs'
import { report, runSteps } from './steps.mjs'

const flag = { type: 'boolean', default: false }
const { values } = parseArgs({ options: { quick: flag, full: flag } })

const isCi = values.quick || values.full
const steps = isCi ? [programs, ...checks, ...quick] : [...checks, tests]
if (values.full) steps.push(...full)

process.exitCode = report(await runSteps(steps))
