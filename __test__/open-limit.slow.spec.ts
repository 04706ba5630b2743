import test from 'ava'
import { survives } from './helpers/survive.js'

const node = ['--expose-gc', '--no-warnings']
const options = { node, timeout: 110_000 }

const limits = {
  addressSpace: 'address space',
  data: 'private memory',
  descriptors: 'descriptors, of which 11,000 mappings of one file need two',
  fileSize: 'the size of files, which leaves the file as it was',
  overcommit: 'what the system promises, unless it need not promise',
}
for (const [name, what] of Object.entries(limits)) {
  test.serial(
    `there is a clear error at the limit of ${what}`,
    survives,
    'torture/limit.ts',
    'through',
    [name],
    options,
  )
}
