import test, { type ExecutionContext } from 'ava'
import { canMountDisks, inExt4, inTmpfs } from '../helpers/failing-disks.js'
import { survives } from '../helpers/survive.js'

const fixture = 'torture/grow.ts'

const rigged = test.macro(async (t: ExecutionContext, through: readonly string[], name: string) => {
  if (canMountDisks(t)) await survives.exec(t, fixture, 'through', [name], { through, node: ['--no-warnings'] })
})

const cases = {
  made: 'a new file has a block for each byte',
  extended: 'a file made longer keeps its bytes and has a block for each new byte',
  filled: 'the holes of a file are filled when a size is given',
  tooLong: 'a file without room on the disk is unchanged, or is not created',
  full: 'a file on a full disk is neither made longer nor emptied',
  fullAndNew: 'no file is created on a full disk',
  fullAndSparse: 'a sparse file on a full disk is not emptied',
}
for (const [name, title] of Object.entries(cases)) {
  test.serial(`${title} (tmpfs)`, rigged, inTmpfs, name)
  test.serial(`${title} (ext4)`, rigged, inExt4, name)
}

test.serial('an impossible size leaves the file unchanged', survives, fixture, 'through', ['refused'])
test.serial('a file is created at the target of a link', survives, fixture, 'through', ['linked'])
