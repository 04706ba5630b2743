import test from 'ava'
import { capabilities } from '../../index.js'
import { survives } from '../helpers/survive.js'

test.serial('two threads access the same missing pages at the same time', survives, 'fault/threads.ts', '2 threads', [
  '2',
])
test.serial('four threads access the same missing pages at the same time', survives, 'fault/threads.ts', '4 threads', [
  '4',
])

// Node 20 has no SharedArrayBuffer over a mapping.
const sharing = capabilities()['sharedArrayBuffer'] ? test.serial : test.serial.skip
sharing('four threads share one mapping of a truncated file', survives, 'fault/threads.ts', '4 threads', [
  '4',
  'shared',
])

test.serial('a thread with an exhausted stack survives a fault', survives, 'fault/deep.ts', 'deep')

sharing('two threads store into the same read-only page', survives, 'fault/strict-race.ts', 'stored')

test.serial(
  'a file that shrinks and grows repeatedly never causes an I/O error',
  survives,
  'fault/flicker.ts',
  'flickered',
)
