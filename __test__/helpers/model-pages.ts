/** Steps that bring pages into memory, keep them there and evict them. None of them may change a byte. */
import assert from 'node:assert/strict'
import { isCutWhereStoresReach, on, type Open, show } from './model-calls.js'
import { PAGE } from './model-memory.js'
import { type Operation, refusal, throwsCode, type World } from './model-world.js'

export const pageOperations: Operation[] = [
  on('evict()', 2, evict),
  on('lockMemory()', 1, lock),
  on('unlockMemory()', 1, unlock),
  on('residency()', 1, residency),
  on('verify()', 1, verify),
]

function evict(world: World, subject: Open): void {
  const range = world.range(subject.memory.length)
  world.note(`${subject.name} ${show(range)}`)
  const refused = refusal(subject)
  if (refused !== undefined) return throwsCode(() => subject.mapping.evictSync(range), refused)
  if (isCutWhereStoresReach(subject, range))
    return throwsCode(() => subject.mapping.evictSync(range), 'ERR_MEMMAP_FAULT')
  const { evicted = 0, resident = 0 } = subject.mapping.evictSync(range)
  assert(evicted >= 0 && resident >= 0 && evicted + resident <= range.length + 2 * PAGE)
}

function lock(world: World, subject: Open): void {
  const { mapping, memory } = subject
  const range = world.range(memory.length)
  const onFault = world.random.chance(0.5)
  world.note(`${subject.name} ${show(range)}${onFault ? ' on fault' : ''}`)
  const act = () => mapping.lockMemorySync(range, { onFault })
  const refused = refusal(subject)
  if (refused !== undefined) return throwsCode(act, refused)
  if (!onFault && memory.deliverable(range.offset, range.length) < range.length) {
    throwsCode(act, 'ERR_MEMMAP_FAULT')
  } else {
    act()
    memory.locked.fill(1, range.offset, range.offset + range.length)
  }
  assert.equal(mapping.residencySync().lockedPages, memory.lockedPages().size, 'the locked pages')
}

function unlock(world: World, subject: Open): void {
  const { mapping, memory } = subject
  const range = world.range(memory.length)
  world.note(`${subject.name} ${show(range)}`)
  const refused = refusal(subject)
  if (refused !== undefined) return throwsCode(() => mapping.unlockMemory(range), refused)
  mapping.unlockMemory(range)
  memory.locked.fill(0, range.offset, range.offset + range.length)
  assert.equal(mapping.residencySync().lockedPages, memory.lockedPages().size, 'the locked pages')
}

function residency(world: World, subject: Open): void {
  const range = world.range(subject.memory.length)
  const bucket = world.random.between(1, 2 * PAGE)
  world.note(`${subject.name} ${show(range)} by ${bucket}`)
  const act = () => subject.mapping.residencySync(range, { bucket })
  const refused = refusal(subject)
  if (refused !== undefined) return throwsCode(act, refused)
  const { pages, buckets, resident, residentPages } = act()
  const start = subject.memory.offset + range.offset
  const end = start + range.length
  const touched = range.length === 0 ? 0 : Math.floor((end - 1) / PAGE) - Math.floor(start / PAGE) + 1
  assert.equal(pages, touched)
  assert.equal(buckets?.length, Math.ceil(range.length / bucket))
  assert.equal(resident === 'yes', residentPages === pages)
}

function verify(world: World, subject: Open): void {
  const { mapping, memory } = subject
  const range = world.range(memory.length)
  world.note(`${subject.name} ${show(range)}`)
  const act = () => mapping.verifySync(range)
  const refused = refusal(subject)
  if (refused !== undefined) return throwsCode(act, refused)
  const reaches = memory.file.size >= memory.offset + range.offset + range.length
  const isWhole = range.length === 0 || (reaches && memory.deliverable(range.offset, range.length) === range.length)
  if (isWhole) act()
  else throwsCode(act, 'ERR_MEMMAP_FAULT')
}
