import test from 'ava'
import { survives } from '../helpers/survive.js'

const node = ['--no-warnings', '--expose-gc']

test.serial(
  'a builtin survives the close of the mapping whose view it is reading or writing',
  survives,
  'close/within.ts',
  'closed 50',
  [],
  {
    node,
  },
)

for (const when of ['before', 'after']) {
  const title = `memory transferred ${when} the close holds the right bytes, then zeros, and never crashes`
  test.serial(title, survives, 'close/moved.ts', 'gave 22', [when], { node })
}

test.serial(
  'after the close, pending system calls fail, and loads and stores are reported',
  survives,
  'close/late.ts',
  'late',
  [],
  { node },
)

test.serial('a thread that shares the memory survives the close', survives, 'close/shared.ts', 'closed', [], { node })

for (const how of ['closed, then dropped', 'closed, without views', 'never closed']) {
  const title = `addresses are returned to the system: ${how}`
  test.serial(title, survives, 'close/given-back.ts', 'given back', [how], { node })
}
