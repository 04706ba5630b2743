/** Steps of other programs: changes of files without their mappings. */
import { closeSync, openSync, renameSync, truncateSync, unlinkSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { ModelFile, MAX_SIZE } from './model-memory.js'
import { type Operation, same, type World } from './model-world.js'

export const outsideOperations: Operation[] = [
  { name: 'write to a file', weight: 3, run: write },
  { name: 'cut or extend a file', weight: 1, run: resize },
  { name: 'replace a file', weight: 0.3, run: replace },
  { name: 'remove a file', weight: 0.1, run: remove },
  { name: 'read a file elsewhere', weight: 1, run: readElsewhere },
  { name: 'collect garbage', weight: 0.2, run: collect },
]

async function write(world: World): Promise<void> {
  const found = pickFile(world)
  if (found === undefined) return
  const { random } = world
  const { file, model } = found
  const way = random.pick(['here', 'write', 'map-write'] as const)
  const { offset, length } = world.range(way === 'map-write' || random.chance(0.8) ? model.size : MAX_SIZE)
  const data = random.bytes(length)
  world.note(`${path.basename(file)} ${length} bytes at ${offset}, ${way === 'here' ? way : `elsewhere by ${way}`}`)
  if (way !== 'here') await world.peer.ask({ kind: way, file, offset, data })
  else {
    const fd = openSync(file, 'r+')
    writeSync(fd, data, 0, length, offset)
    closeSync(fd)
  }
  model.write(offset, data)
}

async function resize(world: World): Promise<void> {
  const found = pickFile(world)
  if (found === undefined) return
  const { file, model } = found
  const size = world.size()
  const elsewhere = world.random.chance(0.7)
  world.note(`${path.basename(file)} from ${model.size} to ${size} bytes${elsewhere ? ', elsewhere' : ''}`)
  if (elsewhere) await world.peer.ask({ kind: 'truncate', file, size })
  else truncateSync(file, size)
  model.truncate(size)
}

// The mapped file stays the same: the name now belongs to another file.
function replace(world: World): void {
  const { random } = world
  const file = random.pick(world.paths)
  const contents = random.bytes(world.size())
  world.note(`${path.basename(file)} by one of ${contents.length} bytes`)
  writeFileSync(world.scratch, contents)
  renameSync(world.scratch, file)
  world.files.set(file, new ModelFile(contents))
}

function remove(world: World): void {
  const found = pickFile(world)
  if (found === undefined) return
  world.note(path.basename(found.file))
  unlinkSync(found.file)
  world.files.delete(found.file)
}

async function readElsewhere(world: World): Promise<void> {
  const found = pickFile(world)
  if (found === undefined) return
  const { file, model } = found
  const kind = world.random.pick(['read', 'map-read'] as const)
  world.note(`${path.basename(file)} by ${kind}`)
  same(await world.peer.ask({ kind, file }), model.contents(), `${path.basename(file)} in the second process`)
}

async function collect(world: World): Promise<void> {
  world.note('')
  globalThis.gc?.()
  await setImmediate()
}

function pickFile(world: World): { file: string; model: ModelFile } | undefined {
  const file = world.random.pick(world.paths)
  const model = world.files.get(file)
  return model === undefined ? undefined : { file, model }
}
