import test from 'ava'
import { survives } from '../helpers/survive.js'

const node = ['--expose-gc', '--no-warnings']
const options = { node, timeout: 110_000 }

// All at once; Linux allows about 65,000 mappings by default.
const loops = {
  file: '100,000 mappings of a file',
  views: '100,000 mappings with a view each',
  mapBuffer: '100,000 Buffers of a file',
  'anonymous views': '100,000 anonymous mappings with a view each',
  dropped: '100,000 unreferenced Buffers',
  pending: '100,000 mappings opened at once',
  others: 'mappings beside 60,000 foreign ones',
  alternating: '100,000 anonymous mappings, every second one closed again,',
  protect: '100,000 protected pages',
  advise: '100,000 pages with different advice',
  strict: '100,000 stores into a strict mapping',
}
for (const [name, what] of Object.entries(loops)) {
  test.serial(`${what} end with an error, not with a crash`, survives, 'torture/count.ts', 'through', [name], options)
}
