/**
 * The command-line program: finds the command, runs it, and sets the exit code.
 */
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { bench } from './bench.js'
import { type Command, EXIT, helpOf, parseCommand, table, UsageError } from './command.js'
import { count } from './count.js'
import { find } from './find.js'
import { lines } from './lines.js'
import { ClosedPipe, Output } from './output.js'
import { resident } from './resident.js'

const COMMANDS: readonly Command[] = [count, lines, find, resident, bench]

/** Runs the program with these arguments, and sets the exit code of the process. */
export async function run(args: readonly string[]): Promise<void> {
  const output = new Output(process.stdout)
  // Node's own listener would print the warning of a fault, which this program reports as an error.
  process.removeAllListeners('warning').on('warning', warn)
  try {
    process.exitCode = await dispatch(args, output)
    await output.flush()
  } catch (error) {
    process.exitCode = explain(error)
  }
}

/** Reports whether the program has a command of this name. */
export function hasCommand(name: string): boolean {
  return COMMANDS.some((command) => command.name === name)
}

async function dispatch([name, ...args]: readonly string[], output: Output): Promise<number> {
  const command = COMMANDS.find((each) => each.name === name)
  if (command !== undefined) {
    const given = parseCommand(command, args)
    if (given !== undefined) return command.run(given, output)
    output.write(helpOf(command))
  } else if (name === '--help' || name === '-h') output.write(help())
  else if (name === '--version') output.write(`${version()}\n`)
  else throw new UsageError(name === undefined ? 'A command is missing' : `Unknown command '${name}'`)
  return EXIT.found
}

function help(): string {
  const rows = COMMANDS.map(({ name, operands, about }): [string, string] => [`memmap ${name} ${operands}`, about])
  return [
    'Usage: memmap COMMAND [OPTION…] FILE …\n\n',
    table(rows),
    '\n`memmap COMMAND --help` prints the options of a command, and `memmap --version` the version. The exit code is 0 if\n',
    'something was found, 1 if nothing was found, and 2 after an error.\n',
  ].join('')
}

function version(): string {
  return (createRequire(import.meta.url)('memmap/package.json') as { version: string }).version
}

function warn(warning: Error & { code?: string }): void {
  if (warning.code !== 'MEMMAP_FAULT') process.stderr.write(`memmap: ${warning.message}\n`)
}

/** Prints an error, and returns the exit code for it. */
function explain(error: unknown): number {
  // The exit code of a program that SIGPIPE ends.
  if (error instanceof ClosedPipe) return 128 + (constants.signals.SIGPIPE ?? 13)
  const message = error instanceof Error ? error.message : String(error)
  const path = error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : ''
  const subject = path === '' || message.includes(`'${path}'`) ? '' : `${path}: `
  const advice = error instanceof UsageError ? "\nTry 'memmap --help'." : ''
  process.stderr.write(`memmap: ${subject}${message}${advice}\n`)
  return EXIT.failed
}
