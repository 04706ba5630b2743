import test from 'ava'
import { capabilities } from '../../index.js'
import { survives } from '../helpers/survive.js'

test.serial('two threads meet the same dead pages at once', survives, 'fault/threads.ts', '2 threads', ['2'])
test.serial('four threads meet the same dead pages at once', survives, 'fault/threads.ts', '4 threads', ['4'])

// Node 20 knows no SharedArrayBuffer over a mapping.
const sharing = capabilities()['sharedArrayBuffer'] ? test.serial : test.serial.skip
sharing('four threads share one mapping that is cut', survives, 'fault/threads.ts', '4 threads', ['4', 'shared'])

test.serial('a thread with no stack left survives a fault', survives, 'fault/deep.ts', 'deep')

sharing('two threads store into one read-only page', survives, 'fault/strict-race.ts', 'stored')

test.serial(
  'a file that is cut and grows again all the time is never an I/O error',
  survives,
  'fault/flicker.ts',
  'flickered',
)
