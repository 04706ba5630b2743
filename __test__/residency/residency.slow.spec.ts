import { writeFileSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { patterned } from '../fixtures/lab.js'
import { canRig, inExt4, inLargeExt4, inLargeTmpfs, inLargeXfs, inTmpfs, onExt4 } from '../helpers/rig.js'
import { survives } from '../helpers/survive.js'
import { tempDir } from '../helpers/temp.js'

const MIB = 2 ** 20
const node = ['--no-warnings', '--expose-gc']

// Against what other programs and the system itself say.

const comesAndGoes = test.macro(async (t: ExecutionContext, through: readonly string[], kind: string) => {
  if (canRig(t, 'mkfs.xfs'))
    await survives.exec(t, 'residency/disk.ts', 'came and went', [kind], { through, timeout: 100_000 })
})
test.serial(
  'pages are said to be where another program finds them, and none is lost (ext4)',
  comesAndGoes,
  inLargeExt4,
  'disk',
)
test.serial(
  'pages are said to be where another program finds them, and none is lost (xfs)',
  comesAndGoes,
  inLargeXfs,
  'disk',
)
test.serial(
  'pages are said to be where another program finds them, and none is lost (tmpfs)',
  comesAndGoes,
  inLargeTmpfs,
  'memory',
)

test.serial('of a file of others nothing is claimed', survives, 'residency/others.ts', 'told nothing')

const locks = {
  modes: 'locking brings in what it locks, copies nothing, and lasts until it is undone or closed',
  resized: 'a lock follows its bytes when the mapping grows, and ends with them when it shrinks',
  undone: 'a lock that fails or is cancelled leaves nothing locked',
  limited: 'more than may be locked is an error that says how much that is',
  pieces: 'locking very many parts ends with an error before the process has no mapping to spare',
}
for (const [name, title] of Object.entries(locks)) {
  test.serial(title, survives, 'residency/lock.ts', 'through', [name], { node, timeout: 100_000 })
}

const verifies = test.macro(async (t: ExecutionContext, through: readonly string[], ...args: string[]) => {
  if (!canRig(t)) return
  const cwd = tempDir(t)
  writeFileSync(path.join(cwd, 'data'), patterned(12 * MIB))
  await survives.exec(t, 'residency/verify.ts', 'through', args, { cwd, through })
})
test.serial('asking whether a file still has its pages leaves no fault', survives, 'residency/verify.ts', 'through', [
  'cut',
])
test.serial(
  'only a mapping that writes to a file can be verified for that',
  survives,
  'residency/verify.ts',
  'through',
  ['forWriting'],
)
test.serial('a hole on a full tmpfs is found without a fault', verifies, inTmpfs, 'full', 'tmpfs')
test.serial('a hole on a full ext4 is found without a fault', verifies, inExt4, 'full', 'ext4')
test.serial('a page that the disk can not deliver is found without a fault', verifies, onExt4, 'io')
