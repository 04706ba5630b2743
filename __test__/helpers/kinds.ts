/** Tables of the results of mapping a source in each way. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { runFixture } from './child.js'
import { canMountDisks } from './failing-disks.js'
import { counting, tempDir } from './temp.js'

/** The result of each way to map a source: 'works', or the code and the message. */
export interface Expected {
  readonly r: RegExp
  readonly strict?: RegExp
  readonly c?: RegExp
  readonly 'r+'?: RegExp
  readonly 'w+'?: RegExp
  /** The result with `length`, where it differs. */
  readonly given?: Partial<Omit<Expected, 'given'>>
}

export const works = /^works$/
export const notMappable = (kind: string, advice = ''): RegExp =>
  new RegExp(`^ERR_MEMMAP_NOT_MAPPABLE .*\\b${kind}\\b.*can't be mapped.*${advice}.* \\(kind: ${kind}\\)$`)

/** Returns a table in which all ways have the same result. */
export const always = (r: RegExp): Expected => ({ r, strict: r, c: r, 'r+': r, 'w+': r })
export const reads = { r: works, strict: works, c: works }

const python = spawnSync('python3', ['--version']).status === 0
const withFd = path.join(import.meta.dirname, '..', 'fixtures', 'torture', 'with-fd.py')
const length = 10_240

/** Tries all ways of `expected` on a source, in a child process that must survive. No file may appear in its directory. */
export async function checkKind(
  t: ExecutionContext,
  cwd: string,
  expected: Expected,
  { source, through = [] }: { source?: string; through?: readonly string[] },
): Promise<void> {
  const { given = {}, ...plain } = expected
  const modes = Object.keys(plain).join(',')
  const args = source === undefined ? [modes] : [modes, source]
  const options = { cwd, args, through, node: ['--no-warnings'] }
  const before = readdirSync(cwd)
  const { code, signal, stdout, stderr } = await runFixture('torture/kind.ts', options)
  t.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
  if (stdout.startsWith('Left out: ')) return t.log(stdout)
  if (through.length === 0) t.deepEqual(readdirSync(cwd), before)
  const found = JSON.parse(stdout) as Record<string, string>
  for (const [mode, outcome] of Object.entries(plain) as [keyof typeof plain, RegExp][]) {
    t.regex(found[mode] ?? '', outcome, mode)
    t.regex(found[`${mode} with length`] ?? '', given[mode] ?? outcome, `${mode} with length`)
  }
  t.regex(found['mapBuffer'] ?? '', given.c ?? expected.c ?? expected.r, 'mapBuffer')
}

export type Make = (t: ExecutionContext, directory: string) => string | Promise<string>

/** Tests a source with a path, or one that is opened with given flags. */
export const at = test.macro(async (t: ExecutionContext, make: Make, expected: Expected) => {
  const directory = tempDir(t)
  const source = await make(t, directory)
  if (source !== '') await checkKind(t, directory, expected, { source })
  else leaveOut(t, 'there is no such thing here')
})

/** Tests a source that exists only as a descriptor. */
export const opened = test.macro(async (t: ExecutionContext, name: string, expected: Expected) => {
  if (python) await checkKind(t, tempDir(t), expected, { through: ['python3', withFd, name] })
  else leaveOut(t, 'it needs python3')
})

/** Tests a source on a file system of its own, which shell commands create. */
export const rigged = test.macro(
  async (t: ExecutionContext, through: readonly string[], commands: string, source: string, expected: Expected) => {
    if (!canMountDisks(t)) return
    const command = [...through, 'sh', '-ec', `${commands}; exec "$@"`, 'sh']
    await checkKind(t, tempDir(t), expected, { source, through: command })
  },
)

function leaveOut(t: ExecutionContext, why: string): void {
  t.log(`Left out: ${why}`)
  t.pass()
}

export function makeFile(directory: string, contents: Uint8Array = counting(length)): string {
  const file = path.join(directory, 'file')
  writeFileSync(file, contents)
  return file
}

export const existing =
  (file: string): Make =>
  () =>
    existsSync(file) ? file : ''
export const openedWith =
  (flags: number): Make =>
  (_, directory) =>
    `open:${flags}:${makeFile(directory)}`
