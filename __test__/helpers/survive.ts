import test, { type ExecutionContext } from 'ava'
import { type ChildOptions, runFixture } from './child.js'
import { tempDir } from './temp.js'

/** Runs a fixture in a directory of its own. It must exit with code 0 and print the expected text, or that it was left out, and why. */
export const survives = test.macro(
  async (t: ExecutionContext, fixture: string, said: string, args: readonly string[] = [], options?: ChildOptions) => {
    const outcome = await runFixture(fixture, { cwd: tempDir(t), args, node: ['--no-warnings'], ...options })
    const leftOut = outcome.code === 0 && outcome.stdout.startsWith('Left out: ')
    if (leftOut) t.log(outcome.stdout.trim())
    const stdout = leftOut ? outcome.stdout : `${said}\n`
    t.deepEqual(outcome, { code: 0, signal: null, stdout, stderr: '' })
  },
)
