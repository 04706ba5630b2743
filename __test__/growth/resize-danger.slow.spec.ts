import test, { type ExecutionContext } from 'ava'
import { canRig, inExt4, inTmpfs } from '../helpers/rig.js'
import { survives } from '../helpers/survive.js'

const fixture = 'torture/grow.ts'

const rigged = test.macro(async (t: ExecutionContext, through: readonly string[], name: string) => {
  if (canRig(t)) await survives.exec(t, fixture, 'through', [name], { through, node: ['--no-warnings'] })
})

const cases = {
  made: 'a file that is made has a block under each byte',
  extended: 'a file that is made longer keeps its bytes, and has a block under each new one',
  filled: 'a file with holes has them filled when a size is asked for',
  tooLong: 'a file that the disk has no room for is as it was, or not there as it was not',
  full: 'a file on a full disk is not made longer, and not emptied either',
  fullAndNew: 'a file is not made on a full disk',
  fullAndSparse: 'a file of holes on a full disk is not emptied',
}
for (const [name, title] of Object.entries(cases)) {
  test.serial(`${title} (tmpfs)`, rigged, inTmpfs, name)
  test.serial(`${title} (ext4)`, rigged, inExt4, name)
}

test.serial('a size that can not be leaves the file as it was', survives, fixture, 'through', ['refused'])
test.serial('a file is made where a link points', survives, fixture, 'through', ['linked'])
