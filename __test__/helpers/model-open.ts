/** Steps that map. */
import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import {
  capabilities,
  type Mapping,
  type MappingOptions,
  type MappingSource,
  mapArray,
  mapBuffer,
  mmap,
  mmapAnonymous,
  mmapSync,
  type Mode,
} from '../../index.js'
import { closeSubject } from './model-close.js'
import { ModelFile, ModelMemory, MAX_SIZE } from './model-memory.js'
import { type Operation, type Subject, throwsCode, type World } from './model-world.js'

const AT_MOST_OPEN = 8
const READ_UP_TO = 64 * 1024
const canShare = capabilities()['sharedArrayBuffer'] === true
const advices = ['normal', 'random', 'sequential', 'willneed'] as const

export const openOperations: Operation[] = [
  { name: 'open a file', weight: 5, run: openFile },
  { name: 'open memory', weight: 1, run: openMemory },
  { name: 'open with mapBuffer', weight: 1, run: openMapBuffer },
]

async function openFile(world: World): Promise<void> {
  await makeRoom(world)
  const { random } = world
  const file = random.pick(world.paths)
  const mode = random.pick<Mode>(['r', 'r', 'r+', 'r+', 'c', 'c', 'w+', 'wx+'])
  const model = world.files.get(file)
  const source = random.pick(['path', 'path', 'bytes', 'url', 'fd', 'handle'] as const)
  const options = fileOptions(world, mode, model?.size ?? 0)
  world.note(
    `${path.basename(file)} from ${source} ${inspect(options, { breakLength: Infinity })}, the file has ${model?.size} bytes`,
  )

  const refused = refusalToOpen(mode, source, model, options)
  const sync = random.chance(0.7)
  const attempt = async () =>
    openFrom(file, source, mode, (from) => (sync ? mmapSync(from, options) : mmap(from, options)))
  if (refused !== undefined) return assert.rejects(attempt, { code: refused })

  const mapping = await attempt()
  const opened = prepareFile(world, file, mode, options.size)
  const { offset = 0, length = opened.size - Number(offset) } = options
  const memory = new ModelMemory(opened, mode === 'r' || mode === 'c', Number(offset), Number(length))
  const strict = options.strict === true
  add(world, mapping, mode, options.shared ?? false, strict ? strictMemory(memory) : memory)
}

function fileOptions(world: World, mode: Mode, size: number): MappingOptions {
  const { random } = world
  const options: { -readonly [K in keyof MappingOptions]: MappingOptions[K] } = { mode }
  let total = size
  if ((mode === 'r+' && random.chance(0.2)) || mode === 'w+' || mode === 'wx+') {
    options.size = world.size()
    total = mode === 'r+' ? Math.max(size, options.size) : options.size
  }
  if (random.chance(0.5)) {
    const range = world.range(total)
    options.offset = random.chance(0.2) ? BigInt(range.offset) : range.offset
    if (random.chance(0.7)) options.length = range.length
  }
  if (random.chance(0.03)) options.length = total + 1
  if (random.chance(0.03)) options.offset = total + 1
  if (random.chance(0.1)) options.advice = random.pick(advices)
  if (random.chance(0.1)) options.populate = true
  if (random.chance(0.1)) options.noReserve = random.chance(0.5)
  if (random.chance(0.15)) options.shared = true
  if (mode === 'r' && random.chance(0.3)) options.strict = true
  if (random.chance(0.1)) options.label = 'model'
  return options
}

// In the order in which they are checked.
function refusalToOpen(mode: Mode, source: string, model: ModelFile | undefined, options: MappingOptions) {
  const isOpen = source === 'fd' || source === 'handle'
  if (model === undefined && isOpen) return 'ENOENT'
  if (options.shared === true && !canShare) return 'ERR_MEMMAP_UNSUPPORTED'
  if (model === undefined && mode !== 'w+' && mode !== 'wx+') return 'ENOENT'
  if (mode === 'wx+' && isOpen) return 'ERR_INVALID_ARG_VALUE'
  if (mode === 'wx+' && model !== undefined) return 'EEXIST'
  const before = model?.size ?? 0
  const size = mode === 'w+' || mode === 'wx+' ? Number(options.size) : Math.max(before, Number(options.size ?? 0))
  const { offset = 0, length = Math.max(0, size - Number(offset)) } = options
  return Number(offset) + Number(length) > size ? 'ERR_OUT_OF_RANGE' : undefined
}

