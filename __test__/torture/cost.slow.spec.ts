import test from 'ava'
import { survives } from '../helpers/survive.js'

const node = ['--expose-gc', '--no-warnings']
const cost = 'torture/cost.ts'
test.serial('the control detects collections', survives, cost, 'through', ['control'], { node })
test.serial('opening and closing 1 GiB without a view causes no collection', survives, cost, 'through', ['opening'], {
  node,
})
test.serial('200 windows cause at most one collection for each ArrayBuffer', survives, cost, 'through', ['windows'], {
  node,
})
test.serial(
  '200 windows of one ArrayBuffer cause at most two collections',
  survives,
  cost,
  'through',
  ['windowsAgain'],
  { node },
)
test.serial('30,000 views of one mapping cause at most one collection', survives, cost, 'through', ['views'], { node })
