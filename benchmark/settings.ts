/** The settings from the command line: the topics, and the size of the files. */
import { parseArgs } from 'node:util'

/** The settings of the measurements. */
export interface Settings {
  /** The size of the text and of the other large files, in bytes. */
  readonly size: number
  readonly rounds: number
  /** The path that keeps the text for further runs. */
  readonly file: string | undefined
}

const UNITS: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }

export function readSettings(args: readonly string[]): { topics: string[]; settings: Settings } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      size: { type: 'string', default: '512M' },
      rounds: { type: 'string', default: '5' },
      file: { type: 'string' },
    },
  })
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds wants a number of 1 or more')
  return { topics: positionals, settings: { size: parseSize(values.size), rounds, file: values.file } }
}

function parseSize(text: string): number {
  const [, number, unit = ''] = /^(\d+)([KMG]?)$/.exec(text) ?? []
  const size = Number(number) * (UNITS[unit] ?? 1)
  if (Number.isSafeInteger(size) && size >= 2 ** 20) return size
  throw new Error('--size wants a number of bytes, or of K, M or G of them: 1M or more')
}
