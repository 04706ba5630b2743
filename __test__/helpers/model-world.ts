import assert from 'node:assert/strict'
import { openSync, readFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import type { Mapping, Mode, Pin, TypedArray, TypedArrayConstructor } from '../../index.js'
import { MAX_SIZE, PAGE, type ModelFile, type ModelMemory } from './model-memory.js'
import type { Peer } from './model-peer.js'
import type { Random } from './model-random.js'

/** A view, and its range in its mapping. */
export interface Held {
  readonly view: TypedArray | DataView
  readonly offset: number
  readonly length: number
}

/** A mapping, and the model of its expected contents. */
export interface Subject {
  readonly name: string
  readonly mode: Mode
  readonly shared: boolean
  readonly memory: ModelMemory
  /** Undefined for memory that mapBuffer() and mapArray() made. */
  readonly mapping: Mapping | undefined
  readonly views: Held[]
  readonly pins: Pin[]
  closing?: Promise<void>
}

/** One kind of step. */
export interface Operation {
  readonly name: string
  readonly weight: number
  run(world: World): void | Promise<void>
}

/** The state of a run. */
export class World {
  readonly random: Random
  readonly paths: readonly string[]
  readonly scratch: string
  readonly files = new Map<string, ModelFile>()
  readonly subjects: Subject[] = []
  readonly peer: Peer
  /** The number of steps so far. */
  step = 0
  /** The number of steps of each kind. */
  readonly counts = new Map<string, number>()
  /** The numbers of mappings that were made, and of mappings with a fault. */
  readonly tally = { mapped: 0, truncated: 0, readonly: 0 }

  readonly #log: number
  #beginning = ''

  constructor(random: Random, directory: string, peer: Peer) {
    this.random = random
    this.paths = ['a', 'b'].map((name) => path.join(directory, name))
    this.scratch = path.join(directory, 'scratch')
    this.peer = peer
    this.#log = openSync(path.join(directory, 'log'), 'w')
  }

  /** Takes a step. It counts only if it finds an object to work on, which it then logs. */
  async take(operation: Operation): Promise<void> {
    this.#beginning = operation.name
    await operation.run(this)
  }

  /** Logs the next action, so that it can be read after a crash. */
  note(text: string): void {
    const name = this.#beginning
    if (name !== '') {
      this.#beginning = ''
      this.step++
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
      writeSync(this.#log, `\n${this.step} ${name}:`)
    }
    writeSync(this.#log, ` ${text}`)
  }

  nextName(): string {
    return `#${++this.tally.mapped}`
  }

  range(total: number): { offset: number; length: number } {
    return this.random.range(total, PAGE)
  }

  size(): number {
    return this.random.position(0, MAX_SIZE, PAGE)
  }

  /** Returns a mapping that is not closed, if there is one. */
  open(): (Subject & { mapping: Mapping }) | undefined {
    const open = this.subjects.filter((subject) => subject.mapping !== undefined)
    return open.length === 0 ? undefined : (this.random.pick(open) as Subject & { mapping: Mapping })
  }

  /** Returns a view of some bytes. Its mapping may have a fault, or may wait for its pins. */
  held(): { subject: Subject; held: Held } | undefined {
    const found = this.subjects.flatMap((subject) => subject.views.map((held) => ({ subject, held })))
    const useful = found.filter(({ held }) => held.length > 0)
    return useful.length === 0 ? undefined : this.random.pick(useful)
  }

  /** Compares everything that is visible without touching a lost page. */
  checkAll(): void {
    for (const [file, model] of this.files)
      same(readFileSync(file), model.contents(), `the file ${path.basename(file)}`)
    for (const subject of this.subjects) checkSubject(subject)
  }
}

/** Returns the error with which a library call must fail in the state of the mapping; none if it may run. */
export function refusal(subject: Subject, range?: { offset: number; length: number }): string | undefined {
  const { closing, memory, mode } = subject
  if (closing !== undefined) return 'ERR_MEMMAP_CLOSED'
  if (memory.faulted) return 'ERR_MEMMAP_FAULT'
  if (range === undefined) return undefined
  return mode === 'r' || memory.hasReadonly(range.offset, range.length) ? 'ERR_MEMMAP_READ_ONLY' : undefined
}

export interface Range {
  readonly offset: number
  readonly length: number
}

/**
 * Makes a library call, and the same call on the model. Both fail with the same error, or their results are compared.
 * A range beyond the end of the file is a fault, also within the last page of the file.
 */
export function call<T>(
  subject: Subject,
  { reads, writes }: { readonly reads?: Range; readonly writes?: Range },
  real: () => T,
  model: () => Uint8Array | undefined,
  bytesOf?: (result: T) => Uint8Array,
): void {
  const refused = refusal(subject, writes)
  if (refused !== undefined) return throwsCode(real, refused)
  const { memory } = subject
  const cut = [reads, writes].filter((range) => memory.isCut(range))
  const isOpen = cut.length > 0 && cut.every((range) => memory.endsInOwnPage(range))
  const expected = model()
  if (cut.length > 0 && !isOpen) memory.reasons.add('truncated')
  if (memory.faulted) return throwsCode(real, 'ERR_MEMMAP_FAULT')
  let result: T
  try {
    result = real()
  } catch (error) {
    // The bytes of a private copy may be delivered, or refused like those of the file.
    if (!isOpen || (error as NodeJS.ErrnoException).code !== 'ERR_MEMMAP_FAULT') throw error
    memory.reasons.add('truncated')
    return
  }
  if (expected !== undefined && bytesOf !== undefined) same(bytesOf(result), expected, 'the result')
}

export function throwsCode(action: () => unknown, code: string): void {
  assert.throws(action, { code })
}

/** Compares bytes, and reports the first difference. */
export function same(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (Buffer.compare(actual, expected) === 0) return
  const length = Math.min(actual.length, expected.length)
  let at = 0
  while (at < length && actual[at] === expected[at]) at++
  const found = `${actual[at]} of ${actual.length} bytes`
  assert.fail(`${what} differs at ${at}: ${found}, expected ${expected[at]} of ${expected.length} bytes`)
}

/** Returns the bytes of a view, without using the methods of the view. */
export function bytesUnder({ view }: Held): Buffer {
  return Buffer.from(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength)
}

/** Returns a view of the same type and length over `bytes`, in memory that is not mapped. */
export function twin({ view }: Held, bytes: Uint8Array): TypedArray | DataView {
  const copy = Uint8Array.from(bytes)
  if (view instanceof DataView) return new DataView(copy.buffer)
  if (Buffer.isBuffer(view)) return Buffer.from(copy.buffer)
  const Type = view.constructor as TypedArrayConstructor
  return new Type(copy.buffer, 0, view.length)
}

function checkSubject(subject: Subject): void {
  const { memory, mapping, name } = subject
  if (mapping !== undefined) {
    const reasons = mapping.faults.map(({ reason }) => reason as string)
    // Only this number of faults is stored in detail.
    const told = new Set(reasons.length < 16 ? reasons : [...reasons, ...memory.reasons])
    assert.deepEqual([...told].toSorted(), [...memory.reasons].toSorted(), `the faults of ${name}`)
  }
  for (const live of memory.liveRanges()) {
    for (const held of subject.views) checkOverlap(subject, held, live)
    if (mapping === undefined || refusal(subject) !== undefined) continue
    // The last page may have bytes after the end of the file, which copies refuse to deliver.
    const length = Math.min(live.length, memory.file.size - memory.offset - live.offset)
    if (length > 0)
      same(mapping.read({ offset: live.offset, length }), memory.read(live.offset, length), `a copy of ${name}`)
  }
}

function checkOverlap(subject: Subject, held: Held, live: { offset: number; length: number }): void {
  const start = Math.max(held.offset, live.offset)
  const end = Math.min(held.offset + held.length, live.offset + live.length)
  if (start >= end) return
  const bytes = bytesUnder(held).subarray(start - held.offset, end - held.offset)
  same(bytes, subject.memory.read(start, end - start), `bytes ${start} to ${end} of a view of ${subject.name}`)
}
