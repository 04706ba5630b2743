/**
 * The benchmarks: this library and its peers alternate in the same run. The results are medians, and ratios of medians.
 *
 *     npm run bench [-- TOPIC ... [--size 4G] [--rounds 7] [--file PATH]]
 *
 * `--size` is the size of the large files, by default 512M. `--file` keeps the text at a path for the next run. Other files are in the
 * folder for temporary files, or in the folder of the environment variable MEMMAP_BENCH_DIR.
 */
import os from 'node:os'
import { cold } from './cold.js'
import { flush } from './flush.js'
import { gc } from './gc.js'
import { grow } from './grow.js'
import { lines } from './lines.js'
import { lock } from './lock.js'
import { open } from './open.js'
import { random } from './random.js'
import { read } from './read.js'
import { search } from './search.js'
import { readSettings, type Settings } from './settings.js'
import { small } from './small.js'
import { streams } from './streams.js'
import { sum } from './sum.js'
import { views } from './views.js'

const all: Record<string, (settings: Settings) => unknown> = {
  search,
  lines,
  streams,
  random,
  cold,
  small,
  open,
  views,
  sum,
  read,
  gc,
  grow,
  flush,
  lock,
}

const { topics, settings } = readSettings(process.argv.slice(2))
const unknown = topics.filter((name) => !(name in all))
if (unknown.length > 0) throw new Error(`No topic ${unknown.join(', ')}; there are ${Object.keys(all).join(', ')}`)

const [load = 0] = os.loadavg()
console.log(
  `Node ${process.versions.node}, ${process.platform} ${os.release()}, ${os.cpus().length} x ${os.cpus()[0]?.model ?? process.arch}, load ${load.toFixed(1)}\n`,
)
for (const [name, measure] of Object.entries(all)) {
  if (topics.length === 0 || topics.includes(name)) await measure(settings)
}
