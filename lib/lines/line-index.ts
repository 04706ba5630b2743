/**
 * Where each line begins: an index of some two bytes a line, made once by the native half, which finds any line with a few loads.
 * It can be written to a file and mapped again; so what it says is checked each time, as it may have come from anywhere.
 */
import { endianness } from 'node:os'
import { isUint8Array } from 'node:util/types'
import { readCopy } from '../views/copy.js'
import { checkConstruct, CONSTRUCT } from '../base/construct.js'
import { withCode } from '../base/errors.js'
import { type MappingState, stateOf } from '../state/mapping-state.js'
import type { Copyable } from '../views/copyable.js'
import { parseTask, runTask, type SearchOptions } from '../search/search.js'
import { type Bytes, invalidArgType, outOfRange, parseBytes, parseOptions } from '../base/validate.js'
import { checkCount } from '../views/views.js'

/** Where a line is. */
export interface Line {
  /** Its first byte, counted from the start of the mapping. */
  readonly offset: number
  /** In bytes, with its end: `\n`, `\r\n`, or nothing behind the last line. */
  readonly length: number
}

/** What an index that was read from a file belongs to. */
export interface LineIndexSource {
  /** The mapping whose lines these are. Only `text()` needs it. @default none */
  readonly mapping?: Copyable | undefined
  /** Where in the mapping the indexed range begins, in bytes. @default 0 */
  readonly offset?: Bytes | undefined
}

// The format, as src/core/lines/line_index.rs writes it: three words of 64 bits, then two for each block of 64 lines, then the
// tables.
const MAGIC = 0x3130_5849_4e4c_4d4dn
const HEAD = 3
const BLOCK = 64
const WORD = 8

const isLittleEndian = endianness() === 'LE'

let createIndex: (bytes: Uint8Array, offset: number, state: MappingState | undefined) => LineIndex

/**
 * Finds lines by their number. `mapping.lineIndex()` makes it.
 *
 * It describes the range as it was then: where the file has changed since, lines are not where it says.
 *
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { writeFileSync } from 'node:fs'
 * import { LineIndex, mapBuffer, mmapSync } from 'memmap'
 *
 * writeFileSync('log.txt', 'one\ntwo\r\nthree')
 * const mapping = mmapSync('log.txt')
 * const index = await mapping.lineIndex()
 * assert.equal(index.count, 3)
 * assert.deepEqual(index.line(1), { offset: 4, length: 5 })
 * assert.equal(index.text(1), 'two')
 * assert.equal(index.lineAt(10), 2)
 *
 * writeFileSync('log.lines', index.bytes)
 * const same = LineIndex.from(mapBuffer('log.lines'), { mapping })
 * assert.equal(same.text(2), 'three')
 * mapping.closeSync()
 * ```
 */
export class LineIndex {
  static {
    createIndex = (bytes, offset, state) => new LineIndex(CONSTRUCT, bytes, offset, state)
  }

  /** The number of lines. What follows the last line feed is a line if there is something. */
  readonly count: number
  /** How many bytes were indexed. */
  readonly length: number
  /** Where in the mapping they begin, in bytes. */
  readonly offset: number
  /** The index itself, to be written to a file. Numbers are in the byte order of the machine. */
  readonly bytes: Uint8Array
  readonly #state: MappingState | undefined
  readonly #view: DataView

  /**
   * Takes an index from its bytes, such as `mapBuffer` gives. They are not copied, and read only when a line is asked for.
   *
   * @throws `ERR_INVALID_ARG_VALUE` when they are no index, are cut off, or come from a machine of the other byte order;
   *   `ERR_OUT_OF_RANGE` when the mapping has fewer bytes than were indexed. Where they are damaged further on, the methods
   *   throw `ERR_INVALID_ARG_VALUE`
   */
  static from(bytes: Uint8Array, source?: LineIndexSource): LineIndex {
    // Validate arguments
    if (!isUint8Array(bytes)) throw invalidArgType('bytes', ['Buffer', 'Uint8Array'], bytes)
    const { mapping, offset: givenOffset } = parseOptions(source, 'source', ['mapping', 'offset'])
    const state = mapping === undefined ? undefined : parseMapping(mapping)
    const offset = givenOffset === undefined ? 0 : parseBytes(givenOffset, 'source.offset')

    // Validate interpreted options
    const index = createIndex(bytes, offset, state)
    if (state !== undefined && index.length > state.length - offset) {
      throw outOfRange('the end of the index', `<= ${state.length}, the length of the mapping`, offset + index.length)
    }
    return index
  }

