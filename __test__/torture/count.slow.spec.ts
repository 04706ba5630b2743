import test from 'ava'
import { survives } from '../helpers/survive.js'

const node = ['--expose-gc', '--no-warnings']
const options = { node, timeout: 110_000 }

// In one go, of which the system allows some 65,000 by default.
const loops = {
  file: '100,000 mappings of a file',
  views: '100,000 mappings with a view each',
  mapBuffer: '100,000 Buffers of a file',
  'anonymous views': '100,000 pieces of memory with a view each',
  dropped: '100,000 Buffers that nobody keeps',
  pending: '100,000 mappings opened at once',
  others: 'mappings among 60,000 that others made',
  alternating: '100,000 pieces of memory of which every second is closed again',
  protect: '100,000 protected pages',
  advise: '100,000 pages with advice of their own',
  strict: '100,000 stores into a strictly read-only mapping',
}
for (const [name, what] of Object.entries(loops)) {
  test.serial(`${what} end in an error, not in a crash`, survives, 'torture/count.ts', 'through', [name], options)
}
