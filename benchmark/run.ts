/** Takes alternating measurements, and prints them as a table. */

/** A case: one way to do a job. */
export interface Case {
  readonly name: string
  /** Called once for each measurement. Its result is used, so that the engine cannot optimise the work away. */
  run(): unknown
  /** Called before each measurement, and not measured. */
  before?(): unknown
  /** The number of times that `run` does the job. @default 1 */
  readonly times?: number
  /** The reason why it cannot be measured here. */
  readonly missing?: string
}

/** The time of one case for one job, in nanoseconds: the median and the minimum. */
export interface Result {
  readonly name: string
  readonly median: number
  readonly best: number
  readonly missing?: string
}

/**
 * Measures each case once, then each again, and so on, so that a temporary disturbance of the machine affects all of them. The first
 * round is a warm-up and does not count.
 */
export async function compare(cases: readonly Case[], rounds = 7): Promise<Result[]> {
  const taken = cases.map((): number[] => [])
  for (let round = 0; round <= rounds; round++) {
    for (const [index, one] of cases.entries()) {
      if (one.missing !== undefined) continue
      await one.before?.()
      const start = process.hrtime.bigint()
      const result = one.run()
      keep(result instanceof Promise ? await result : result)
      const nanoseconds = Number(process.hrtime.bigint() - start) / (one.times ?? 1)
      if (round > 0) taken[index]!.push(nanoseconds)
    }
  }
  return cases.map(({ name, missing }, index) => {
    const times = taken[index]!
    return { name, median: median(times), best: Math.min(...times), ...(missing !== undefined && { missing }) }
  })
}

/** Returns the median; for an even number of values, the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Prints a table, with the ratios of the medians to the median of the first case. */
export function print(title: string, results: readonly Result[]): void {
  const base = results[0]?.median ?? Number.NaN
  const rows = results.map(({ name, median: middle, best, missing }) => {
    if (missing !== undefined) return [name, missing, '', '']
    return [name, duration(middle), duration(best), `${(middle / base).toFixed(2)}x`]
  })
  printTable([title, 'median', 'best', 'ratio'], rows)
}

/** Prints a table in Markdown, with aligned columns. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((text, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0), text.length),
  )
  const line = (row: readonly string[]) =>
    `| ${row.map((text, column) => (column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!))).join(' | ')} |`
  console.log(line(head))
  console.log(
    `| ${widths.map((width, column) => '-'.repeat(width - (column === 0 ? 0 : 1)) + (column === 0 ? '' : ':')).join(' | ')} |`,
  )
  for (const row of rows) console.log(line(row))
  console.log('')
}

export function duration(nanoseconds: number): string {
  const units = [
    ['s', 1e9],
    ['ms', 1e6],
    ['us', 1e3],
  ] as const
  const [unit, size] = units.find(([, least]) => nanoseconds >= least) ?? ['ns', 1]
  return `${(nanoseconds / size).toPrecision(3)} ${unit}`
}

let kept: unknown

/** Uses a value in a way that the engine cannot optimise away. */
export function keep(value: unknown): void {
  if (kept === value && Number.isNaN(kept)) console.log(value)
  kept = value
}
