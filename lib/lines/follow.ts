/**
 * Follows a file for lines that are appended to it, as `tail -F` does. It starts again at the first byte when the file is
 * truncated or another file takes its name.
 *
 * It reads the file instead of mapping it: appended data is small and faster to read than to map, and truncating a mapped file
 * would be a fault.
 */
import { stat } from 'node:fs/promises'
import { onAbort } from '../base/abort.js'
import { constants } from '../base/constants.js'
import { memmapError } from '../base/errors.js'
import { invalidArgValue } from '../base/validate.js'
import { AsyncItemIterator, type BatchSource } from '../iterate/async-iterator.js'
import type { IterationRange } from '../iterate/range-options.js'
import type { MappingState } from '../state/mapping-state.js'
import { nameOf } from '../state/registry.js'
import {
  CARRIAGE_RETURN,
  decodeBytes,
  decodersFor,
  type DelimiterRules,
  type ItemDecoder,
  type LineEncoding,
} from './decode.js'
import type { DelimitedIterable } from './delimited.js'
import { type FileIdentity, FollowedFile } from './followed-file.js'
import { PathWatcher } from './path-watcher.js'

/** Makes the iterable. The start of the range is the offset in the file to begin at. */
export function follow(
  range: IterationRange,
  rules: DelimiterRules,
  encoding: LineEncoding,
  offsets: boolean,
): DelimitedIterable {
  const { state } = range
  const { path } = state
  if (path === undefined) {
    const text = `${nameOf(state)} has no path, so it cannot be followed: map the file by its path`
    throw memmapError('ERR_MEMMAP_UNSUPPORTED', text)
  }
  if (state.offset !== 0) {
    const reason = `needs a mapping from the start of the file; this one starts at ${state.offset}`
    throw invalidArgValue('options.follow', true, reason)
  }
  const { items, batches } = decodersFor(encoding, offsets)
  const followBy = (decoder: ItemDecoder<unknown>, inBatches: boolean) => ({
    [Symbol.iterator]: refuseSync,
    [Symbol.asyncIterator]: () => new AsyncItemIterator(new Follower(range, path, rules, decoder, inBatches)),
  })
  const iterable = {
    ...followBy(items, false),
    batches: () => followBy(batches ?? items, batches === undefined),
  }
  return iterable as DelimitedIterable
}

function refuseSync(): never {
  throw memmapError('ERR_MEMMAP_UNSUPPORTED', 'A loop that follows a file waits for appended lines: use for await')
}

// What is open between two steps. It must not refer to the iterator: if a loop abandons the iterator without ending it, the
// garbage collector collects it, and the registry releases this.
interface Resources {
  readonly watcher: PathWatcher
  file: FollowedFile | undefined
}

const abandoned = new FinalizationRegistry<Resources>(release)

function release(resources: Resources): void {
  resources.watcher.close()
  void resources.file?.close()
  resources.file = undefined
}

// Errors for a path that leads to no file, and for one that leads to something that cannot be opened.
const MISSING: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR'])
const INACCESSIBLE: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'ELOOP', 'EBUSY', 'ENXIO'])

// As much as fits in one string of a batch; see `decode.ts`.
const BLOCK_SIZE = 2 ** 16

class Follower<T> implements BatchSource<T | T[]> {
  readonly #state: MappingState
  readonly #path: string
  readonly #signal: AbortSignal | undefined
  readonly #rules: DelimiterRules
  readonly #decoder: ItemDecoder<T>
  readonly #inBatches: boolean
  readonly #resources: Resources
  readonly #block = Buffer.allocUnsafeSlow(BLOCK_SIZE)
  // The offset to read at next.
  #position: number
  // The bytes of a line that has no end yet, in the order of reading; how many there are, and the offset of the first.
  #partial: Buffer[] = []
  #partialLength = 0
  #partialOffset = 0
  #isReading = false
  #ended = false
  // The path exists, but cannot be opened, or does not lead to a file. The system may not report when that changes.
  #isInaccessible = false

