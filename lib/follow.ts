/**
 * Goes on reading lines at the end of a file, as `tail -F` does: what is appended, and from the start again when the file is
 * cut or another one takes its name.
 *
 * It reads and does not map: what is appended is little, which is read in less time than it is mapped, and a file that is cut
 * while it is mapped is a fault.
 */
import { type FileHandle, open, stat } from 'node:fs/promises'
import { type Cut, cutBytes, type Maker, makersOf, type PieceEncoding } from './cut.js'
import { memmapError } from './errors.js'
import { AsyncItems, type Route, type Source } from './iterate.js'
import { nameOf } from './ledger.js'
import type { Pieced } from './pieces.js'
import type { Region } from './region.js'
import { invalidArgValue } from './validate.js'
import { Watcher } from './watcher.js'

/** Makes what is gone through. Its start is where to begin in the file. */
export function follow(route: Route, cut: Cut, encoding: PieceEncoding, offsets: boolean): Pieced {
  const { region } = route
  const { path } = region
  if (path === undefined) {
    const text = `${nameOf(region)} has no path by which it could be followed: map the file by its path`
    throw memmapError('ERR_MEMMAP_UNSUPPORTED', text)
  }
  if (region.offset !== 0) {
    const reason = `needs a mapping that begins where its file begins; this one begins at ${region.offset}`
    throw invalidArgValue('options.follow', true, reason)
  }
  const { items, batches } = makersOf(encoding, offsets)
  const over = (maker: Maker<unknown>, isBatched: boolean) => ({
    [Symbol.iterator]: refuse,
    [Symbol.asyncIterator]: () => new AsyncItems(new Follower(route, path, cut, maker, isBatched)),
  })
  return { ...over(items, false), batches: () => over(batches ?? items, batches === undefined) } as Pieced
}

function refuse(): never {
  throw memmapError('ERR_MEMMAP_UNSUPPORTED', 'A loop that follows a file waits for what is appended: use for await')
}

interface File {
  readonly handle: FileHandle
  readonly device: bigint
  readonly inode: bigint
}

// As much as makes one string; see `pieces.ts`.
const BLOCK = 2 ** 16

class Follower<T> implements Source<T | T[]> {
  readonly #region: Region
  readonly #path: string
  readonly #signal: AbortSignal | undefined
  readonly #cut: Cut
  readonly #maker: Maker<T>
  readonly #isBatched: boolean
  readonly #watcher: Watcher
  readonly #block = Buffer.allocUnsafeSlow(BLOCK)
  #file: File | undefined
  // Where the next bytes are read, and those before it that belong to a line without an end so far.
  #position: number
  #held: Buffer[] = []
  #heldLength = 0
  #ended = false

  constructor({ region, start, signal }: Route, path: string, cut: Cut, maker: Maker<T>, isBatched: boolean) {
    this.#region = region
    this.#path = path
    this.#signal = signal
    this.#cut = cut
    this.#maker = maker
    this.#isBatched = isBatched
    this.#watcher = new Watcher(path)
    this.#position = start
  }

  get isOpen(): boolean {
    return !this.#region.closed && !this.#signal?.aborted
  }

  async pull(): Promise<(T | T[])[]> {
    while (!this.#ended) {
      this.#signal?.throwIfAborted()
      // Faults of the mapping are none of ours.
      if (this.#region.closed) this.#region.check()
      const items = await this.#advance()
      if (items.length > 0) return this.#isBatched ? [items] : items
    }
    return []
  }

  end(): void {
    this.#ended = true
    this.#watcher.close()
    void this.#leave()
  }

  async #advance(): Promise<T[]> {
    this.#file ??= await this.#open()
    if (this.#file === undefined) return this.#wait()

    const { handle } = this.#file
    const bytes = await this.#read(handle)
    if (bytes.length > 0) return this.#take(bytes)

    const { size } = await handle.stat()
    if (size < this.#position) return this.#startOver()
    if (!(await this.#isReplaced(this.#file))) return this.#wait()
    // What was written between the last look and the renaming.
    const late = await this.#read(handle)
    if (late.length > 0) return this.#take(late)
    const other = await this.#openOther(this.#file)
    if (other === undefined) return this.#wait()
    await this.#leave(other)
    return this.#startOver()
  }

  async #read(handle: FileHandle): Promise<Buffer> {
    const { bytesRead } = await handle.read(this.#block, 0, BLOCK, this.#position)
    return this.#block.subarray(0, bytesRead)
  }

  async #open(): Promise<File | undefined> {
    const handle = await open(this.#path).catch(unlessMissing)
    if (handle === undefined) return undefined
    const { dev: device, ino: inode } = await handle.stat({ bigint: true })
    if (!this.#ended) return { handle, device, inode }
    await handle.close()
    return undefined
  }

  // While nothing has the name the old file may still grow, under another.
  async #isReplaced(old: File): Promise<boolean> {
    const now = await stat(this.#path, { bigint: true }).catch(unlessMissing)
    return now !== undefined && !isSame({ device: now.dev, inode: now.ino }, old)
  }

  // The file that has the name by now. The old one is left when this is open, and not before: the name may be gone again.
  async #openOther(old: File): Promise<File | undefined> {
    const other = await this.#open()
    if (other === undefined || !isSame(other, old)) return other
    await other.handle.close()
    return undefined
  }

  #take(bytes: Buffer): T[] {
    const offset = this.#position - this.#heldLength
    this.#position += bytes.length
    const end = bytes.lastIndexOf(this.#cut.separator) + 1
    if (end === 0) return this.#hold(bytes)
    const lines = Buffer.concat([...this.#held, bytes.subarray(0, end)])
    this.#held = []
    this.#heldLength = 0
    this.#hold(bytes.subarray(end))
    return cutBytes(lines, offset, this.#cut, this.#maker)
  }

  #hold(bytes: Buffer): [] {
    if (bytes.length > 0) this.#held.push(Buffer.from(bytes))
    this.#heldLength += bytes.length
    return []
  }

  // The file has no more: what was held back is its last line.
  #startOver(): T[] {
    const rest = Buffer.concat(this.#held)
    const offset = this.#position - rest.length
    this.#held = []
    this.#heldLength = this.#position = 0
    return rest.length === 0 ? [] : this.#maker.one(offset, rest.length, () => rest)
  }

  async #leave(next?: File): Promise<void> {
    const file = this.#file
    this.#file = next
    // It was only read: there is nothing that closing it could tell.
    await file?.handle.close().catch(() => {})
  }

  async #wait(): Promise<[]> {
    const wake = (): void => this.#watcher.cancel()
    const pin = this.#region.pinUntil(wake)
    this.#signal?.addEventListener('abort', wake)
    try {
      if (this.isOpen) await this.#watcher.change()
    } finally {
      this.#signal?.removeEventListener('abort', wake)
      pin.release()
    }
    return []
  }
}

function isSame(one: Omit<File, 'handle'>, other: Omit<File, 'handle'>): boolean {
  return one.device === other.device && one.inode === other.inode
}

// There is no such file, for a while.
function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
}