async function openFrom(
  file: string,
  source: string,
  mode: Mode,
  map: (source: MappingSource) => Mapping | Promise<Mapping>,
): Promise<Mapping> {
  if (source === 'path') return map(file)
  if (source === 'bytes') return map(Buffer.from(file))
  if (source === 'url') return map(pathToFileURL(file))
  const flags = mode === 'r' || mode === 'c' ? 'r' : 'r+'
  if (source === 'fd') {
    const fd = openSync(file, flags)
    try {
      return await map(fd)
    } finally {
      closeSync(fd)
    }
  }
  const handle = await open(file, flags)
  try {
    return await map(handle)
  } finally {
    await handle.close()
  }
}

function prepareFile(world: World, file: string, mode: Mode, size: MappingOptions['size']): ModelFile {
  const model = world.files.get(file) ?? new ModelFile()
  world.files.set(file, model)
  const least = Number(size ?? 0)
  if (mode === 'w+' || least > model.size) model.truncate(least)
  // Zeros are written over the contents: private copies stay.
  if (mode === 'w+') model.bytes.fill(0)
  return model
}

function strictMemory(memory: ModelMemory): ModelMemory {
  const { file, offset, length } = memory
  file.memories.delete(memory)
  const strict = new ModelMemory(file, false, offset, length)
  strict.protect(false, 0, length)
  return strict
}

async function openMemory(world: World): Promise<void> {
  await makeRoom(world)
  const length = world.size()
  const shared = world.random.chance(0.2)
  world.note(`${length} bytes${shared ? ', shared' : ''}`)
  const make = () => mmapAnonymous(length, { shared, populate: world.random.chance(0.2) })
  if (shared && !canShare) return throwsCode(make, 'ERR_MEMMAP_UNSUPPORTED')
  add(world, make(), 'r+', shared, new ModelMemory(zeros(), true, 0, length))
}

// The model of memory without a file is the private pages of a file of zeros that no step writes to.
function zeros(): ModelFile {
  const file = new ModelFile()
  file.truncate(MAX_SIZE)
  return file
}

async function openMapBuffer(world: World): Promise<void> {
  await makeRoom(world)
  const { random } = world
  const file = random.pick(world.paths)
  const model = world.files.get(file)
  if (model === undefined) return throwsCode(() => mapBuffer(file), 'ENOENT')
  if (random.chance(0.3)) return openWholeDropIn(world, file, model)
  const range = world.range(model.size)
  const wide = random.chance(0.3)
  if (wide)
    Object.assign(range, { offset: range.offset - (range.offset % 8), length: range.length - (range.length % 8) })
  world.note(`${path.basename(file)} ${JSON.stringify(range)}${wide ? ' as numbers' : ''}`)
  const view = wide ? mapArray(BigInt64Array, file, range) : mapBuffer(file, range)
  const subject = add(world, undefined, 'c', false, new ModelMemory(model, true, range.offset, range.length))
  subject.views.push({ view, offset: 0, length: range.length })
}

// A small file is read and not mapped: later changes of it are not visible.
function openWholeDropIn(world: World, file: string, model: ModelFile): void {
  world.note(`${path.basename(file)}, all ${model.size} bytes`)
  const followed = model.size > READ_UP_TO ? model : new ModelFile(model.contents())
  const view = mapBuffer(file)
  const subject = add(world, undefined, 'c', false, new ModelMemory(followed, true, 0, followed.size))
  subject.views.push({ view, offset: 0, length: view.length })
}

function add(world: World, mapping: Mapping | undefined, mode: Mode, shared: boolean, memory: ModelMemory): Subject {
  const subject: Subject = { name: world.nextName(), mapping, mode, shared, memory, views: [], pins: [] }
  world.subjects.push(subject)
  if (mapping !== undefined) {
    assert.deepEqual([mapping.offset, mapping.length, mapping.mode], [memory.offset, memory.length, mode])
  }
  world.note(`is ${subject.name}`)
  return subject
}

async function makeRoom(world: World): Promise<void> {
  if (world.subjects.length >= AT_MOST_OPEN) await closeSubject(world, world.random.pick(world.subjects))
}
