import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, truncateSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { program, runProgram, typed } from '../helpers/child.js'
import { tempFile } from '../helpers/temp.js'

// The program with signals, a pipe and a terminal, as a shell uses it.

const words = (count: number): string[] => Array.from({ length: count }, (_, index) => `word ${index}`)

/** Returns a file of zeros and arguments with which counting takes long. */
function longWork(t: ExecutionContext): { file: string; args: string[] } {
  const file = tempFile(t)
  truncateSync(file, 2 ** 28)
  return { file, args: ['count', file, ...words(2000)] }
}

/** Starts the program and waits until it has mapped the file. */
async function started(file: string, args: readonly string[]) {
  const child = spawn(process.execPath, [...typed, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<object>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
  )
  while (child.exitCode === null && !readFileSync(`/proc/${child.pid}/maps`, 'utf8').includes(file)) await sleep(10)
  return { child, ended }
}

function hasProc(t: ExecutionContext): boolean {
  if (existsSync('/proc/self/maps')) return true
  t.log('Left out: it needs /proc')
  t.pass()
  return false
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} ends the program at once without output`, async (t) => {
    if (!hasProc(t)) return
    const { file, args } = longWork(t)
    const { child, ended } = await started(file, args)
    child.kill(signal)
    t.deepEqual(await ended, { code: null, signal, stdout: '', stderr: '' })
  })
}

test('a file truncated while the program counts causes an error', async (t) => {
  if (!hasProc(t)) return
  const { file, args } = longWork(t)
  const { ended } = await started(file, args)
  truncateSync(file, 4096)
  const outcome = (await ended) as { code: number; signal: null; stdout: string; stderr: string }
  t.like(outcome, { code: 2, signal: null, stdout: '' })
  // The program may have mapped the file without having checked the range yet.
  const cut = String.raw`'.*file\.bin' became shorter while bytes 0 to 268435456 of .*`
  const gone = String.raw`.*file\.bin: The range of 268435456 bytes .* of 4096 bytes`
  t.regex(outcome.stderr, new RegExp(`^memmap: (?:${cut}|${gone})\n$`))
})

test('a closed pipe ends the program without a message', async (t) => {
  const file = tempFile(t, 'line\n'.repeat(2 ** 20))
  const child = spawn(process.execPath, [...typed, program, 'find', file, 'i'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdout.once('data', () => child.stdout.destroy())
  const [code, signal] = await new Promise<unknown[]>((resolve) => child.on('close', (...how) => resolve(how)))
  t.deepEqual({ code, signal, stderr }, { code: 141, signal: null, stderr: '' })
})

test('a full output device causes an error', async (t) => {
  if (!existsSync('/dev/full')) {
    t.log('Left out: it needs /dev/full')
    t.pass()
    return
  }
  const file = tempFile(t, 'line\n')
  const through = ['sh', '-c', 'exec "$@" > /dev/full', 'sh']
  const { code, signal, stderr } = await runProgram(['find', file, 'i'], { through })
  t.deepEqual({ code, signal }, { code: 2, signal: null })
  t.regex(stderr, /^memmap: The output could not be written: .*no space left on device.*\n$/i)
})

// The progress bar on a terminal.

const python = spawnSync('python3', ['-c', 'import os, pty; os.waitstatus_to_exitcode']).status === 0
const terminal = path.join(import.meta.dirname, '..', 'fixtures', 'terminal.py')

/** Runs the program on a terminal. Returns undefined without python3. */
async function onTerminal(
  t: ExecutionContext,
  args: readonly string[],
  through: readonly string[] = [],
): Promise<{ output: string; code: number } | undefined> {
  if (python) {
    const { stdout, stderr } = await runProgram(args, { through: ['python3', terminal, ...through], timeout: 110_000 })
    t.is(stderr, '')
    return JSON.parse(stdout) as { output: string; code: number }
  }
  t.log('Left out: it needs python3')
  t.pass()
  return undefined
}

test('long work on a terminal shows a progress bar, then only the result', async (t) => {
  const file = tempFile(t)
  truncateSync(file, 2 ** 28)
  // How many words take long depends on the machine.
  for (let count = 60; count < 20_000; count *= 3) {
    const ended = await onTerminal(t, ['count', '--threads', '1', file, ...words(count)])
    if (ended === undefined) return
    t.is(ended.code, 1)
    const result = words(count).map((word) => `0\t${word}\r\n`).join('') // prettier-ignore
    if (ended.output === result) continue
    t.regex(ended.output, /^\r\x1b\[K\[#*\.*\] \d+ % {2}\d+\.\d [GM]B\/s {2}(?:-|[\d:]*\d:\d\d) left\r/)
    t.true(ended.output.endsWith(`left\r\x1b[K${result}`))
    return
  }
  t.fail('no work took long enough for a bar')
})

test('short work on a terminal shows no progress bar', async (t) => {
  const work = ['count', tempFile(t, 'a\n'), 'a']
  let ended = await onTerminal(t, work)
  // A machine that was stopped for a second may draw a bar once, but not in each attempt.
  for (let more = 2; more > 0 && ended?.output.includes('left'); more--) ended = await onTerminal(t, work)
  if (ended !== undefined) t.deepEqual(ended, { output: '1\ta\r\n', code: 0 })
})

test('a signal removes the progress bar and ends the program', async (t) => {
  const { args } = longWork(t)
  const ended = await onTerminal(t, args, ['--interrupt', ' left'])
  if (ended === undefined) return
  t.is(ended.code, -2)
  t.true(ended.output.endsWith(' left\r\x1b[K'))
})
