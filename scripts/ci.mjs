// All checks and tests. `--matrix` runs the specs on every supported Node instead of the running one alone.

import process from 'node:process'
import { parseArgs } from 'node:util'
import { checks, specs } from './checks.mjs'
import { majors } from './nodes.mjs'
import { report, runSteps } from './steps.mjs'

const { values } = parseArgs({ options: { matrix: { type: 'boolean', default: false } } })
const [running] = process.versions.node.split('.')
const nodes = values.matrix ? majors : [running]

process.exitCode = report(await runSteps([...checks, ...nodes.map(specs)]))
