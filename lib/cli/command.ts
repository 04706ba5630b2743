/**
 * The command line: commands, options, their meaning and their help. Errors in it are found here, before any file is opened.
 */
import { parseArgs } from 'node:util'
import type { Output } from './output.js'

/** The exit codes, as those of `grep`. */
export const EXIT = { found: 0, nothing: 1, failed: 2 } as const

/** An error in the command line. */
export class UsageError extends Error {}

/** A command of the program. */
export interface Command {
  readonly name: string
  /** The operands, as the help shows them. */
  readonly operands: string
  /** The minimum and maximum number of operands, including the file. */
  readonly min: number
  readonly max: number
  readonly about: string
  readonly options: readonly OptionName[]
  /** Runs the command and returns the exit code. */
  run(given: Given, output: Output): Promise<number>
}

/** The arguments of a command. */
export interface Given {
  readonly file: string
  /** The operands after the file. */
  readonly words: readonly string[]
  is(name: FlagName): boolean
  /** Returns the value of an option, an integer of at least 1. */
  number(name: 'max-count' | 'threads'): number | undefined
  text(name: 'print'): string | undefined
}

interface Option {
  readonly type: 'boolean' | 'string'
  readonly short?: string
  /** The name of the value in the help. */
  readonly value?: string
  readonly about: string
}

const OPTIONS = {
  regexp: { type: 'boolean', short: 'r', about: 'treat the operands as regular expressions (flags m and u)' },
  'ignore-case': { type: 'boolean', short: 'i', about: 'ignore the difference between upper and lower case' },
  'byte-offset': { type: 'boolean', short: 'b', about: 'print the offset of each line in bytes, from 0' },
  'line-number': { type: 'boolean', short: 'n', about: 'print the number of each line, from 1' },
  'only-matching': { type: 'boolean', short: 'o', about: 'print the matches instead of their lines' },
  'max-count': { type: 'string', short: 'm', value: 'N', about: 'stop after N lines, or N matches with -o' },
  text: { type: 'boolean', short: 'a', about: 'print lines of binary files too' },
  print: { type: 'string', short: 'p', value: 'FROM[:TO]', about: 'print these lines, from 1, instead of counting' },
  threads: { type: 'string', value: 'N', about: 'use N threads; the default is one for each core' },
  stats: { type: 'boolean', about: 'also print the searched bytes and the speed' },
  json: { type: 'boolean', about: 'print JSON' },
  help: { type: 'boolean', short: 'h', about: 'print this help' },
} as const satisfies Record<string, Option>

export type OptionName = keyof typeof OPTIONS
type FlagName = { [K in OptionName]: (typeof OPTIONS)[K]['type'] extends 'boolean' ? K : never }[OptionName]

/** Parses the arguments after the name of a command. Returns undefined if they ask for its help. */
export function parseCommand(command: Command, args: readonly string[]): Given | undefined {
  const options = Object.fromEntries(namesOf(command).map((name) => [name, OPTIONS[name]]))
  const { values, positionals } = parsed(() => parseArgs({ args: [...args], options, allowPositionals: true }))
  if (values['help'] === true) return undefined
  const [file, ...words] = positionals
  if (file === undefined || positionals.length < command.min || positionals.length > command.max) {
    throw new UsageError(`The operands of ${command.name} are: ${command.operands}`)
  }
  return {
    file,
    words,
    is: (name) => values[name] === true,
    number: (name) => parseNumber(values[name], `--${name}`),
    text: (name) => values[name] as string | undefined,
  }
}

/** Parses an integer of at least 1. */
export function parseNumber(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined
  const number = Number(value)
  if (typeof value === 'string' && /^\d+$/.test(value) && number >= 1 && Number.isSafeInteger(number)) return number
  throw new UsageError(`${name} must be an integer of at least 1. Received '${String(value)}'`)
}

/** Returns the help of a command. */
export function helpOf(command: Command): string {
  const { name, operands, about } = command
  return `Usage: memmap ${name} [OPTION…] ${operands}\n\n${capital(about)}.\n\n${table(namesOf(command).map(explain))}`
}

/** Formats rows of two columns. */
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
