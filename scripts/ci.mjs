// All checks and tests. `--matrix` runs the specs on every supported Node instead of the running one alone, and rehearses a
// release; `--platforms` goes on to the platforms that can be built and run here by other means.

import process from 'node:process'
import { parseArgs } from 'node:util'
import { checks, platforms, rehearsal, specs } from './checks.mjs'
import { majors } from './nodes.mjs'
import { report, runSteps } from './steps.mjs'

const flag = { type: 'boolean', default: false }
const { values } = parseArgs({ options: { matrix: flag, platforms: flag } })
const [running] = process.versions.node.split('.')
const nodes = values.matrix ? majors : [running]

const steps = [...checks, ...nodes.map(specs)]
if (values.matrix) steps.push(rehearsal)
if (values.platforms) steps.push(...platforms)

process.exitCode = report(await runSteps(steps))