  constructor(
    { state, start, signal }: IterationRange,
    path: string,
    rules: DelimiterRules,
    decoder: ItemDecoder<T>,
    inBatches: boolean,
  ) {
    this.#state = state
    this.#path = path
    this.#signal = signal
    this.#rules = rules
    this.#decoder = decoder
    this.#inBatches = inBatches
    this.#resources = { watcher: new PathWatcher(path), file: undefined }
    this.#position = start
    abandoned.register(this, this.#resources, this)
  }

  get isOpen(): boolean {
    return !this.#state.closed && !this.#signal?.aborted
  }

  async pull(): Promise<(T | T[])[]> {
    this.#isReading = true
    try {
      while (!this.#ended) {
        if (this.#signal?.aborted) throw this.#signal.reason
        // Faults of the mapping do not matter here, since the file is read: only throw if the mapping is closed.
        if (this.#state.closed) this.#state.check()
        const items = await this.#advance()
        if (items.length > 0) return this.#inBatches ? [items] : items
      }
      return []
    } finally {
      this.#isReading = false
      if (this.#ended) release(this.#resources)
    }
  }

  end(): void {
    this.#ended = true
    this.#partial = []
    abandoned.unregister(this)
    // Closing a descriptor during a read is unsafe: its number may soon belong to another file.
    if (this.#isReading) this.#resources.watcher.close()
    else release(this.#resources)
  }

  async #advance(): Promise<T[]> {
    this.#resources.file ??= await this.#openFile()
    const { file } = this.#resources
    if (file === undefined) return this.#wait()

    const bytes = await file.read(this.#block, this.#position)
    if (bytes.length > 0) return this.#decode(bytes)

    if ((await file.size()) < this.#position) return this.#startOver()
    if (!(await this.#isReplaced(file))) return this.#wait()
    // Something may have been appended after the read above and before the rename.
    const late = await file.read(this.#block, this.#position)
    if (late.length > 0) return this.#decode(late)
    const other = await this.#openOther(file)
    if (other === undefined) return this.#wait()
    this.#resources.file = other
    await file.close()
    return this.#startOver()
  }

  #openFile(): Promise<FollowedFile | undefined> {
    return this.#query(FollowedFile.open(this.#path))
  }

  // As long as no file has the path, the old file may still grow under another name.
  async #isReplaced(old: FollowedFile): Promise<boolean> {
    const now = await this.#query(stat(this.#path, { bigint: true }))
    return now !== undefined && !isSame({ device: now.dev, inode: now.ino }, old)
  }

  // The path may lead to nothing for a while, or to a file that cannot be opened: a program that rotates a log may set the
  // permissions of the new file later. The latter is an error for the first file.
  async #query<A>(question: Promise<A>): Promise<A | undefined> {
    try {
      const answer = await question
      this.#isInaccessible = answer === undefined
      return answer
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      this.#isInaccessible = this.#resources.file !== undefined && INACCESSIBLE.has(code)
      if (!this.#isInaccessible && !MISSING.has(code)) throw error
      return undefined
    }
  }

  // Opens the file that has the path now. The old file stays open until the new one is open, because the path may already name no
  // file again.
  async #openOther(old: FollowedFile): Promise<FollowedFile | undefined> {
    const other = await this.#openFile()
    if (other === undefined || !isSame(other, old)) return other
    await other.close()
    return undefined
  }

  // The bytes lie in the block, which the next read overwrites.
  #decode(bytes: Buffer): T[] {
    const offset = this.#position
    this.#position += bytes.length
    const end = bytes.lastIndexOf(this.#rules.delimiter) + 1
    if (end === 0) return this.#addPartial(bytes, offset)
    const from = this.#partialLength === 0 ? 0 : bytes.indexOf(this.#rules.delimiter) + 1
    const first = from === 0 ? [] : this.#completePartial(bytes.subarray(0, from))
    const others =
      from === end ? [] : decodeBytes(Buffer.from(bytes.subarray(from, end)), offset + from, this.#rules, this.#decoder)
    return [...first, ...others, ...this.#addPartial(bytes.subarray(end), offset + end)]
  }

  // No byte is searched twice. For ranges, only the last byte is kept, since a line may have any length.
  #addPartial(bytes: Buffer, offset: number): T[] {
    if (bytes.length === 0) return []
    if (this.#partialLength === 0) this.#partialOffset = offset
    this.#partialLength += bytes.length
    const isRange = this.#decoder.kind === 'ranges'
    if (isRange) this.#partial = [Buffer.from(bytes.subarray(-1))]
    else this.#partial.push(Buffer.from(bytes))
    // A line longer than any string or Buffer: fail now with the error for that, instead of collecting until memory runs out.
    return this.#partialLength > constants.MAX_VIEW_LENGTH && !isRange ? this.#completePartial() : []
  }

  // Makes a line of the partial one and these bytes, which end with the delimiter; or of the partial line alone, at the end of
  // its file.
  #completePartial(bytes?: Buffer): T[] {
    const chunks = bytes === undefined ? this.#partial : [...this.#partial, bytes]
    const total = this.#partialLength + (bytes?.length ?? 0)
    const offset = this.#partialOffset
    const { dropReturn, keepEnd, delimiter } = this.#rules
    let length = total
    if (bytes !== undefined && !keepEnd) {
      length -= delimiter.length
      const last = bytes.length > delimiter.length ? bytes.at(-1 - delimiter.length) : this.#partial.at(-1)?.at(-1)
      if (dropReturn && last === CARRIAGE_RETURN) length--
    }
    this.#partial = []
    this.#partialLength = 0
    return this.#decoder.decodeOne(offset, length, () => Buffer.concat(chunks, length))
  }

  // The old file has no more bytes: the partial line is its last one.
  #startOver(): T[] {
    const last = this.#partialLength === 0 ? [] : this.#completePartial()
    this.#position = 0
    return last
  }

  async #wait(): Promise<[]> {
    const { watcher } = this.#resources
    const wake = (): void => watcher.cancel()
    const pin = this.#state.pinUntil(wake)
    const ignoreAbort = onAbort(this.#signal, wake)
    try {
      if (this.isOpen) await watcher.change(this.#isInaccessible)
    } finally {
      ignoreAbort()
      pin.release()
    }
    return []
  }
}

function isSame(one: FileIdentity, other: FileIdentity): boolean {
  return one.device === other.device && one.inode === other.inode
}
