/**
 * Goes on reading lines at the end of a file, as `tail -F` does: what is appended, and from the start again when the file is
 * cut or another one takes its name.
 *
 * It reads and does not map: what is appended is little, which is read in less time than it is mapped, and a file that is cut
 * while it is mapped is a fault.
 */
import { stat } from 'node:fs/promises'
import { onAbort } from '../base/abort.js'
import { constants } from '../base/constants.js'
import { type Cut, cutBytes, type Maker, makersOf, type LineEncoding, RETURN } from './decode.js'
import { memmapError } from '../base/errors.js'
import { AsyncItemIterator, type BatchSource } from '../iterate/async-iterator.js'
import type { IterationRange } from '../iterate/range-options.js'
import { nameOf } from '../state/registry.js'
import { type Identity, OpenFile } from './followed-file.js'
import type { Pieced } from './delimited.js'
import type { MappingState } from '../state/mapping-state.js'
import { invalidArgValue } from '../base/validate.js'
import { Watcher } from './path-watcher.js'

/** Makes what is gone through. Its start is where to begin in the file. */
export function follow(range: IterationRange, cut: Cut, encoding: LineEncoding, offsets: boolean): Pieced {
  const { state } = range
  const { path } = state
  if (path === undefined) {
    const text = `${nameOf(state)} has no path by which it could be followed: map the file by its path`
    throw memmapError('ERR_MEMMAP_UNSUPPORTED', text)
  }
  if (state.offset !== 0) {
    const reason = `needs a mapping that begins where its file begins; this one begins at ${state.offset}`
    throw invalidArgValue('options.follow', true, reason)
  }
  const { items, batches } = makersOf(encoding, offsets)
  const over = (maker: Maker<unknown>, isBatched: boolean) => ({
    [Symbol.iterator]: refuse,
    [Symbol.asyncIterator]: () => new AsyncItemIterator(new Follower(range, path, cut, maker, isBatched)),
  })
  return { ...over(items, false), batches: () => over(batches ?? items, batches === undefined) } as Pieced
}

function refuse(): never {
  throw memmapError('ERR_MEMMAP_UNSUPPORTED', 'A loop that follows a file waits for what is appended: use for await')
}

// What is open between two steps. It must not lead to the iterator, which may be left alone: then the collector tells us.
interface Opened {
  readonly watcher: Watcher
  file: OpenFile | undefined
}

const collected = new FinalizationRegistry<Opened>(release)

function release(opened: Opened): void {
  opened.watcher.close()
  void opened.file?.close()
  opened.file = undefined
}

// What a path says that leads to nothing, and one that leads to something that can't be read.
const MISSING: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR'])
const BARS: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'ELOOP', 'EBUSY', 'ENXIO'])

// As much as makes one string; see `pieces.ts`.
const BLOCK = 2 ** 16

class Follower<T> implements BatchSource<T | T[]> {
  readonly #state: MappingState
  readonly #path: string
  readonly #signal: AbortSignal | undefined
  readonly #cut: Cut
  readonly #maker: Maker<T>
  readonly #isBatched: boolean
  readonly #opened: Opened
  readonly #block = Buffer.allocUnsafeSlow(BLOCK)
  // Where the next bytes are read, and those before it that belong to a line without an end so far: where they begin, and how
  // many they are.
  #position: number
  #held: Buffer[] = []
  #heldLength = 0
  #heldFrom = 0
  #isReading = false
  #ended = false
  // Something else than what is missing keeps the file away.
  #isBarred = false

