/**
 * The registry of live mappings. Lists all mappings of the process, and finds mappings of this thread by their id. Publishes the
 * opening and closing of mappings on diagnostics channels, and warns when the garbage collector closes a mapping.
 */
import { channel } from 'node:diagnostics_channel'
import { native, type NativeMapping } from '../base/native.js'

/** A live mapping of this process, opened by any thread. */
export interface MappingInfo {
  /** The id, which is unique in this process: it is never used again. */
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
  /** `revoked`: the mapping is closed and its file is released, but code or views still refer to its addresses. */
  readonly state: 'open' | 'revoked'
  /** True for results of `mapBuffer` and `mapArray`, which the garbage collector frees. */
  readonly gcOwned: boolean
  /** The number of pages that the system could not deliver. */
  readonly faults: number
  /** True once a flush of the file has failed in this process, so stored bytes may be missing on the disk; otherwise absent. */
  readonly damaged?: true
  /** The stack of the call that opened it, if the environment variable `MEMMAP_TRACE` is 1. */
  readonly stack?: string
}

/** The facts that the registry of this thread keeps about a mapping. */
export interface Entry {
  readonly id: number
  readonly path: string | undefined
  readonly label: string | undefined
  readonly native: NativeMapping
  /** The Mapping; undefined for results of `mapBuffer` and `mapArray`. */
  readonly owner: object | undefined
}

/**
 * Lists all live mappings of this process, including those of other threads, oldest first.
 *
 * With the environment variable `MEMMAP_TRACE=1`, the entries have the stacks of the calls that opened the mappings.
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

// The facts for the warning. A note must not refer to its entry: otherwise the entry would never be collected.
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
  const advice = stack === undefined ? 'set MEMMAP_TRACE=1 to see where it was opened' : `it was opened here:\n${stack}`
  process.emitWarning(
    `A mapping of ${name} (id ${id}) was not closed, and the garbage collector has unmapped it. Call close(); ${advice}`,
    { type: 'ResourceWarning', code: 'MEMMAP_LEAK' },
  )
})

/** Enters a mapping. With `silent`, its collection by the garbage collector is intended and causes no warning. */
export function enter(entry: Entry, stack: string | undefined, silent: boolean): void {
  collected.register(entry, { id: entry.id, name: nameOf(entry), stack, silent }, entry)
  if (opened.hasSubscribers) opened.publish(announcement(entry))
}

/**
 * Makes a mapping findable by its id: the report of a fault in a view has only the id. Called with the first view of a mapping,
 * not when the mapping is opened: a new WeakRef keeps its target alive until the end of the turn of the event loop, which is
 * too long for code that opens thousands of mappings in one turn.
 */
export function watch(entry: Entry): void {
  if (!watched.has(entry.id)) watched.set(entry.id, new WeakRef(entry))
}

/** Records that a mapping is closed. `findEntry` still finds it, so that uses of a view after the closing can be reported. */
export function leave(entry: Entry): void {
  collected.unregister(entry)
  if (watched.has(entry.id))
    collected.register(entry, { id: entry.id, name: '', stack: undefined, silent: true }, entry)
  if (closed.hasSubscribers) closed.publish(announcement(entry))
}

/** Returns the mapping with an id, if this thread opened it, it has or had views, and it is not collected. */
export function findEntry(id: number): Entry | undefined {
  return watched.get(id)?.deref()
}

/** Returns all mappings that `findEntry` can find. */
export function watchedEntries(): Entry[] {
  return [...watched.values()].flatMap((reference) => reference.deref() ?? [])
}

/** Returns the name of a mapping for messages: its path, or else its label, or else its id. */
export function nameOf({ path, label, id }: Pick<Entry, 'id' | 'path' | 'label'>): string {
  if (path !== undefined) return `'${path}'`
  return label === undefined ? `mapping ${id}` : `'${label}'`
}

/** Returns the message that subscribers of the channels get. */
export function announcement(entry: Entry): object {
  const { id, path, label, owner: mapping } = entry
  return { id, ...(path !== undefined && { path }), ...(label !== undefined && { label }), ...(mapping && { mapping }) }
}