  private constructor(token: typeof CONSTRUCT, bytes: Uint8Array, offset: number, state: MappingState | undefined) {
    checkConstruct(token)
    this.bytes = bytes
    this.offset = offset
    this.#state = state
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (this.#view.byteLength < HEAD * WORD) throw damaged('it is too short')
    const magic = this.#view.getBigUint64(0, isLittleEndian)
    if (magic !== MAGIC) {
      const isForeign = this.#view.getBigUint64(0, !isLittleEndian) === MAGIC
      throw damaged(isForeign ? 'it comes from a machine of the other byte order' : 'it does not begin as one')
    }
    this.count = this.#word(1)
    this.length = this.#word(2)
    const blocks = Math.ceil(this.count / BLOCK)
    // A line has a byte at least, and an entry two.
    const least = (HEAD + blocks * 2) * WORD + this.count * 2
    if (this.count > this.length || least > this.#view.byteLength) throw damaged('it was cut off')
    if (this.count === 0 && this.length > 0) throw damaged('it has bytes that lie in no line')
    if (!Number.isSafeInteger(offset + this.length)) throw damaged('its lines lie beyond all numbers')
  }

  /**
   * Says where a line is, its end included, whatever the number of lines.
   *
   * @param number - counted from 0
   * @throws `ERR_OUT_OF_RANGE` when there is no such line; `ERR_INVALID_ARG_VALUE` when the index is damaged there
   */
  line(number: number): Line {
    const from = this.#start(this.#parseNumber(number))
    const to = number + 1 < this.count ? this.#start(number + 1) : this.length
    if (to <= from) throw damaged(`line ${number} does not end behind its start`)
    return { offset: this.offset + from, length: to - from }
  }

  /**
   * Gives the text of a line, without its end. It is read from the mapping.
   *
   * @param number - counted from 0
   * @param encoding - one that Buffers know; default: 'utf8'
   * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_VALUE`, as `line()`; `ERR_INVALID_STATE` when the index was made of bytes
   *   without a mapping; `ERR_MEMMAP_CLOSED`; `ERR_MEMMAP_FAULT`; `ERR_STRING_TOO_LONG` and `ERR_MEMMAP_VIEW_TOO_LARGE` for lines
   *   that no string can hold; `ERR_UNKNOWN_ENCODING`
   */
  text(number: number, encoding: BufferEncoding = 'utf8'): string {
    const state = this.#state
    if (state === undefined)
      throw withCode(new Error('This index has no mapping to read a text from'), 'ERR_INVALID_STATE')
    state.check()
    const { offset, length } = this.line(number)
    checkCount(length, 'bytes')
    const bytes = readCopy(state, offset, length)
    return bytes.toString(encoding, 0, lengthWithoutEnd(bytes))
  }

  /**
   * Finds the number of the line in which a byte lies; its end belongs to it.
   *
   * @param offset - bytes, counted from the start of the mapping
   * @throws `ERR_OUT_OF_RANGE` when it does not lie in the indexed range; `ERR_INVALID_ARG_VALUE` when the index is damaged
   */
  lineAt(offset: Bytes): number {
    const asked = parseBytes(offset, 'offset')
    if (this.length === 0) throw outOfRange('offset', 'within the indexed range, which is empty', asked)
    const place = parseBytes(asked, 'offset', this.offset, this.offset + this.length - 1) - this.offset
    let [low, high] = [0, this.count]
    // The last line that begins at or before it.
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (this.#start(middle) <= place) low = middle
      else high = middle
    }
    if (this.#start(low) > place) throw damaged(`line ${low} begins behind a byte of it`)
    return low
  }

  #parseNumber(number: unknown): number {
    if (typeof number !== 'number') throw invalidArgType('number', ['number'], number)
    if (!Number.isInteger(number)) throw outOfRange('number', 'an integer', number)
    if (number < 0 || number >= this.count)
      throw outOfRange('number', `>= 0 && < ${this.count}, the number of lines`, number)
    return number
  }

  #start(number: number): number {
    const index = HEAD + Math.floor(number / BLOCK) * 2
    const [first, table] = [this.#word(index), this.#word(index + 1)]
    const width = 1 << (table % 4)
    const at = Math.floor(table / 4) + (number % BLOCK) * width
    if (at > this.#view.byteLength - width) throw damaged(`the place of line ${number} lies outside of it`)
    const start = first + this.#entry(at, width)
    if (start >= this.length) throw damaged(`line ${number} begins behind the indexed bytes`)
    return start
  }

  #entry(at: number, width: number): number {
    if (width === 2) return this.#view.getUint16(at, isLittleEndian)
    if (width === 4) return this.#view.getUint32(at, isLittleEndian)
    if (width === 8) return this.#wordAt(at)
    throw damaged('its entries have no known width')
  }

  #word(index: number): number {
    return this.#wordAt(index * WORD)
  }

  #wordAt(at: number): number {
    const word = Number(this.#view.getBigUint64(at, isLittleEndian))
    if (!Number.isSafeInteger(word)) throw damaged('it has a number that is too large')
    return word
  }
}

export async function lineIndex(state: MappingState, options: SearchOptions | undefined): Promise<LineIndex> {
  const task = parseTask(state, options)
  const { offset, length, threads } = task
  const bytes = await runTask(task, (native, token) => native.lineIndex(offset, length, threads, token))
  return createIndex(bytes, offset, state)
}

function parseMapping(mapping: unknown): MappingState {
  const state = stateOf(mapping, 'source.mapping')
  state.check()
  return state
}

function lengthWithoutEnd(bytes: Uint8Array): number {
  const { length } = bytes
  if (bytes[length - 1] !== 0x0a) return length
  return bytes[length - 2] === 0x0d ? length - 2 : length - 1
}

function damaged(reason: string): TypeError {
  return withCode(new TypeError(`The bytes are not an index of lines: ${reason}`), 'ERR_INVALID_ARG_VALUE')
}
