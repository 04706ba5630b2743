import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'

const script = path.join(import.meta.dirname, '..', '..', 'lab', 'power-cut.mjs')

// The long form is started by hand: `node lab/power-cut.mjs` cuts the power 300 times for each row.
const survives = test.macro(async (t: ExecutionContext, system: string, works: string) => {
  t.timeout(180_000)
  const args = [script, '--points', '10', '--on', system, '--only', works]
  const options = { timeout: 170_000, killSignal: 'SIGKILL', env: { ...process.env, NODE_OPTIONS: '' } } as const
  // The script fails if an acknowledged write was lost, and if no unacknowledged write was lost.
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options)
  t.is(stderr, '')
  t.log(stdout)
  const rows = stdout.split('\n').filter((line) => line.includes(`'${system}'`))
  t.is(rows.length, stdout.startsWith('Left out: ') ? 0 : works.split(',').length)
})

test.serial('no acknowledged write is lost in a power cut on ext4', survives, 'ext4', 'flush,replace,grow')
test.serial('no acknowledged write is lost in a power cut on xfs', survives, 'xfs', 'flush,replace,grow')
test.serial('the simulated disk loses writes that were only scheduled', survives, 'ext4', 'schedule')
