import test from 'ava'
import { survives } from '../helpers/survive.js'

for (const name of ['refreshSync()', 'refresh()']) {
  test(`${name} repairs a mapping after a truncation`, survives, 'torture/resize.ts', 'through', ['mended', name])
}
