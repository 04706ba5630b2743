// Reads from the output of a test runner how many tests passed and failed.
//
// A run that ended with an error, or that ran no test, never counts as passed: a runner that crashes before it prints its counts
// would otherwise look successful. No tool serves: cargo, ava and the runners in lab/ have no common format of results.

/** @typedef {{ passed: number, failed: number }} Count */

/** Counts a check: one passed, or one failed. */
export function countCheck({ code }) {
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

/** Counts the lines `test result: ok. 12 passed; 0 failed; …`, which `cargo test` prints for each binary and for the doc tests. */
export function countCargo({ code, output }) {
  const lines = output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed;/gm)
  return settle(code, sum([...lines].map(([, passed, failed]) => ({ passed: Number(passed), failed: Number(failed) }))))
}

/** Reads the lines `# pass 12` and `# fail 0` at the end of `ava --tap`. A test file that crashed counts as a failure. */
export function countAva({ code, output }) {
  const last = (word) => Number([...output.matchAll(new RegExp(`^# ${word} (\\d+)$`, 'gm'))].at(-1)?.[1] ?? 0)
  return settle(code, { passed: last('pass'), failed: last('fail') })
}

/** Counts `npm test`, which runs cargo and then ava; ava does not run if cargo fails. */
export function countTests({ code, output }) {
  return settle(code, sum([countCargo({ code: 0, output }), countAva({ code: 0, output })]))
}

/** Returns the names of the failed tests, as the runners print them. */
export function failures(output) {
  return [...output.matchAll(/^(?:not ok (?:\d+ - )?(.+)|test (.+) \.\.\. FAILED)$/gm)].map(
    ([, ava, cargo]) => ava ?? cargo,
  )
}

/** Reads the last line `12 passed, 0 failed` of a runner of this project. */
export function countOwn({ code, output }) {
  const [, passed = 0, failed = 0] = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1) ?? []
  return settle(code, { passed: Number(passed), failed: Number(failed) })
}

/**
 * Adds counts.
 *
 * @param {Count[]} counts
 */
export function sum(counts) {
  const total = { passed: 0, failed: 0 }
  for (const { passed, failed } of counts) {
    total.passed += passed
    total.failed += failed
  }
  return total
}

function settle(code, { passed, failed }) {
  const bad = code !== 0 || passed + failed === 0
  return { passed, failed: bad ? Math.max(failed, 1) : failed }
}