  constructor({ state, start, signal }: IterationRange, path: string, cut: Cut, maker: Maker<T>, isBatched: boolean) {
    this.#state = state
    this.#path = path
    this.#signal = signal
    this.#cut = cut
    this.#maker = maker
    this.#isBatched = isBatched
    this.#opened = { watcher: new Watcher(path), file: undefined }
    this.#position = start
    collected.register(this, this.#opened, this)
  }

  get isOpen(): boolean {
    return !this.#state.closed && !this.#signal?.aborted
  }

  async pull(): Promise<(T | T[])[]> {
    this.#isReading = true
    try {
      while (!this.#ended) {
        if (this.#signal?.aborted) throw this.#signal.reason
        // Faults of the mapping are none of ours.
        if (this.#state.closed) this.#state.check()
        const items = await this.#advance()
        if (items.length > 0) return this.#isBatched ? [items] : items
      }
      return []
    } finally {
      this.#isReading = false
      if (this.#ended) release(this.#opened)
    }
  }

  end(): void {
    this.#ended = true
    this.#held = []
    collected.unregister(this)
    // A descriptor that is closed while it is read may be another file's by then.
    if (this.#isReading) this.#opened.watcher.close()
    else release(this.#opened)
  }

  async #advance(): Promise<T[]> {
    this.#opened.file ??= await this.#openFile()
    const { file } = this.#opened
    if (file === undefined) return this.#wait()

    const bytes = await file.read(this.#block, this.#position)
    if (bytes.length > 0) return this.#take(bytes)

    if ((await file.size()) < this.#position) return this.#startOver()
    if (!(await this.#isReplaced(file))) return this.#wait()
    // What was written between the last look and the renaming.
    const late = await file.read(this.#block, this.#position)
    if (late.length > 0) return this.#take(late)
    const other = await this.#openOther(file)
    if (other === undefined) return this.#wait()
    this.#opened.file = other
    await file.close()
    return this.#startOver()
  }

  #openFile(): Promise<OpenFile | undefined> {
    return this.#ask(OpenFile.open(this.#path))
  }

  // While no file has the name the old one may still grow, under another.
  async #isReplaced(old: OpenFile): Promise<boolean> {
    const now = await this.#ask(stat(this.#path, { bigint: true }))
    return now !== undefined && !isSame({ device: now.dev, inode: now.ino }, old)
  }

  // There may be nothing of the name for a while, or something that can't be read: who replaces a log may give it its rights
  // only then. At the start that is an error.
  async #ask<A>(question: Promise<A>): Promise<A | undefined> {
    try {
      const answer = await question
      this.#isBarred = answer === undefined
      return answer
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      this.#isBarred = this.#opened.file !== undefined && BARS.has(code)
      if (!this.#isBarred && !MISSING.has(code)) throw error
      return undefined
    }
  }

  // The file that has the name by now. The old one is left when this is open, and not before: the name may be gone again.
  async #openOther(old: OpenFile): Promise<OpenFile | undefined> {
    const other = await this.#openFile()
    if (other === undefined || !isSame(other, old)) return other
    await other.close()
    return undefined
  }

  // The bytes are those of the block, which is filled again with the next ones.
  #take(bytes: Buffer): T[] {
    const offset = this.#position
    this.#position += bytes.length
    const end = bytes.lastIndexOf(this.#cut.separator) + 1
    if (end === 0) return this.#hold(bytes, offset)
    const from = this.#heldLength === 0 ? 0 : bytes.indexOf(this.#cut.separator) + 1
    const first = from === 0 ? [] : this.#endHeld(bytes.subarray(0, from))
    const others =
      from === end ? [] : cutBytes(Buffer.from(bytes.subarray(from, end)), offset + from, this.#cut, this.#maker)
    return [...first, ...others, ...this.#hold(bytes.subarray(end), offset + end)]
  }

  // Nothing is searched twice, and of what only has a place nothing is kept: a line may be of any length.
  #hold(bytes: Buffer, offset: number): T[] {
    if (bytes.length === 0) return []
    if (this.#heldLength === 0) this.#heldFrom = offset
    this.#heldLength += bytes.length
    if (this.#maker.of === 'places') this.#held = [Buffer.from(bytes.subarray(-1))]
    else this.#held.push(Buffer.from(bytes))
    // Longer than anything that could be made of it: making that is an error now, and not only when there is no memory left.
    return this.#heldLength > constants.MAX_VIEW_LENGTH && this.#maker.of !== 'places' ? this.#endHeld() : []
  }

  // What was held back is a line, which ends with these bytes, its separator among them; or where its file ends.
  #endHeld(bytes?: Buffer): T[] {
    const parts = bytes === undefined ? this.#held : [...this.#held, bytes]
    const total = this.#heldLength + (bytes?.length ?? 0)
    const offset = this.#heldFrom
    const { dropReturn, keepEnd, separator } = this.#cut
    let length = total
    if (bytes !== undefined && !keepEnd) {
      length -= separator.length
      const last = bytes.length > separator.length ? bytes.at(-1 - separator.length) : this.#held.at(-1)?.at(-1)
      if (dropReturn && last === RETURN) length--
    }
    this.#held = []
    this.#heldLength = 0
    return this.#maker.one(offset, length, () => Buffer.concat(parts, length))
  }

  // The file has no more: what was held back is its last line.
  #startOver(): T[] {
    const last = this.#heldLength === 0 ? [] : this.#endHeld()
    this.#position = 0
    return last
  }

  async #wait(): Promise<[]> {
    const { watcher } = this.#opened
    const wake = (): void => watcher.cancel()
    const pin = this.#state.pinUntil(wake)
    const ignoreAbort = onAbort(this.#signal, wake)
    try {
      if (this.isOpen) await watcher.change(this.#isBarred)
    } finally {
      ignoreAbort()
      pin.release()
    }
    return []
  }
}

function isSame(one: Identity, other: Identity): boolean {
  return one.device === other.device && one.inode === other.inode
}
