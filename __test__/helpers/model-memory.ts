import { constants } from '../../index.js'

export const PAGE = constants.PAGE_SIZE

/** The maximum length of a file of the model. */
export const MAX_SIZE = 24 * PAGE

/**
 * The contents of a file, in an ordinary Buffer. After its size there are zeros: the model never stores there, because no
 * system defines the result.
 */
export class ModelFile {
  readonly bytes = Buffer.alloc(MAX_SIZE)
  readonly memories = new Set<ModelMemory>()
  size = 0

  constructor(contents: Uint8Array = new Uint8Array(0)) {
    this.write(0, contents)
  }

  write(offset: number, data: Uint8Array): void {
    this.bytes.set(data, offset)
    if (data.length > 0) this.size = Math.max(this.size, offset + data.length)
  }

  /** Sets the size. The pages after it are removed from every mapping, private copies included. */
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

/** A page that belongs to one mapping: a private copy of the page of the file, or zeros in place of a lost page. */
interface OwnPage {
  readonly bytes: Buffer
  readonly ofFile: boolean
}

/**
 * The expected contents of a mapping, page by page, as on Linux. A page shows the file until a private store into it;
 * then it is a copy that no longer follows the file. A page after the end of the file that is touched becomes zeros for good,
 * and so do all pages after it.
 */
export class ModelMemory {
  readonly file: ModelFile
  readonly isPrivate: boolean
  readonly offset: number
  readonly length: number
  /** The reasons of the faults so far. */
  readonly reasons = new Set<string>()
  /** A flag for each byte that says whether it is locked in memory. */
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

  /** Returns the bytes that loads see. Touches the pages. */
  read(offset: number, length: number): Buffer {
    const target = Buffer.alloc(length)
    for (const part of this.#parts(offset, length)) {
      this.#touch(part.page)
      this.#bytesOf(part.page).copy(target, part.done, part.from, part.to)
    }
    return target
  }

  /** Stores bytes. */
  store(offset: number, data: Uint8Array): void {
    for (const part of this.#parts(offset, data.length)) {
      this.#makeWritable(part.page).set(data.subarray(part.done, part.done + part.to - part.from), part.from)
    }
  }

  /** Returns false if a store would lie after the end of the file, in its last page. */
  canStore(offset: number, length: number): boolean {
    const isFiles = (page: number) => !this.#isPrivate(page) && !this.#own.has(page) && !this.#readonly.has(page)
    return this.#parts(offset, length).every(({ page, to }) => {
      const isPastEnd = page * PAGE + to > this.file.size && page * PAGE < this.file.size
      return !(isPastEnd && isFiles(page))
    })
  }

  /** Reports whether the file ends before the end of a range. */
  isCut(range: { readonly offset: number; readonly length: number } | undefined): boolean {
    return range !== undefined && range.length > 0 && this.offset + range.offset + range.length > this.file.size
  }

  /** Reports whether the last byte lies in a page that belongs to the mapping: its contents stay, wherever the file ends. */
  endsInOwnPage(range: { readonly offset: number; readonly length: number } | undefined): boolean {
    return range !== undefined && this.#own.has(Math.floor((this.offset + range.offset + range.length - 1) / PAGE))
  }

  /** Returns the number of bytes from `offset` on before the first one that cannot be delivered. */
  deliverable(offset: number, length: number): number {
    return this.#parts(offset, length).find(({ page }) => !this.#isLive(page))?.done ?? length
  }

  hasReadonly(offset: number, length: number): boolean {
    return this.#parts(offset, length).some(({ page }) => this.#readonly.has(page))
  }

  /** Returns the longest ranges of pages that can be delivered. */
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

  /** Returns the pages that contain a locked byte. */
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

  /** Returns the pages that lie entirely in a range. */
  wholePages(offset: number, length: number): { first: number; end: number } {
    const start = this.offset + offset
    return { first: Math.ceil(start / PAGE), end: Math.floor((start + length) / PAGE) }
  }

  /** Drops private copies. */
  forget(offset: number, length: number): void {
    const { first, end } = this.wholePages(offset, length)
    for (const page of this.#own.keys()) if (page >= first && page < end) this.#own.delete(page)
  }

  /** Makes private copies up to the first page that cannot have one. Returns false if such a page exists. */
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

  // A page that was stored into in spite of its protection stays private, even if a cut removes the copy.
  #isPrivate(page: number): boolean {
    return this.isPrivate || this.#private.has(page)
  }

  // Splits a range by pages: `from` and `to` count from the start of the page, `done` from the start of the range.
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
