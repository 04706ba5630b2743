import test, { type ExecutionContext } from 'ava'
import { type Outcome, runCode, runFixture } from '../helpers/child.js'
import { tempDir } from '../helpers/temp.js'

const ends = test.macro(async (t: ExecutionContext, how: string, { code = null, signal = null }: Partial<Outcome>) => {
  const outcome = await runFixture('lock/end.ts', { cwd: tempDir(t), args: [how], node: ['--no-warnings'] })
  const expected = how.startsWith('process.exit holding') ? '' : 'ending\n'
  t.deepEqual({ ...outcome, stderr: '' }, { code, signal, stdout: expected, stderr: '' })
  t.true(outcome.stderr === '' || code === 1, outcome.stderr)
})

const cases: Record<string, Partial<Outcome>> = {
  'holding a lock': { code: 0 },
  'holding a lock of a path': { code: 0 },
  'process.exit holding a lock': { code: 3 },
  'process.exit with 70 waits': { code: 3 },
  'an uncaught error with 70 waits': { code: 1 },
  'waits that were given up': { code: 0 },
  'waits that a close ends': { code: 0 },
  'a worker that waits is terminated': { code: 0 },
  'a worker that stands still is terminated': { code: 0 },
  'a worker that holds is terminated': { code: 0 },
}
for (const [how, end] of Object.entries(cases))
  test.serial(`a process with locks ends as expected: ${how}`, ends, how, end)

test.serial('a pending lock keeps the process alive until its promise is settled', async (t) => {
  const code = `
    import { fileLockSync, fileLock } from 'memmap'
    import { spawn } from 'node:child_process'
    const lock = fileLockSync('file', { create: true, length: 1 })
    void fileLock('file', { timeout: 300 }).catch(({ code }) => console.log(code))`
  const outcome = await runCode(code, { cwd: tempDir(t) })
  t.deepEqual(outcome, { code: 0, signal: null, stdout: 'ERR_MEMMAP_LOCK_TIMEOUT\n', stderr: '' })
})
