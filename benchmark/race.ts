/** Runs the ways to do one job in turns, wherever they run, and says how many times as fast as its peers ours is. */
import { duration, median, printTable } from './run.js'

/** What doing the job once took. */
export interface Sample {
  readonly nanoseconds: number
  /** Of the processor, on all cores; nanoseconds. */
  readonly cpu?: number
  /** What came out, which must be the same for all. */
  readonly result?: unknown
  /** The most memory that was resident since the last time, and the longest wait of the event loop. */
  readonly resident?: number
  readonly stall?: number
}

/** One way to do a job. */
export interface Way {
  readonly name: string
  /** How many times as fast as which other way it is meant to be. */
  readonly goals?: Readonly<Record<string, number>>
  /** Why it can't be measured here. */
  readonly missing?: string
  /** It leaves out matches that lie across two chunks, as programs of its kind do. */
  readonly inexact?: boolean
  /** How much of the job it does, where all of it would take too long. @default 1 */
  readonly share?: number
  measure(): Promise<Sample>
  /** Ends what it needed. */
  end?(): void
}

/** How to race. */
export interface RaceOptions {
  readonly rounds: number
  /** How much there is to do, and in what. */
  readonly amount: number
  readonly unit: keyof typeof UNITS
  /** Done before each measurement of each way. */
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
 * Measures each way once, then each again, and so on: what disturbs the machine for a while disturbs all of them. The first
 * round warms up and does not count.
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

// Of the whole job, where only a share of it was done.
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
