/**
 * The command line: what may be said, what it means, and how it is explained. What is wrong with it is found here, before
 * any file is opened.
 */
import { parseArgs } from 'node:util'
import type { Output } from './output.js'

/** What the program says by its exit code: the same as `grep`. */
export const EXIT = { found: 0, nothing: 1, failed: 2 } as const

/** Something is wrong with the command line. */
export class UsageError extends Error {}

/** What the program can do. */
export interface Command {
  readonly name: string
  /** As the help shows them. `least` and `most` is how many there must be, the file among them. */
  readonly operands: string
  readonly least: number
  readonly most: number
  readonly about: string
  readonly options: readonly OptionName[]
  /** Does it. Gives the exit code. */
  run(given: Given, output: Output): Promise<number>
}

/** What was said to a command. */
export interface Given {
  readonly file: string
  /** What follows the file. */
  readonly words: readonly string[]
  is(name: FlagName): boolean
  /** A whole number from 1 on. */
  number(name: 'max-count' | 'threads'): number | undefined
  text(name: 'print'): string | undefined
}

interface Option {
  readonly type: 'boolean' | 'string'
  readonly short?: string
  /** What the help calls its value. */
  readonly value?: string
  readonly about: string
}

const OPTIONS = {
  regexp: { type: 'boolean', short: 'r', about: 'take what is searched for as regular expressions (flags m and u)' },
  'ignore-case': { type: 'boolean', short: 'i', about: 'take capital and small letters for the same' },
  'byte-offset': { type: 'boolean', short: 'b', about: 'say at which byte of the file each line begins, from 0' },
  'line-number': { type: 'boolean', short: 'n', about: 'say the number of each line, from 1' },
  'only-matching': { type: 'boolean', short: 'o', about: 'print what was found instead of its lines' },
  'max-count': { type: 'string', short: 'm', value: 'N', about: 'stop after so many lines, or matches with -o' },
  text: { type: 'boolean', short: 'a', about: 'print lines of binary files too' },
  print: { type: 'string', short: 'p', value: 'FROM[:TO]', about: 'print these lines, from 1, instead of counting' },
  threads: { type: 'string', value: 'N', about: 'work on so many threads; otherwise on all cores' },
  stats: { type: 'boolean', about: 'say also how much was searched, and how quickly' },
  json: { type: 'boolean', about: 'print JSON' },
  help: { type: 'boolean', short: 'h', about: 'print this help' },
} as const satisfies Record<string, Option>

export type OptionName = keyof typeof OPTIONS
type FlagName = { [K in OptionName]: (typeof OPTIONS)[K]['type'] extends 'boolean' ? K : never }[OptionName]

/** Reads what follows the name of a command. Undefined: its help is wanted. */
export function parseCommand(command: Command, args: readonly string[]): Given | undefined {
  const options = Object.fromEntries(namesOf(command).map((name) => [name, OPTIONS[name]]))
  const { values, positionals } = parsed(() => parseArgs({ args: [...args], options, allowPositionals: true }))
  if (values['help'] === true) return undefined
  const [file, ...words] = positionals
  if (file === undefined || positionals.length < command.least || positionals.length > command.most) {
    throw new UsageError(`${command.name} takes ${command.operands}`)
  }
  return {
    file,
    words,
    is: (name) => values[name] === true,
    number: (name) => parseNumber(values[name], `--${name}`),
    text: (name) => values[name] as string | undefined,
  }
}

/** A whole number from 1 on. */
export function parseNumber(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined
  const number = Number(value)
  if (typeof value === 'string' && /^\d+$/.test(value) && number >= 1 && Number.isSafeInteger(number)) return number
  throw new UsageError(`${name} takes a whole number from 1 on, and not '${String(value)}'`)
}

/** The help of a command. */
export function helpOf(command: Command): string {
  const { name, operands, about } = command
  return `Usage: memmap ${name} [OPTION…] ${operands}\n\n${capital(about)}.\n\n${table(namesOf(command).map(explain))}`
}

/** Lines of two columns. */
export function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('')
}

function namesOf(command: Command): OptionName[] {
  return [...command.options, 'json', 'help']
}

function explain(name: OptionName): [string, string] {
  const { short, value, about }: Option = OPTIONS[name]
  const dash = short === undefined ? '    ' : `-${short}, `
  return [`${dash}--${name}${value === undefined ? '' : `=${value}`}`, about]
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
