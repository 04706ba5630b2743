import { writeFileSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { patterned } from '../fixtures/fixture.js'
import {
  canMountDisks,
  inExt4,
  inLargeExt4,
  inLargeTmpfs,
  inLargeXfs,
  inTmpfs,
  onExt4,
} from '../helpers/failing-disks.js'
import { survives } from '../helpers/survive.js'
import { tempDir } from '../helpers/temp.js'

const MIB = 2 ** 20
const node = ['--no-warnings', '--expose-gc']

// Comparison with other programs and with the system.

const comesAndGoes = test.macro(async (t: ExecutionContext, through: readonly string[], kind: string) => {
  if (canMountDisks(t, 'mkfs.xfs'))
    await survives.exec(t, 'residency/disk.ts', 'came and went', [kind], { through, timeout: 100_000 })
})
test.serial(
  'reported residency agrees with another program, and no page is lost (ext4)',
  comesAndGoes,
  inLargeExt4,
  'disk',
)
test.serial(
  'reported residency agrees with another program, and no page is lost (xfs)',
  comesAndGoes,
  inLargeXfs,
  'disk',
)
test.serial(
  'reported residency agrees with another program, and no page is lost (tmpfs)',
  comesAndGoes,
  inLargeTmpfs,
  'memory',
)

test.serial('nothing is reported for a file of another user', survives, 'residency/others.ts', 'told nothing')

const locks = {
  modes: 'lockMemory() reads pages in without private copies and lasts until unlockMemory() or close()',
  resized: 'locked bytes stay locked when the mapping grows, and are unlocked when it shrinks',
  undone: 'a lockMemory() that fails or is cancelled leaves nothing locked',
  limited: 'locking more than the limit causes an error that names the limit',
  ranges: 'locking very many ranges fails before the process runs out of mappings',
}
for (const [name, title] of Object.entries(locks)) {
  test.serial(title, survives, 'residency/lock.ts', 'through', [name], { node, timeout: 100_000 })
}

const verifies = test.macro(async (t: ExecutionContext, through: readonly string[], ...args: string[]) => {
  if (!canMountDisks(t)) return
  const cwd = tempDir(t)
  writeFileSync(path.join(cwd, 'data'), patterned(12 * MIB))
  await survives.exec(t, 'residency/verify.ts', 'through', args, { cwd, through })
})
test.serial('verify() of a truncated file records no fault', survives, 'residency/verify.ts', 'through', ['cut'])
test.serial('only a mapping in mode r+ can be verified for writing', survives, 'residency/verify.ts', 'through', [
  'forWriting',
])
test.serial('verify() finds a hole on a full tmpfs without a fault', verifies, inTmpfs, 'full', 'tmpfs')
test.serial('verify() finds a hole on a full ext4 without a fault', verifies, inExt4, 'full', 'ext4')
test.serial('verify() finds an unreadable page without a fault', verifies, onExt4, 'io')
