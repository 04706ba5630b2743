// Runs all specs on each supported Node. `--only 22,24` chooses some.

import process from 'node:process'
import { parseArgs } from 'node:util'
import { majors } from './nodes.mjs'
import { report, runSteps } from './steps.mjs'
import { specs } from './checks.mjs'

const { values } = parseArgs({ options: { only: { type: 'string' } } })
const chosen = values.only ? values.only.split(',') : majors

process.exitCode = report(await runSteps(chosen.map((major) => specs(major))))
