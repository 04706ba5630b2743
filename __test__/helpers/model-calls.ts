/** Steps that call methods of a mapping. */
import assert from 'node:assert/strict'
import type { Advice, Mapping } from '../../index.js'
import { ADVICE } from '../../lib/residency/advice.js'
import { PAGE } from './model-memory.js'
import { call, type Operation, type Range, refusal, same, type Subject, throwsCode, type World } from './model-world.js'

export type Open = Subject & { readonly mapping: Mapping }

// Without advice that makes a page unusable for the whole machine, or that only other systems have.
// Without advice that has a step of its own, that destroys contents, or that changes child processes and errors instead of bytes.
const OTHER: readonly Advice[] = ['populate-write', 'hwpoison', 'wipeonfork', 'zerowired']
const advices = ADVICE.filter((advice) => !OTHER.includes(advice))

export const callOperations: Operation[] = [
  on('read()', 5, read),
  on('readInto()', 4, readInto),
  on('write()', 6, write),
  on('fill()', 4, fill),
  on('copyWithin()', 3, copyWithin),
  on('windows()', 2, windows),
  on('chunks()', 1, chunks),
  on('advise()', 3, advise),
  on('populate-write', 1, populateWrite),
  on('discard()', 2, discard),
  on('protect()', 2, protect),
  { name: 'flush()', weight: 0.5, run: flush },
  on('a range outside', 1, outside),
]

/** Returns a step on an open mapping, if there is one. */
export function on(name: string, weight: number, run: (world: World, subject: Open) => void): Operation {
  return {
    name,
    weight,
    run(world) {
      const subject = world.open()
      if (subject !== undefined) run(world, subject)
    },
  }
}

function read(world: World, subject: Open): void {
  const range = world.range(subject.memory.length)
  world.note(`${subject.name} ${show(range)}`)
  const model = () => subject.memory.read(range.offset, range.length)
  call(
    subject,
    { reads: range },
    () => subject.mapping.read(range),
    model,
    (copy) => copy,
  )
}

function readInto(world: World, subject: Open): void {
  const { offset, length } = world.range(subject.memory.length)
  world.note(`${subject.name} ${show({ offset, length })}`)
  const target = Buffer.alloc(length + 2, 7)
  const real = () => {
    assert.equal(subject.mapping.readInto(target.subarray(1, length + 1), offset), length)
    return target
  }
  const model = () => Buffer.concat([Buffer.of(7), subject.memory.read(offset, length), Buffer.of(7)])
  call(subject, { reads: { offset, length } }, real, model, (bytes) => bytes)
}

function write(world: World, subject: Open): void {
  const { random } = world
  const { memory, mapping, name } = subject
  const range = world.range(memory.length)
  if (!memory.canStore(range.offset, range.length)) return
  const from = random.chance(0.3) ? random.between(0, memory.length - range.length) : undefined
  if (from === range.offset) return // it is undefined whether bytes are stored where they already are
  world.note(`${name} ${show(range)}${from === undefined ? '' : ` from its own byte ${from}`}`)
  const source = ownView(subject, from, range.length) ?? random.bytes(range.length)
  const model = () => {
    memory.store(range.offset, from === undefined ? source : memory.read(from, range.length))
    return undefined
  }
  call(subject, { writes: range }, () => assert.equal(mapping.write(source, range.offset), range.length), model)
}

// Returns a view of the same mapping as the source of a write, if possible.
function ownView(subject: Open, from: number | undefined, length: number): Buffer | undefined {
  return from === undefined || refusal(subject) !== undefined ? undefined : subject.mapping.buffer(from, length)
}

function fill(world: World, subject: Open): void {
  const { random } = world
  const { memory, mapping } = subject
  const range = world.range(memory.length)
  if (!memory.canStore(range.offset, range.length)) return
  const pattern = random.bytes(random.pick([1, 1, 2, 3, 7, 64, 5000]))
  world.note(`${subject.name} ${show(range)} with ${pattern.length} bytes`)
  const value = pattern.length === 1 && random.chance(0.5) ? pattern[0]! : pattern
  const model = () => {
    memory.store(range.offset, Buffer.alloc(range.length, pattern))
    return undefined
  }
  call(subject, { writes: range }, () => assert.equal(mapping.fill(value, range), mapping), model)
}

