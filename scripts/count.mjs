// How many tests passed and failed, read from what a runner printed.
//
// A run that ended badly, or that ran nothing, never counts as clean: a runner that dies before it counted would
// otherwise look like a runner with nothing to complain about.

/** @typedef {{ passed: number, failed: number }} Count */

/** A check is one: it holds or it doesn't. */
export function countCheck({ code }) {
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

/** `cargo test` ends each binary, and the doc tests, with a line `test result: ok. 12 passed; 0 failed; …`. */
export function countCargo({ code, output }) {
  const lines = output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed;/gm)
  return settle(code, sum([...lines].map(([, passed, failed]) => ({ passed: Number(passed), failed: Number(failed) }))))
}

/** `ava --tap` ends with the lines `# pass 12` and `# fail 0`; a test file that crashed is among the failures. */
export function countAva({ code, output }) {
  const last = (word) => Number([...output.matchAll(new RegExp(`^# ${word} (\\d+)$`, 'gm'))].at(-1)?.[1] ?? 0)
  return settle(code, { passed: last('pass'), failed: last('fail') })
}

/** `npm test` is both, one after the other: where the first fails there is no second. */
export function countTests({ code, output }) {
  return settle(code, sum([countCargo({ code: 0, output }), countAva({ code: 0, output })]))
}

/** The tests that failed, by the names that the runners print. */
export function failures(output) {
  return [...output.matchAll(/^(?:not ok (?:\d+ - )?(.+)|test (.+) \.\.\. FAILED)$/gm)].map(
    ([, ava, cargo]) => ava ?? cargo,
  )
}

/** This project's own runners end with a line `12 passed, 0 failed`. */
export function countOwn({ code, output }) {
  const [, passed = 0, failed = 0] = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1) ?? []
  return settle(code, { passed: Number(passed), failed: Number(failed) })
}

/** @param {Count[]} counts */
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
