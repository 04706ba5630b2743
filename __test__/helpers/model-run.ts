/**
 * The model test: random steps on mappings, files and views, each taken on the library and on a model of plain Buffers, and
 * compared. Run as a program:
 *
 *     node --import=tsx model-run.ts --seed 1 --steps 10000 --directory DIRECTORY [--spoil STEP] [--crash STEP]
 *
 * It logs each step in DIRECTORY/log before it takes it, so that the cause of a crash can be read. `--spoil` changes a byte
 * of a file but not of the model, and `--crash` ends the process: both must be detected.
 */
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { closeOperations, closeSubject } from './model-close.js'
import { callOperations } from './model-calls.js'
import { ModelFile } from './model-memory.js'
import { openOperations } from './model-open.js'
import { pageOperations } from './model-pages.js'
import { outsideOperations } from './model-outside.js'
import { Peer } from './model-peer.js'
import { Random } from './model-random.js'
import { viewOperations } from './model-views.js'
import { World } from './model-world.js'

const CHECK_EVERY = 8

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    steps: { type: 'string' },
    directory: { type: 'string' },
    spoil: { type: 'string', default: '-1' },
    crash: { type: 'string', default: '-1' },
  },
})
const seed = Number(values.seed)
const steps = Number(values.steps)
const crashAt = Number(values.crash)
let spoilAt = Number(values.spoil)

const operations = [
  openOperations,
  closeOperations,
  callOperations,
  pageOperations,
  viewOperations,
  outsideOperations,
].flat()
const peer = await Peer.start()
const world = new World(new Random(seed), values.directory ?? '.', peer)

try {
  await run()
  report()
} catch (error) {
  console.log(`seed ${seed}: a difference at step ${world.step}`)
  console.log(error instanceof Error ? error.stack : String(error))
  process.exitCode = 1
} finally {
  peer.stop()
}

async function run(): Promise<void> {
  for (const file of world.paths) {
    const contents = world.random.bytes(world.size())
    writeFileSync(file, contents)
    world.files.set(file, new ModelFile(contents))
  }
  while (world.step < steps) {
    if (world.step === crashAt) process.kill(process.pid, 'SIGSEGV')
    await world.take(world.random.weighted(operations))
    if (world.step % CHECK_EVERY !== 0) continue
    // Directly before a comparison, because another step could overwrite the byte before it is compared.
    if (spoilAt >= 0 && world.step >= spoilAt) spoil()
    world.checkAll()
  }
  world.checkAll()
  while (world.subjects.length > 0) await closeSubject(world, world.subjects[0]!)
}

function report(): void {
  const { mapped, truncated, readonly } = world.tally
  const counts = [...world.counts].toSorted(([, a], [, b]) => b - a)
  console.log(`seed ${seed}: ${steps} steps, no difference`)
  console.log(`  ${mapped} mappings; faults: ${truncated} of a file cut, ${readonly} of a store against protection`)
  console.log(`  ${counts.map(([name, count]) => `${name} ${count}`).join(', ')}`)
}

function spoil(): void {
  spoilAt = -1
  const file = world.paths[0]!
  const contents = readFileSync(file)
  const fd = openSync(file, 'r+')
  writeSync(fd, Buffer.of((contents[0] ?? 0) ^ 1), 0, 1, 0)
  closeSync(fd)
}
