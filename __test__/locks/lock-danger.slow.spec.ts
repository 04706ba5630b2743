import { existsSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { runFixture } from '../helpers/child.js'
import { tempDir } from '../helpers/temp.js'

/** Runs a program of `fixtures/lock`, which prints its figures as JSON. */
async function figures<T>(t: ExecutionContext, fixture: string, ...args: string[]): Promise<T> {
  const { stdout, ...outcome } = await runFixture(`lock/${fixture}`, { cwd: tempDir(t), args, node: ['--no-warnings'] })
  t.deepEqual(outcome, { code: 0, signal: null, stderr: '' })
  return JSON.parse(stdout) as T
}

// Short forms of the tests of lab/lock-torture.mjs, which runs a thousand times more rounds.

interface Count {
  readonly threads: number
  readonly descriptors: number
}

const given = existsSync('/proc/self/task') ? test.serial : test.skip
given('abandoned waits leave no thread and no descriptor', async (t) => {
  const found = await figures<{
    before: Count
    max: Count
    after: Count
    left: number
    rejected: number
    free: string
  }>(t, 'aborts.ts', '500')
  t.is(found.rejected, 500)
  t.deepEqual([found.left, found.free], [0, 'free'])
  t.true(found.after.threads <= found.before.threads, JSON.stringify(found))
  t.true(found.after.descriptors <= found.before.descriptors, JSON.stringify(found))
  t.true(found.max.threads <= found.before.threads + 64 + 1, 'at most 64 threads wait, and one more serves the queue')
})

for (const [unit, name] of [
  ['1', 'bytes'],
  [String(2n ** 57n), '2^57 bytes'],
] as const) {
  test.serial(`random operations of four processes on ranges of ${name} agree with a plain array`, async (t) => {
    const found = await figures<{ done: number; taken: number; differences: number }>(t, 'model.ts', '1500', '1', unit)
    t.deepEqual([found.done, found.differences], [6000, 0])
    t.true(found.taken > 500)
  })
}

for (const hold of ['1', '0']) {
  test.serial(`four processes that hold a lock for ${hold} ms each get fair shares`, async (t) => {
    const { counts } = await figures<{ counts: number[] }>(t, 'fair.ts', '1000', hold)
    t.true(Math.min(...counts) * 4 > Math.max(...counts), counts.join())
  })
}

test.serial('opening and closing the file through fs drops no lock', async (t) => {
  const { tries, got, stillHeld } = await figures<{ tries: number; got: number; stillHeld: boolean }>(
    t,
    'fs.ts',
    '1000',
  )
  t.true(tries > 0)
  t.deepEqual([got, stillHeld], [0, true])
})

test.serial('fs works while four locks are waited for', async (t) => {
  // If fs were blocked, the program would never end.
  const { withWaits } = await figures<{ withWaits: number }>(t, 'read.ts')
  t.true(withWaits > 0)
})
