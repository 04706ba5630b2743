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
  test.serial(`${how} sees zeros behind a cut and the right bytes before it`, survives, 'fault/read.ts', 'read 24', [
    how,
  ])
}

for (const how of [...loops, 'Uint8Array store', 'Atomics.add']) {
  test.serial(`a hot loop survives a cut: ${how}`, survives, 'fault/hot.ts', 'survived', [how])
}
