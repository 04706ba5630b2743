import test from 'ava'
import { survives } from './helpers/survive.js'

const fixture = 'torture/large.ts'

// The collector runs a lot when large views are made.
const patient = { timeout: 300_000 }

for (const size of ['3', '5']) {
  const title = `a file of ${size} GiB is seen and written past 2^31 and 2^32`
  test.serial(title, survives, fixture, 'through', ['whole', size], patient)
}
test.serial('a range may begin at any byte of a file of 5 GiB', survives, fixture, 'through', ['offsets'], patient)
test.serial('a view may lie anywhere in a file of 10 TiB', survives, fixture, 'through', ['terabytes'], patient)