function copyWithin(world: World, subject: Open): void {
  const { memory, mapping } = subject
  const { offset: start, length } = world.range(memory.length)
  const target = world.random.position(0, memory.length - length, PAGE)
  if (target === start || !memory.canStore(target, length)) return
  world.note(`${subject.name} ${length} bytes from ${start} to ${target}`)
  const model = () => {
    if (length > 0) memory.store(target, memory.read(start, length))
    return undefined
  }
  const ranges = { reads: { offset: start, length }, writes: { offset: target, length } }
  call(subject, ranges, () => mapping.copyWithin(target, start, start + length), model)
}

function windows(world: World, subject: Open): void {
  const { random } = world
  const { memory, mapping } = subject
  const range = world.range(memory.length)
  const size = random.position(1, 8 * PAGE, PAGE)
  const overlap = random.chance(0.5) ? random.between(Math.max(0, size - 4096), size - 1) : 0
  if (range.length / (size - overlap) > 200) return
  world.note(`${subject.name} ${show(range)} by ${size} with ${overlap} in common`)
  const real = () => {
    let next = range.offset
    const parts: Buffer[] = []
    for (const { offset, length, view } of mapping.windows({ ...range, size, overlap })) {
      assert.equal(offset, parts.length === 0 ? next : next - overlap)
      assert.equal(view.length, length)
      assert.ok(length === size || offset + length === range.offset + range.length)
      parts.push(view.subarray(next - offset))
      next = offset + length
    }
    return Buffer.concat(parts)
  }
  if (isRefusedToWalk(subject, range, real)) return
  same(real(), memory.read(range.offset, range.length), 'the windows')
}

function chunks(world: World, subject: Open): void {
  const { memory, mapping } = subject
  const range = world.range(memory.length)
  const size = world.random.position(64, 8 * PAGE, PAGE)
  world.note(`${subject.name} ${show(range)} by ${size}`)
  const real = () => Buffer.concat([...mapping.chunks({ ...range, size })])
  if (isRefusedToWalk(subject, range, real)) return
  same(real(), memory.read(range.offset, range.length), 'the chunks')
}

// Bytes after the end of the file are not delivered, neither zeros without a fault nor a private copy. From then on
// this is a fault like any other.
function isRefusedToWalk(subject: Subject, { offset, length }: Range, walk: () => unknown): boolean {
  const refused = refusal(subject)
  const isCut = subject.memory.isCut({ offset, length })
  if (refused === undefined && !isCut) return false
  throwsCode(walk, refused ?? 'ERR_MEMMAP_FAULT')
  if (refused === undefined) subject.memory.reasons.add('truncated')
  return true
}

function advise(world: World, subject: Open): void {
  const range = world.range(subject.memory.length)
  const advice = world.random.pick(advices)
  world.note(`${subject.name} ${advice} ${show(range)}`)
  const refused = refusal(subject)
  if (refused !== undefined) return throwsCode(() => subject.mapping.advise(advice, range), refused)
  mayFail(() => subject.mapping.advise(advice, range))
}

function populateWrite(world: World, subject: Open): void {
  const { memory, mapping } = subject
  const range = world.range(memory.length)
  world.note(`${subject.name} ${show(range)}`)
  const populate = () => mapping.advise('populate-write', range)
  const refused = refusal(subject)
  if (refused !== undefined) return throwsCode(populate, refused)
  assert.equal(mayFail(populate), memory.populate(range.offset, range.length))
}

function discard(world: World, subject: Open): void {
  const { memory, mapping } = subject
  const range = world.range(memory.length)
  const how = world.random.pick(['dontneed', 'dontneed', 'remove'] as const)
  world.note(`${subject.name} ${how} ${show(range)}`)
  const refused = refusal(subject, how === 'remove' ? range : undefined)
  if (refused !== undefined) return throwsCode(() => mapping.discard(how, range), refused)
  const { first, end } = memory.wholePages(range.offset, range.length)
  if ([...memory.lockedPages()].some((page) => page >= first && page < end)) {
    if (how === 'remove' && subject.mode === 'c')
      return throwsCode(() => mapping.discard(how, range), 'ERR_MEMMAP_READ_ONLY')
    return throwsCode(() => mapping.discard(how, range), 'EINVAL')
  }
  if (how === 'dontneed') {
    mapping.discard(how, range)
    if (memory.isPrivate) memory.forget(range.offset, range.length)
    return
  }
  if (subject.mode === 'c') return throwsCode(() => mapping.discard(how, range), 'ERR_MEMMAP_READ_ONLY')
  // Memory without a file has no pages that could be removed.
  assert.equal(
    mayFail(() => mapping.discard(how, range)),
    !memory.isPrivate || first >= end,
  )
  if (!memory.isPrivate) memory.file.punch(first, end)
}

