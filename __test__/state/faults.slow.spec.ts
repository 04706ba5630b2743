import test from 'ava'
import { survives } from '../helpers/survive.js'

const loops = ['Uint8Array', 'Float64Array', 'DataView', 'Atomics.load']
const builtins = [
  'toString latin1',
  'toString utf8',
  'TextDecoder',
  'indexOf',
  'lastIndexOf',
  'Buffer.copy',
  'set',
  'Buffer.from',
  'crypto hash',
  'zlib',
]

for (const how of [...loops, ...builtins]) {
  test.serial(
    `${how} reads zeros after the end of a truncated file and the right bytes before it`,
    survives,
    'fault/read.ts',
    'read 24',
    [how],
  )
}

for (const how of [...loops, 'Uint8Array store', 'Atomics.add']) {
  test.serial(`an optimised loop survives the truncation of the file: ${how}`, survives, 'fault/hot.ts', 'survived', [
    how,
  ])
}
