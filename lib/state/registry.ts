/**
 * The ledger: every live mapping of the process, the ones of this thread by identity, and the word that is spread about
 * them: diagnostics channels when they open and close, a warning when the collector closes one.
 */
import { channel } from 'node:diagnostics_channel'
import { native, type NativeMapping } from '../base/native.js'

/** One live mapping of this process, of whichever thread. */
export interface MappingInfo {
  /** A number that no other mapping of this process has or had. */
  readonly id: number
  /** The file as it was given; undefined for descriptors and anonymous memory. */
  readonly path?: string
  readonly label?: string
  readonly mode: string
  /** Where in the file it begins, in bytes. */
  readonly offset: number
  /** In bytes. */
  readonly length: number
  /** ArrayBuffers over it that are still alive; slices of one count once. */
  readonly views: number
  /** Pins not yet released. */
  readonly pins: number
  /** `threadId` of the thread that opened it; 0 is the main thread. */
  readonly thread: number
  /** 'revoked': closed, its file let go, but something still refers to its addresses. */
  readonly state: 'open' | 'revoked'
  /** True for what `mapBuffer` and `mapArray` made. */
  readonly gcOwned: boolean
  /** Pages that the system could not deliver. */
  readonly faults: number
  /** True once a flush of its file has failed in this process, so that it may hold what the disk lacks; else absent. */
  readonly damaged?: true
  /** Where it was opened, if the environment variable `MEMMAP_TRACE` is 1. */
  readonly stack?: string
}

/** What the ledger of this thread knows a mapping by. */
export interface Entry {
  readonly id: number
  readonly path: string | undefined
  readonly label: string | undefined
  readonly native: NativeMapping
  /** The Mapping, where there is one. */
  readonly owner: object | undefined
}

/**
 * Lists every live mapping of this process, those of other threads included, oldest first.
 *
 * Set the environment variable `MEMMAP_TRACE=1` to have the stack of each opening recorded.
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

/** The frames below `hide`, if tracing is on. It costs some microseconds, hence the environment variable. */
export function traceCaller(hide: (...args: never[]) => unknown): string | undefined {
  if (!TRACE) return undefined
  const holder: { stack?: string } = {}
  Error.captureStackTrace(holder, hide)
  return holder.stack?.split('\n').slice(1).join('\n')
}

const opened = channel('memmap:open')
const closed = channel('memmap:close')

// What is noted about an entry must not lead to it, or it would never be collected.
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

/** Enters a mapping. `silent`: it belongs to the collector, which is then no leak. */
export function enter(entry: Entry, stack: string | undefined, silent: boolean): void {
  collected.register(entry, { id: entry.id, name: nameOf(entry), stack, silent }, entry)
  if (opened.hasSubscribers) opened.publish(announcement(entry))
}

/**
 * Lets a mapping be found by its id, which is all that is known where code met a fault in a view of it. Only with the first
 * view, because a WeakRef keeps what it refers to until the end of the turn: too long where thousands are opened in one.
 */
export function watch(entry: Entry): void {
  if (!watched.has(entry.id)) watched.set(entry.id, new WeakRef(entry))
}

/** Notes that a mapping is closed. It can still be found: something may use a view's memory too late, and that is told. */
export function leave(entry: Entry): void {
  collected.unregister(entry)
  if (watched.has(entry.id))
    collected.register(entry, { id: entry.id, name: '', stack: undefined, silent: true }, entry)
  if (closed.hasSubscribers) closed.publish(announcement(entry))
}

/** The mapping of this thread with that id, if it has, or had, views and is still there. */
export function findEntry(id: number): Entry | undefined {
  return watched.get(id)?.deref()
}

/** All that `findEntry` would find. */
export function watchedEntries(): Entry[] {
  return [...watched.values()].flatMap((reference) => reference.deref() ?? [])
}

/** How messages call a mapping: by its path, else its label. */
export function nameOf({ path, label, id }: Pick<Entry, 'id' | 'path' | 'label'>): string {
  if (path !== undefined) return `'${path}'`
  return label === undefined ? `mapping ${id}` : `'${label}'`
}

/** What subscribers of the channels get. */
export function announcement(entry: Entry): object {
  const { id, path, label, owner: mapping } = entry
  return { id, ...(path !== undefined && { path }), ...(label !== undefined && { label }), ...(mapping && { mapping }) }
}
