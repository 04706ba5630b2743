/**
 * The command-line program: finds the command, runs it, and says how it ended.
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
  // Node's own listener would tell of a fault too, which is an error here, and told as one.
  process.removeAllListeners('warning').on('warning', warn)
  try {
    process.exitCode = await dispatch(args, output)
    await output.flush()
  } catch (error) {
    process.exitCode = explain(error)
  }
}

/** Whether the program has a command of this name. */
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
  else throw new UsageError(name === undefined ? 'which command?' : `'${name}' is no command`)
  return EXIT.found
}

function help(): string {
  const rows = COMMANDS.map(({ name, operands, about }): [string, string] => [`memmap ${name} ${operands}`, about])
  return [
    'Usage: memmap COMMAND [OPTION…] FILE …\n\n',
    table(rows),
    '\n`memmap COMMAND --help` tells of its options, and `memmap --version` which version this is. The exit code is 0 if\n',
    'something was found, 1 if nothing was, and 2 if there was an error.\n',
  ].join('')
}

function version(): string {
  return (createRequire(import.meta.url)('memmap/package.json') as { version: string }).version
}

function warn(warning: Error & { code?: string }): void {
  if (warning.code !== 'MEMMAP_FAULT') process.stderr.write(`memmap: ${warning.message}\n`)
}

/** Tells what went wrong, and gives the exit code for it. */
function explain(error: unknown): number {
  // As a program ends whose output nobody reads any more.
  if (error instanceof ClosedPipe) return 128 + (constants.signals.SIGPIPE ?? 13)
  const message = error instanceof Error ? error.message : String(error)
  const path = error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : ''
  const subject = path === '' || message.includes(`'${path}'`) ? '' : `${path}: `
  const advice = error instanceof UsageError ? "\nTry 'memmap --help'." : ''
  process.stderr.write(`memmap: ${subject}${message}${advice}\n`)
  return EXIT.failed
}
