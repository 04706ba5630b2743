import { writeFileSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { patterned } from '../fixtures/fixture.js'
import { runFixture } from '../helpers/child.js'
import { canMountDisks, inExt4, inTmpfs, onDevice, onExt4 } from '../helpers/failing-disks.js'
import { tempDir } from '../helpers/temp.js'

const MIB = 1 << 20
const node = ['--no-warnings']
const survived = (said: string) => ({ code: 0, signal: null, stdout: `${said}\n`, stderr: '' })

const fillsUp = test.macro(async (t: ExecutionContext, through: readonly string[]) => {
  if (!canMountDisks(t)) return
  t.deepEqual(await runFixture('fault/full.ts', { cwd: tempDir(t), node, through }), survived('full'))
})

test.serial(
  'a store into a hole of a file on a full tmpfs neither kills the process nor goes unreported',
  fillsUp,
  inTmpfs,
)
test.serial(
  'a store into a hole of a file on a full ext4 neither kills the process nor goes unreported',
  fillsUp,
  inExt4,
)

const breaks = test.macro(
  async (t: ExecutionContext, through: readonly string[], file: string, size: number, args: readonly string[] = []) => {
    if (!canMountDisks(t)) return
    const cwd = tempDir(t)
    writeFileSync(path.join(cwd, file), patterned(size))
    const options = { cwd, node, through, args: [String(size), ...args] }
    t.deepEqual(await runFixture('fault/io.ts', options), survived('broken'))
  },
)

const onFile = ['disk/data']
test.serial('only the unreadable page of a file becomes zeros', breaks, onExt4, 'data', 12 * MIB, onFile)
test.serial('only the unreadable page of a device becomes zeros', breaks, onDevice, 'image', 4 * MIB)
