/** Steps that close mappings, and steps that delay it. */
import assert from 'node:assert/strict'
import { unmap } from '../../index.js'
import { bytesUnder, type Held, type Operation, refusal, type Subject, throwsCode, type World } from './model-world.js'

export const closeOperations: Operation[] = [
  { name: 'close', weight: 4, run: closeAny },
  { name: 'pin', weight: 1, run: pin },
  { name: 'release a pin', weight: 2, run: release },
  { name: 'begin to close', weight: 0.5, run: beginToClose },
]

async function closeAny(world: World): Promise<void> {
  if (world.subjects.length > 0) await closeSubject(world, world.random.pick(world.subjects))
}

/** Closes a mapping in one of the possible ways, and checks its views. */
export async function closeSubject(world: World, subject: Subject): Promise<void> {
  const { name, mapping, views, pins } = subject
  const way = world.random.pick(['close', 'closeSync', 'dispose', 'asyncDispose'] as const)
  world.note(`${name} by ${mapping === undefined ? 'unmap' : way}`)

  if (mapping === undefined) {
    const { view } = world.random.pick(views)
    const { buffer } = view
    assert.equal(unmap(view), true)
    assert.equal(unmap(buffer), false)
  } else if (pins.length > 0 || subject.closing !== undefined) {
    await closePinned(subject, way)
  } else {
    await { close: () => mapping.close(), closeSync: () => mapping.closeSync(), ...disposals(subject) }[way]()
  }

  for (const held of views) checkClosed(world, subject, held)
  // The views of a closed shared mapping cannot be emptied; a store into them now reaches no other memory.
  for (const held of views) if (subject.shared) bytesUnder(held).subarray(0, 1).fill(255)
  if (mapping !== undefined) {
    assert.equal(mapping.closed, true)
    throwsCode(() => mapping.read(), 'ERR_MEMMAP_CLOSED')
    throwsCode(() => mapping.buffer(), 'ERR_MEMMAP_CLOSED')
    if (world.random.chance(0.3)) mapping.closeSync()
    await mapping.close()
  }
  subject.memory.file.memories.delete(subject.memory)
  for (const reason of ['truncated', 'readonly'] as const) {
    if (subject.memory.reasons.has(reason)) world.tally[reason]++
  }
  world.subjects.splice(world.subjects.indexOf(subject), 1)
}

async function closePinned(subject: Subject, way: string): Promise<void> {
  const { mapping, pins } = subject
  if (pins.length > 0) {
    const refused = way === 'closeSync' || way === 'dispose'
    if (refused) throwsCode(() => mapping?.closeSync(), 'ERR_MEMMAP_BUSY')
  }
  const closing = mapping?.close()
  assert.equal(mapping?.close(), closing)
  for (const held of pins.splice(0)) held.release()
  await closing
}

function disposals({ mapping }: Subject) {
  return {
    dispose: () => mapping?.[Symbol.dispose](),
    asyncDispose: () => mapping?.[Symbol.asyncDispose](),
  }
}

// Views are empty, except shared ones, which show zeros.
function checkClosed(world: World, subject: Subject, held: Held): void {
  const { view } = held
  if (subject.shared && held.length > 0) {
    const bytes = bytesUnder(held)
    assert.equal(bytes.length, held.length)
    assert.equal(bytes[world.random.between(0, held.length - 1)], 0)
    return
  }
  if (view instanceof DataView) {
    if (held.length > 0) assert.throws(() => view.getUint8(0), TypeError)
    return
  }
  assert.equal(view.length, 0)
  assert.equal(view[0], undefined)
}

function pin(world: World): void {
  const subject = world.open()
  if (subject === undefined || subject.pins.length >= 3) return
  world.note(subject.name)
  const refused = refusal(subject)
  if (refused === undefined) subject.pins.push(subject.mapping.pin())
  else throwsCode(() => subject.mapping.pin(), refused)
}

async function release(world: World): Promise<void> {
  const subject = world.subjects.find(({ pins }) => pins.length > 0)
  if (subject === undefined) return
  world.note(subject.name)
  const [held] = subject.pins.splice(0, 1)
  held?.release()
  held?.release()
  if (subject.pins.length === 0 && subject.closing !== undefined) await closeSubject(world, subject)
}

// Views work until the last pin is released; methods do not.
function beginToClose(world: World): void {
  const subject = world.subjects.find(({ pins, closing }) => pins.length > 0 && closing === undefined)
  if (subject?.mapping === undefined) return
  world.note(subject.name)
  subject.closing = subject.mapping.close()
  assert.equal(subject.mapping.closed, true)
}
