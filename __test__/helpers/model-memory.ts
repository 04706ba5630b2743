import { constants } from '../../index.js'

export const PAGE = constants.PAGE_SIZE

/** No file of the model is longer. */
export const MOST = 24 * PAGE

/**
 * What a file holds, by an ordinary Buffer. Beyond its size there are zeros: the model never stores there, since what becomes
 * of that is left open by every system.
 */
export class ModelFile {
  readonly bytes = Buffer.alloc(MOST)
  readonly memories = new Set<ModelMemory>()
  size = 0

  constructor(contents: Uint8Array = new Uint8Array(0)) {
    this.write(0, contents)
  }

  write(offset: number, data: Uint8Array): void {
    this.bytes.set(data, offset)
    if (data.length > 0) this.size = Math.max(this.size, offset + data.length)
  }

  /** Sets its size. The pages behind it are taken from everybody, private copies too. */
  truncate(size: number): void {
    this.bytes.fill(0, size)
    this.size = size
    const firstGone = Math.ceil(size / PAGE)
    for (const memory of this.memories) memory.cut(firstGone)
  }

  punch(firstPage: number, endPage: number): void {
    if (firstPage < endPage) this.bytes.fill(0, firstPage * PAGE, endPage * PAGE)
  }

  contents(): Buffer {
    return this.bytes.subarray(0, this.size)
  }
}

/** A page that a mapping has for itself: a private copy of the file's, or zeros in the place of one that is gone. */
interface OwnPage {
  readonly bytes: Buffer
  readonly ofFile: boolean
}

/**
 * What a mapping must show, page by page, as Linux has it. A page is the file's own until something private is stored into it;
 * then it is a copy that no longer follows the file. A page behind the end of the file that is touched becomes zeros for good,
 * and so does all that follows it.
 */
export class ModelMemory {
  readonly file: ModelFile
  readonly isPrivate: boolean
  readonly offset: number
  readonly length: number
  /** Why pages could not be delivered so far. */
  readonly reasons = new Set<string>()
  /** A flag for each byte: whether it is locked in memory. */
  readonly locked: Uint8Array
  readonly #own = new Map<number, OwnPage>()
  readonly #readonly = new Set<number>()
  readonly #private = new Set<number>()
  readonly #end: number
  #deadFrom = Infinity

  constructor(file: ModelFile, isPrivate: boolean, offset: number, length: number) {
    this.file = file
    this.isPrivate = isPrivate
    this.offset = offset
    this.length = length
    this.locked = new Uint8Array(length)
    this.#end = Math.ceil((offset + length) / PAGE)
    file.memories.add(this)
  }

  get faulted(): boolean {
    return this.reasons.size > 0
  }

  /** What loads see. Touches the pages. */
  read(offset: number, length: number): Buffer {
    const target = Buffer.alloc(length)
    for (const part of this.#parts(offset, length)) {
      this.#touch(part.page)
      this.#bytesOf(part.page).copy(target, part.done, part.from, part.to)
    }
    return target
  }

  /** What stores do. */
  store(offset: number, data: Uint8Array): void {
    for (const part of this.#parts(offset, data.length)) {
      this.#makeWritable(part.page).set(data.subarray(part.done, part.done + part.to - part.from), part.from)
    }
  }

