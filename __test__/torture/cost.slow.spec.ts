import test from 'ava'
import { survives } from '../helpers/survive.js'

const node = ['--expose-gc', '--no-warnings']
const cost = 'torture/cost.ts'
test.serial('collections are seen by the tests that count them', survives, cost, 'through', ['control'], { node })
test.serial('opening and closing 1 GiB without a view costs no collection', survives, cost, 'through', ['opening'], {
  node,
})
test.serial('200 windows cost one collection for an ArrayBuffer at most', survives, cost, 'through', ['windows'], {
  node,
})
test.serial(
  '200 windows of one ArrayBuffer cost two collections at most',
  survives,
  cost,
  'through',
  ['windowsAgain'],
  { node },
)
test.serial('30,000 views of one mapping cost one collection at most', survives, cost, 'through', ['views'], { node })
