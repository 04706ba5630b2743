/** Makes views of a mapping, compared with slices of a Buffer. */
import { mmapAnonymous } from '../index.js'
import { compare, keep, print } from './run.js'

const TIMES = 100_000
const SIZE = 2 ** 24

export async function views(): Promise<void> {
  const mapping = mmapAnonymous(SIZE)
  const plain = Buffer.alloc(SIZE)
  const { buffer } = plain
  const cases = [
    { name: 'Buffer.from(arrayBuffer, offset, length)', ...each((offset) => Buffer.from(buffer, offset, 4096)) },
    { name: 'subarray() of an ordinary Buffer', ...each((offset) => plain.subarray(offset, offset + 4096)) },
    { name: 'mapping.buffer()', ...each((offset) => mapping.buffer(offset, 4096)) },
    { name: 'mapping.array(Float64Array)', ...each((offset) => mapping.array(Float64Array, offset, 512)) },
    { name: 'mapping.dataView()', ...each((offset) => mapping.dataView(offset, 4096)) },
  ]
  print('Making a view of 4 KiB', await compare(cases))
  mapping.closeSync()
}

function each(make: (offset: number) => unknown) {
  return {
    times: TIMES,
    before: () => globalThis.gc?.(),
    run: () => {
      for (let round = 0; round < TIMES; round++) keep(make((round % 4096) * 4096))
    },
  }
}
