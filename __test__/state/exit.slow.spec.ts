import { readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import test, { type ExecutionContext } from 'ava'
import { PAGE, patterned } from '../fixtures/fixture.js'
import { type Outcome, runFixture } from '../helpers/child.js'
import { tempDir } from '../helpers/temp.js'

type End = Partial<Outcome>

const ends = test.macro(async (t: ExecutionContext, how: string, { code = null, signal = null }: End) => {
  const cwd = tempDir(t)
  const outcome = await runFixture('life/exit.ts', { cwd, args: [how], node: ['--no-warnings'] })
  t.deepEqual({ ...outcome, stderr: '' }, { code, signal, stdout: 'ending\n', stderr: '' })
  // Only the error of the case itself may be printed.
  t.true(outcome.stderr === '' || code === 1 || code === 134 || signal === 'SIGABRT', outcome.stderr)

  const expected = patterned(16 * PAGE)
  expected.write('stored')
  if (how === 'in an exit handler') expected.write('at exit', PAGE)
  t.true(readFileSync(path.join(cwd, 'kept')).equals(expected), 'the stores are in the file')
})

// Windows has no signals: a process ends another one with a code.
const isWindows = process.platform === 'win32'

const cases: Record<string, End> = {
  naturally: { code: 0 },
  'process.exit': { code: 3 },
  'process.exitCode': { code: 4 },
  'in an exit handler': { code: 0 },
  'an uncaught error': { code: 1 },
  'a rejection': { code: 1 },
  SIGTERM: isWindows ? { code: 1 } : { signal: 'SIGTERM' },
  SIGKILL: isWindows ? { code: 1 } : { signal: 'SIGKILL' },
  abort: isWindows ? { code: 134 } : { signal: 'SIGABRT' },
  'mmap() not awaited': { code: 0 },
  'flush() not awaited': { code: 0 },
  'close() not awaited': { code: 0 },
  'close() that waits for a pin for ever': { code: 0 },
  'all of them not awaited': { code: 0 },
  'process.exit during mmap()': { code: 3 },
  'process.exit during flush()': { code: 3 },
  'process.exit during close()': { code: 3 },
  'an uncaught error during flush()': { code: 1 },
  'process.exit with a busy worker': { code: 3 },
}

for (const [how, end] of Object.entries(cases)) {
  test.serial(`a process with live mappings ends as without them: ${how}`, ends, how, end)
}

for (const how of ['naturally', 'process.exit']) {
  test.serial(`a fault in the last turn of the event loop is reported before the process ends: ${how}`, async (t) => {
    const { code, signal, stdout, stderr } = await runFixture('life/last-turn.ts', { cwd: tempDir(t), args: [how] })
    t.deepEqual({ code, signal, stdout }, { code: 0, signal: null, stdout: '0\n' })
    t.true(stderr.includes('MEMMAP_FAULT') && stderr.includes("'last'"), `Only this was printed: ${stderr}`)
  })
}
