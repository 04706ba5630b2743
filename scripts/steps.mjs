// Runs steps one after another, all of them even if one fails, and reports the results at the end.

import { run } from './run.mjs'
import { countCheck, failures, sum } from './count.mjs'

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string} command a line for the shell
 * @property {Record<string, string>} [env] further environment variables
 * @property {(result: { code: number, output: string }) => import('./count.mjs').Count} [count] reads the number of tests from
 *   the output; by default a step counts as one check
 * @property {number} [timeout] in milliseconds
 * @property {number} [latest] the step is left out if it would start after this number of milliseconds
 * @property {() => { path?: string }} [prepare] makes what the command needs; may name a folder to put first on PATH
 */

/**
 * Runs each step, and returns its counts, the names of its failed tests and its duration.
 *
 * @param {Step[]} steps
 */
export async function runSteps(steps) {
  const results = []
  const begin = performance.now()
  for (const step of steps) {
    console.log(`\n== ${step.name} ==`)
    const start = performance.now()
    if (start - begin > (step.latest ?? Infinity)) {
      console.log(`-- ${step.name}: left out, because ${Math.floor((start - begin) / 60_000)} minutes have passed`)
      continue
    }
    const { counts, names } = await runStep(step)
    const seconds = (performance.now() - start) / 1000
    results.push({ name: step.name, ...counts, names, seconds })
    console.log(`-- ${step.name}: ${counts.passed} passed, ${counts.failed} failed in ${seconds.toFixed(1)} s`)
  }
  return results
}

/** Prints a table, the failed tests and, on a last line of its own, the totals. Returns the exit code. */
export function report(results) {
  console.log()
  console.table(
    Object.fromEntries(
      results.map(({ name, passed, failed, seconds }) => [
        name,
        { passed, failed, seconds: Number(seconds.toFixed(1)) },
      ]),
    ),
  )
  for (const { name, failed, names } of results) {
    if (failed > 0) console.log(`failed: ${[name, ...names].join('\n  ')}`)
  }
  const { passed, failed } = sum(results)
  console.log(`\n${passed} passed, ${failed} failed`)
  return failed === 0 && passed > 0 ? 0 : 1
}

async function runStep({ command, env, count = countCheck, timeout, prepare }) {
  let options
  try {
    options = prepare?.()
  } catch (error) {
    console.log(String(error))
    return { counts: { passed: 0, failed: 1 }, names: [] }
  }
  const result = await run(command, { ...options, env, timeout })
  return { counts: count(result), names: failures(result.output) }
}
