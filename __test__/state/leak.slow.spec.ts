import test, { type ExecutionContext } from 'ava'
import { runFixture } from '../helpers/child.js'
import { tempDir } from '../helpers/temp.js'

const node = ['--expose-gc', '--no-warnings']

async function run(t: ExecutionContext, name: string, rounds: string) {
  const outcome = await runFixture('torture/leak.ts', { cwd: tempDir(t), args: [name, rounds], node, timeout: 110_000 })
  if (outcome.stdout.startsWith('Left out: ')) t.log(outcome.stdout)
  return outcome
}

// `node lab/leak.mjs` runs these and some more, 100,000 rounds each.
const leavesNothing = test.macro(async (t: ExecutionContext, name: string) => {
  const { code, signal, stdout, stderr } = await run(t, name, '20000')
  const end = stdout.startsWith('Left out: ') ? 'through' : stdout.trimEnd().split('\n').at(-1)
  t.deepEqual({ code, signal, end, stderr }, { code: 0, signal: null, end: 'through', stderr: '' })
})

const cases = {
  close: 'opening and closing',
  'close, with a view': 'opening, viewing and closing',
  'close, async': 'opening and closing asynchronously',
  'close, anonymous': 'opening and closing anonymous memory',
  'close, moved away': 'closing a mapping whose view was transferred',
  drop: 'opening and dropping',
  'drop, with a view': 'opening, viewing and dropping',
  'mapBuffer and unmap': 'mapBuffer() and unmap()',
  'mapBuffer and drop': 'mapBuffer() and dropping',
  'refuse, out of range': 'opening with a range that is refused',
}
for (const [name, what] of Object.entries(cases)) {
  test.serial(`20,000 rounds of ${what} leak nothing`, leavesNothing, name)
}

test.serial('the check detects a deliberate leak', async (t) => {
  const { code, stderr, stdout } = await run(t, 'keep', '2000')
  if (stdout.startsWith('Left out: ')) return
  t.is(code, 1)
  t.regex(stderr, /lines grew by 10\d\d /)
})
