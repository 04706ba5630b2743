import test from 'ava'
import { survives } from './helpers/survive.js'

const node = ['--expose-gc', '--no-warnings']
const options = { node, timeout: 110_000 }

const limits = {
  addressSpace: 'address space',
  data: 'private memory',
  descriptors: 'descriptors, of which 11,000 mappings of one file need two',
  fileSize: 'the file size, and the file is unchanged',
  overcommit: 'committed memory, unless noReserve is set',
}
for (const [name, what] of Object.entries(limits)) {
  test.serial(`a clear error names the limit of ${what}`, survives, 'torture/limit.ts', 'through', [name], options)
}
