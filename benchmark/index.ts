/**
 * The benchmarks: this library and its peers in the same run, by turns; medians, and ratios of them.
 *
 *     npm run bench [-- TOPIC ...]
 *
 * Topics: open, views, sum, read, gc. Their files lie in the folder for temporary files, or in that of the environment variable
 * MEMMAP_BENCH_DIR.
 */
import os from 'node:os'
import { gc } from './gc.js'
import { open } from './open.js'
import { read } from './read.js'
import { sum } from './sum.js'
import { views } from './views.js'

const topics: Record<string, () => unknown> = { open, views, sum, read, gc }

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in topics))
if (unknown.length > 0) throw new Error(`No topic ${unknown.join(', ')}; there are ${Object.keys(topics).join(', ')}`)

const [load = 0] = os.loadavg()
console.log(
  `Node ${process.versions.node}, ${process.platform} ${os.release()}, ${os.cpus().length} x ${os.cpus()[0]?.model ?? process.arch}, load ${load.toFixed(1)}\n`,
)
for (const [name, measure] of Object.entries(topics)) {
  if (asked.length === 0 || asked.includes(name)) await measure()
}
