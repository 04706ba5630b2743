// Compares the results of specs that ran with lab/runtimes/ava.mjs with the known differences.

/** The counts over many specs. */
export class Tally {
  passed = 0
  failed = 0
  different = 0
  leftOut = 0

  /**
   * Adds the output of one spec, and prints a line about it, and details if something is wrong.
   *
   * @param {string} spec its name
   * @param {{ output: string, ending: string, seconds: number }} run
   * @param {Record<string, string>} known tests that fail, with the reason; a * in a title stands for any text
   */
  add(spec, { output, ending, seconds }, known = {}) {
    const results = [...output.matchAll(/^(not )?ok \d+ - (.*?)(?: # SKIP (.*))?\r?$/gm)]
    const failures = results.filter(([, not]) => not).map(([, , title]) => title)
    const skipped = results.filter(([, , , reason]) => reason !== undefined).length
    const patterns = Object.keys(known).map((title) => ({ title, fits: patternOf(title) }))
    const wrong = failures.filter((title) => !patterns.some(({ fits }) => fits.test(title)))
    // A difference that no longer exists must leave the list, and the docs. A test that reports that it cannot run here does not count.
    const unmade = [...output.matchAll(/^# Left out: [^\n]*\n(?:#[^\n]*\n)*ok \d+ - (.*?)\r?$/gm)].map(
      ([, title]) => title,
    )
    const gone = patterns.filter(({ fits }) => ![...failures, ...unmade].some((title) => fits.test(title)))
    // A file that cannot be loaded has no failing tests.
    const ended = results.length > 0 && /^# fail \d+\r?$/m.test(output) && !ending.startsWith('signal')
    const passed = results.length - failures.length - skipped
    const different = failures.length - wrong.length
    this.passed += passed
    this.different += different
    this.leftOut += skipped
    this.failed += wrong.length + gone.length + (ended ? 0 : 1)
    const isBad = wrong.length + gone.length > 0 || !ended
    const notes = [
      `${passed} passed`,
      ...(skipped > 0 ? [`${skipped} left out`] : []),
      ...(different > 0 ? [`${different} known differences`] : []),
    ]
    console.log(`${isBad ? 'FAILED' : 'ok    '} ${spec}: ${notes.join(', ')} in ${seconds.toFixed(1)} s`)
    for (const title of wrong) console.log(`       ${title}\n${detail(output, title)}`)
    for (const { title } of gone) console.log(`       no longer different: ${title}`)
    if (!ended) console.log(`       did not end well (${ending}):\n${output.slice(-2000)}`)
  }

  /** Prints the totals. Returns the exit code. */
  report() {
    console.log(`\n${this.different} known differences, ${this.leftOut} left out`)
    console.log(`${this.passed} passed, ${this.failed} failed`)
    return this.failed === 0 && this.passed > 0 ? 0 : 1
  }
}

function patternOf(title) {
  const parts = title.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}

function detail(output, title) {
  const lines = output.split(/\r?\n/)
  const at = lines.findIndex((line) => line.startsWith('not ok') && line.endsWith(`- ${title}`))
  const rest = lines.slice(at + 1)
  const end = rest.findIndex((line) => !line.startsWith('  #'))
  return rest.slice(0, Math.min(end < 0 ? 12 : end, 12)).join('\n')
}