  /** False where a store would land behind the end of the file, in its last page. */
  canStore(offset: number, length: number): boolean {
    const isFiles = (page: number) => !this.#isPrivate(page) && !this.#own.has(page) && !this.#readonly.has(page)
    return this.#parts(offset, length).every(({ page, to }) => {
      const behind = page * PAGE + to > this.file.size && page * PAGE < this.file.size
      return !(behind && isFiles(page))
    })
  }

  /** Whether the file does not reach to the end of a range. */
  isCut(range: { readonly offset: number; readonly length: number } | undefined): boolean {
    return range !== undefined && range.length > 0 && this.offset + range.offset + range.length > this.file.size
  }

  /** Whether its last byte lies in a page that the mapping has for itself: what is there stays, wherever the file ends. */
  endsInOwnPage(range: { readonly offset: number; readonly length: number } | undefined): boolean {
    return range !== undefined && this.#own.has(Math.floor((this.offset + range.offset + range.length - 1) / PAGE))
  }

  /** How many bytes from `offset` on there are before one that can't be delivered. */
  deliverable(offset: number, length: number): number {
    return this.#parts(offset, length).find(({ page }) => !this.#isLive(page))?.done ?? length
  }

  hasReadonly(offset: number, length: number): boolean {
    return this.#parts(offset, length).some(({ page }) => this.#readonly.has(page))
  }

  /** The longest ranges of pages that can be delivered. */
  liveRanges(): { offset: number; length: number }[] {
    const ranges: { offset: number; length: number }[] = []
    let previous = -1
    for (const { page, done, from, to } of this.#parts(0, this.length)) {
      if (!this.#isLive(page)) continue
      const last = ranges.at(-1)
      if (last !== undefined && previous === page - 1) last.length += to - from
      else ranges.push({ offset: done, length: to - from })
      previous = page
    }
    return ranges
  }

  /** The pages that a locked byte lies in. */
  lockedPages(): Set<number> {
    const pages = new Set<number>()
    for (const [index, isLocked] of this.locked.entries()) {
      if (isLocked) pages.add(Math.floor((this.offset + index) / PAGE))
    }
    return pages
  }

  cut(firstGone: number): void {
    for (const [page, { ofFile }] of this.#own) if (ofFile && page >= firstGone) this.#own.delete(page)
  }

  protect(writable: boolean, offset: number, length: number): void {
    for (const { page } of this.#parts(offset, length)) {
      if (writable) this.#readonly.delete(page)
      else this.#readonly.add(page)
    }
  }

  /** The pages that lie whole in a range. */
  wholePages(offset: number, length: number): { first: number; end: number } {
    const start = this.offset + offset
    return { first: Math.ceil(start / PAGE), end: Math.floor((start + length) / PAGE) }
  }

  /** Forgets private copies. */
  forget(offset: number, length: number): void {
    const { first, end } = this.wholePages(offset, length)
    for (const page of this.#own.keys()) if (page >= first && page < end) this.#own.delete(page)
  }

  /** Makes private copies, up to the first page that can't have one; false if there is one. */
  populate(offset: number, length: number): boolean {
    for (const { page } of this.#parts(offset, length)) {
      if (!this.#isLive(page) || this.#readonly.has(page)) return false
      this.#makeWritable(page)
    }
    return true
  }

  #isLive(page: number): boolean {
    return this.#own.has(page) || page * PAGE < this.file.size
  }

  #bytesOf(page: number): Buffer {
    return this.#own.get(page)?.bytes ?? this.file.bytes.subarray(page * PAGE, (page + 1) * PAGE)
  }

  #touch(page: number): void {
    if (this.#isLive(page)) return
    for (let dead = page; dead < Math.min(this.#deadFrom, this.#end); dead++) {
      this.#own.set(dead, { bytes: Buffer.alloc(PAGE), ofFile: false })
      this.#readonly.delete(dead)
    }
    this.#deadFrom = page
    this.reasons.add('truncated')
  }

  #makeWritable(page: number): Buffer {
    this.#touch(page)
    if (this.#readonly.delete(page)) {
      this.reasons.add('readonly')
      this.#private.add(page)
    }
    if (this.#isPrivate(page) && !this.#own.has(page)) {
      this.#own.set(page, { bytes: Buffer.from(this.#bytesOf(page)), ofFile: true })
    }
    return this.#bytesOf(page)
  }

  // A page that was stored into against its protection stays private, even when a cut takes the copy away.
  #isPrivate(page: number): boolean {
    return this.isPrivate || this.#private.has(page)
  }

  // A range, page by page: `from` and `to` count from the start of the page, `done` from that of the range.
  #parts(offset: number, length: number) {
    const parts: { page: number; from: number; to: number; done: number }[] = []
    for (let done = 0; done < length;) {
      const at = this.offset + offset + done
      const page = Math.floor(at / PAGE)
      const from = at - page * PAGE
      const to = Math.min(PAGE, from + length - done)
      parts.push({ page, from, to, done })
      done += to - from
    }
    return parts
  }
}
