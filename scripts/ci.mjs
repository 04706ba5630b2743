// All checks and tests. `--matrix` runs the specs on every supported Node instead of the running one alone, and rehearses a
// release; `--platforms` goes on to the platforms that can be built and run here by other means.

import process from 'node:process'
import { parseArgs } from 'node:util'
import { checks, platforms, rehearsal, specs, tests } from './checks.mjs'
import { majors } from './nodes.mjs'
import { report, runSteps } from './steps.mjs'

const flag = { type: 'boolean', default: false }
const { values } = parseArgs({ options: { matrix: flag, platforms: flag } })
const [running] = process.versions.node.split('.')

const steps = [...checks, tests]
if (values.matrix) steps.push(...majors.filter((major) => major !== running).map(specs), rehearsal)
if (values.platforms) steps.push(...platforms)

process.exitCode = report(await runSteps(steps))