function protect(world: World, subject: Open): void {
  const { memory, mapping, mode } = subject
  const range = world.random.chance(0.3) ? world.range(memory.length) : wholePages(world, subject)
  const writable = world.random.chance(0.4)
  const word = writable ? 'r+' : 'r'
  world.note(`${subject.name} ${word} ${show(range)}`)
  const change = () => mapping.protect(word, range)
  const refused = refusal(subject) ?? (writable && mode === 'r' ? 'ERR_MEMMAP_READ_ONLY' : undefined)
  if (refused !== undefined) return throwsCode(change, refused)
  const start = memory.offset + range.offset
  const end = range.offset + range.length
  const fits =
    (range.offset === 0 || start % PAGE === 0) && (end === memory.length || (start + range.length) % PAGE === 0)
  if (range.length > 0 && !fits) return throwsCode(change, 'ERR_MEMMAP_MISALIGNED')
  change()
  memory.protect(writable, range.offset, range.length)
}

// From a page border of the file to another one, or to an end of the mapping.
function wholePages(world: World, { memory }: Open): { offset: number; length: number } {
  const { offset, length } = world.range(memory.length)
  const snap = (at: number) => {
    const page = Math.round((memory.offset + at) / PAGE) * PAGE - memory.offset
    return Math.min(Math.max(page, 0), memory.length)
  }
  return { offset: snap(offset), length: snap(offset + length) - snap(offset) }
}

async function flush(world: World): Promise<void> {
  const subject = world.open()
  if (subject === undefined) return
  const { memory, mapping } = subject
  const range = world.range(memory.length)
  const sync = world.random.chance(0.5)
  world.note(`${subject.name} ${show(range)}${sync ? ', at once' : ''}`)
  const attempt = async () => (sync ? mapping.flushSync(range) : mapping.flush(range))
  const refused = refusal(subject)
  if (refused !== undefined) return assert.rejects(attempt, { code: refused })
  if (isCutWhereStoresReach(subject, range)) return assert.rejects(attempt, { code: 'ERR_MEMMAP_FAULT' })
  const { bytes, level } = await attempt()
  assert.deepEqual([bytes, level], [memory.isPrivate || subject.mode === 'r' ? 0 : range.length, 'data'])
}

/** Reports whether the flush includes bytes that the file has lost, which is a fault from then on. */
export function isCutWhereStoresReach(subject: Subject, range: Range): boolean {
  const isCut = !subject.memory.isPrivate && subject.mode !== 'r' && subject.memory.isCut(range)
  if (isCut) subject.memory.reasons.add('truncated')
  return isCut
}

// Nothing is clamped, and the call has no effect.
function outside(world: World, subject: Open): void {
  const { random } = world
  const { mapping, memory } = subject
  const beyond = memory.length + random.between(1, 2 * PAGE)
  const uses: (() => unknown)[] = [
    () => mapping.buffer(beyond),
    () => mapping.buffer(0, beyond),
    () => mapping.dataView(beyond - 1, 2),
    () => mapping.array(Uint16Array, 0, beyond),
    () => mapping.read({ offset: beyond }),
    () => mapping.readInto(Buffer.alloc(beyond)),
    () => mapping.windows({ length: beyond }),
    () => mapping.advise('normal', { offset: beyond }),
    () => mapping.flushSync({ offset: beyond }),
  ]
  const changes: (() => unknown)[] = [
    () => mapping.write(Buffer.alloc(beyond)),
    () => mapping.fill(1, { length: beyond }),
    () => mapping.copyWithin(0, 0, beyond),
  ]
  const changing = random.chance(0.3)
  const which = random.between(0, (changing ? changes : uses).length - 1)
  world.note(`${subject.name} ${changing ? 'change' : 'use'} ${which} up to ${beyond}`)
  const attempt = (changing ? changes : uses)[which]!
  throwsCode(attempt, refusal(subject, changing ? { offset: 0, length: 0 } : undefined) ?? 'ERR_OUT_OF_RANGE')
}

/** Makes a call that the system may refuse. Returns false if it did. */
function mayFail(action: () => void): boolean {
  try {
    action()
    return true
  } catch (error) {
    if (error instanceof Error && ('errno' in error || Reflect.get(error, 'code') === 'ERR_MEMMAP_FAULT')) return false
    throw error
  }
}

export function show({ offset, length }: { offset: number; length: number }): string {
  return `${length} bytes at ${offset}`
}
