import test from 'ava'
import { survives } from '../helpers/survive.js'

const node = ['--no-warnings', '--expose-gc']

test.serial('closing within builtins that are at work on a view', survives, 'close/within.ts', 'closed 50', [], {
  node,
})

for (const when of ['before', 'after']) {
  const title = `memory that was given away ${when} closing is right, then zeros, and never a crash`
  test.serial(title, survives, 'close/moved.ts', 'gave 22', [when], { node })
}

test.serial('late system calls fail, late loads and stores are told', survives, 'close/late.ts', 'late', [], { node })

test.serial('closing under a thread that shares the memory', survives, 'close/shared.ts', 'closed', [], { node })

for (const how of ['closed, then dropped', 'closed, without views', 'never closed']) {
  const title = `addresses are given back: ${how}`
  test.serial(title, survives, 'close/given-back.ts', 'given back', [how], { node })
}
