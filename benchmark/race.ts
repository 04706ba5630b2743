/** Compares candidates for a job in alternating runs, and reports the ratio of each peer's time to ours. */
import { duration, median, printTable } from './run.js'

/** The cost of running the job once. */
export interface Sample {
  readonly nanoseconds: number
  /** Processor time on all cores, in nanoseconds. */
  readonly cpu?: number
  /** The result, which must be the same for all candidates. */
  readonly result?: unknown
  /** The maximum of resident memory since the last run, and the longest delay of the event loop. */
  readonly resident?: number
  readonly stall?: number
}

/** A candidate: one way to do a job. */
export interface Way {
  readonly name: string
  /** The intended speed-up, and the candidate that it is relative to. */
  readonly goals?: Readonly<Record<string, number>>
  /** The reason why it cannot be measured here. */
  readonly missing?: string
  /** Whether it misses matches that cross two chunks, as usual programs of its kind do. */
  readonly inexact?: boolean
  /** The fraction of the job that it does, if the whole would take too long. @default 1 */
  readonly share?: number
  measure(): Promise<Sample>
  /** Releases its resources. */
  end?(): void
}

/** The options of a comparison. */
export interface RaceOptions {
  readonly rounds: number
  /** The amount of work, and its unit. */
  readonly amount: number
  readonly unit: keyof typeof UNITS
  /** Called before each measurement of each candidate. */
  before?(): unknown
}

const UNITS = {
  bytes: { size: 1e9, name: 'GB/s' },
  lines: { size: 1e6, name: 'M lines/s' },
  reads: { size: 1e6, name: 'M reads/s' },
  files: { size: 1e3, name: 'k files/s' },
} as const

interface Figures {
  readonly way: Way
  readonly samples: readonly Sample[]
}

/**
 * Measures each candidate once, then each again, and so on, so that a temporary disturbance of the machine affects all of them. The
 * first round is a warm-up and does not count.
 */
export async function race(title: string, ways: readonly Way[], options: RaceOptions): Promise<void> {
  const taken = new Map<Way, Sample[]>(ways.map((way) => [way, []]))
  try {
    for (let round = 0; round <= options.rounds; round++) {
      for (const way of ways) {
        if (way.missing !== undefined) continue
        await options.before?.()
        const sample = await way.measure()
        if (round > 0) taken.get(way)!.push(sample)
      }
    }
  } finally {
    for (const way of ways) way.end?.()
  }
  printRace(
    title,
    ways.map((way) => ({ way, samples: taken.get(way)! })),
    options,
  )
}

function printRace(title: string, all: readonly Figures[], { amount, unit }: RaceOptions): void {
  const { size, name } = UNITS[unit]
  const truth = all.find(({ way, samples }) => !way.inexact && !way.share && samples.length > 0)?.samples[0]?.result
  const has = (key: 'cpu' | 'resident' | 'stall') => all.some(({ samples }) => samples[0]?.[key] !== undefined)
  const columns: [string, (figures: Figures) => string][] = [
    [title, ({ way }) => way.name],
    ['median', (figures) => duration(timeOf(figures))],
    ['best', ({ way, samples }) => duration(Math.min(...samples.map((one) => one.nanoseconds)) / (way.share ?? 1))],
    [name, (figures) => ((amount / size / timeOf(figures)) * 1e9).toPrecision(3)],
  ]
  if (has('cpu')) columns.push(['CPU', (figures) => figure(figures, 'cpu', duration)])
  if (has('resident')) columns.push(['resident', (figures) => figure(figures, 'resident', mebibytes)])
  if (has('stall')) columns.push(['longest stall', (figures) => figure(figures, 'stall', duration)])
  columns.push(['times as fast (goal)', (figures) => against(figures, all, truth)])

  const rows = all.map((figures) => {
    if (figures.way.missing === undefined) return columns.map(([, text]) => text(figures))
    return [figures.way.name, figures.way.missing, ...columns.slice(2).map(() => '')]
  })
  printTable(
    columns.map(([head]) => head),
    rows,
  )
}

// Scaled to the whole job, if only a fraction was done.
function timeOf({ way, samples }: Figures): number {
  return median(samples.map(({ nanoseconds }) => nanoseconds)) / (way.share ?? 1)
}

function figure(
  { way, samples }: Figures,
  key: 'cpu' | 'resident' | 'stall',
  write: (value: number) => string,
): string {
  const values = samples.flatMap((sample) => sample[key] ?? [])
  if (values.length === 0) return ''
  return write(median(values) / (key === 'cpu' ? (way.share ?? 1) : 1))
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`
}

function against(figures: Figures, all: readonly Figures[], truth: unknown): string {
  const { way, samples } = figures
  const notes = Object.entries(way.goals ?? {}).map(([name, goal]) => {
    const peer = all.find((other) => other.way.name === name)
    if (peer === undefined) throw new Error(`No way '${name}'`)
    if (peer.samples.length === 0) return `${name}: not there`
    return `${(timeOf(peer) / timeOf(figures)).toPrecision(3)} x ${name} (${goal})`
  })
  const result = samples[0]?.result
  if (result !== undefined && truth !== undefined && result !== truth && !way.share) {
    notes.push(`${way.inexact ? '' : 'WRONG: '}${String(result)} of ${String(truth)}`)
  }
  return notes.join(', ')
}
