/**
 * The registry of live mappings: all mappings of the process, and those of this thread by their id. Publishes their opening
 * and closing on diagnostics channels, and warns when the garbage collector closes one.
 */
import { channel } from 'node:diagnostics_channel'
import { native, type NativeMapping } from '../base/native.js'

/** A live mapping of this process, opened by any thread. */
export interface MappingInfo {
  /** The id, which no other mapping of this process has or had. */
  readonly id: number
  /** The path as the caller gave it; absent for descriptors and anonymous memory. */
  readonly path?: string
  /** The label that the caller gave. */
  readonly label?: string
  /** The mode that it was opened with. */
  readonly mode: string
  /** The offset in the file at which it begins, in bytes. */
  readonly offset: number
  /** The length in bytes. */
  readonly length: number
  /** The number of live ArrayBuffers over it; views of one ArrayBuffer count once. */
  readonly views: number
  /** The number of pins that are held. */
  readonly pins: number
  /** The `threadId` of the thread that opened it; 0 is the main thread. */
  readonly thread: number
  /** `revoked`: closed and its file released, while something still refers to its addresses. */
  readonly state: 'open' | 'revoked'
  /** True for results of `mapBuffer` and `mapArray`. */
  readonly gcOwned: boolean
  /** The number of pages that the system could not deliver. */
  readonly faults: number
  /** True once a flush of its file has failed in this process, so that the disk may lack stored bytes; otherwise absent. */
  readonly damaged?: true
  /** The stack of its opening, if the environment variable `MEMMAP_TRACE` is 1. */
  readonly stack?: string
}

/** A mapping as the registry of this thread knows it. */
export interface Entry {
  readonly id: number
  readonly path: string | undefined
  readonly label: string | undefined
  readonly native: NativeMapping
  /** The Mapping, if there is one. */
  readonly owner: object | undefined
}

/**
 * Lists all live mappings of this process, those of other threads included, oldest first.
 *
 * With the environment variable `MEMMAP_TRACE=1` the stack of each opening is recorded.
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mappings, mmapAnonymous } from 'memmap'
 *
 * const memory = mmapAnonymous(4096, { label: 'scratch' })
 * assert.equal(mappings().find((one) => one.label === 'scratch')?.length, 4096)
 * memory.closeSync()
 * assert(!mappings().some((one) => one.label === 'scratch'))
 * ```
 */
export function mappings(): MappingInfo[] {
  return native.mappings() as MappingInfo[]
}

const TRACE = process.env['MEMMAP_TRACE'] === '1'

/** Returns the stack frames below `hide` if tracing is on. Tracing takes some microseconds, so it is off by default. */
export function traceCaller(hide: (...args: never[]) => unknown): string | undefined {
  if (!TRACE) return undefined
  const holder: { stack?: string } = {}
  Error.captureStackTrace(holder, hide)
  return holder.stack?.split('\n').slice(1).join('\n')
}

const opened = channel('memmap:open')
const closed = channel('memmap:close')

// A note must not refer to its entry: the entry would never be collected.
interface Note {
  readonly id: number
  readonly name: string
  readonly stack: string | undefined
  readonly silent: boolean
}

const watched = new Map<number, WeakRef<Entry>>()

const collected = new FinalizationRegistry<Note>(({ id, name, stack, silent }) => {
  watched.delete(id)
  if (silent) return
  const advice = stack === undefined ? 'set MEMMAP_TRACE=1 to see where it was opened' : `it was opened\n${stack}`
  process.emitWarning(
    `A mapping of ${name} (id ${id}) was not closed, and the garbage collector has unmapped it. Call close(); ${advice}`,
    { type: 'ResourceWarning', code: 'MEMMAP_LEAK' },
  )
})

/** Enters a mapping. With `silent` the garbage collector owns it, and its collection is no leak. */
export function enter(entry: Entry, stack: string | undefined, silent: boolean): void {
  collected.register(entry, { id: entry.id, name: nameOf(entry), stack, silent }, entry)
  if (opened.hasSubscribers) opened.publish(announcement(entry))
}

/**
 * Makes a mapping findable by its id, which is all that a fault in a view reports. Called with the first view of a mapping and
 * no earlier: a WeakRef keeps its target alive until the end of the turn of the event loop, too long for code that opens
 * thousands of mappings in one turn.
 */
export function watch(entry: Entry): void {
  if (!watched.has(entry.id)) watched.set(entry.id, new WeakRef(entry))
}

/** Records that a mapping is closed. It can still be found, to report code that uses the memory of a view too late. */
export function leave(entry: Entry): void {
  collected.unregister(entry)
  if (watched.has(entry.id))
    collected.register(entry, { id: entry.id, name: '', stack: undefined, silent: true }, entry)
  if (closed.hasSubscribers) closed.publish(announcement(entry))
}

/** Returns the mapping of this thread with an id, if it has or had views and is not collected. */
export function findEntry(id: number): Entry | undefined {
  return watched.get(id)?.deref()
}

/** Returns all mappings that `findEntry` can find. */
export function watchedEntries(): Entry[] {
  return [...watched.values()].flatMap((reference) => reference.deref() ?? [])
}

/** Returns the name of a mapping in messages: its path, or its label, or its id. */
export function nameOf({ path, label, id }: Pick<Entry, 'id' | 'path' | 'label'>): string {
  if (path !== undefined) return `'${path}'`
  return label === undefined ? `mapping ${id}` : `'${label}'`
}

/** Returns the message that subscribers of the channels get. */
export function announcement(entry: Entry): object {
  const { id, path, label, owner: mapping } = entry
  return { id, ...(path !== undefined && { path }), ...(label !== undefined && { label }), ...(mapping && { mapping }) }
}
