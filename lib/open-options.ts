/**
 * The sources and the options of `mmap` and related functions. Reads each once, checks it, and converts it to the form that the
 * native half takes.
 */
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { isUint8Array } from 'node:util/types'
import { type Advice, ADVICE } from './residency/advice.js'
import { constants as sizes } from './base/constants.js'
import { systemError } from './base/errors.js'
import type { Mode } from './state/mapping-state.js'
import {
  type Bytes,
  invalidArgType,
  invalidArgValue,
  parseBoolean,
  parseBytes,
  parseOptionalBytes,
  parseOptionalString,
  parseOptions,
  parseWord,
  type Range,
} from './base/validate.js'

/**
 * A file to map: a path, a file URL, a path in bytes (UTF-8), a FileHandle or another object with a descriptor `fd`, or a
 * descriptor. Other URLs are refused as by `fs`, with `ERR_INVALID_URL_SCHEME` and similar codes.
 */
export type MappingSource = string | URL | Uint8Array | { readonly fd: number } | number

/** A path, a file URL, or a path in bytes (UTF-8). */
export type FilePath = string | URL | Uint8Array

/** Options of every mapping of a file. `offset` and `length` choose the range of the file that is mapped. */
export interface FileOptions extends Range {
  /** Tells the system how the pages will be used, as `advise()` does. @default no advice */
  readonly advice?: Advice | undefined
  /** Reads all pages into memory before the call returns or its promise is fulfilled. @default false */
  readonly populate?: boolean | undefined
  /** Asks the system for transparent huge pages. @default false */
  readonly hugePages?: boolean | undefined
  /**
   * The reaction to a page that cannot be delivered, because the file shrank or the disk is full or broken:
   * - `zero`: replaces the page by zeros, warns, and makes each later call on the mapping throw `ERR_MEMMAP_FAULT`;
   * - `abort`: prints the path and the offset, and aborts the process.
   * @default 'zero'
   */
  readonly onFault?: 'zero' | 'abort' | undefined
  /** A name for the mapping in messages, in warnings and in `mappings()`. @default none */
  readonly label?: string | undefined
}

/** Options of `mmap` and `mmapSync`. */
export interface MappingOptions extends FileOptions {
  /** How the file is opened, and what happens to stores; the type `Mode` describes each mode. @default 'r' */
  readonly mode?: Mode | undefined
  /**
   * Makes the file at least this many bytes long, with disk blocks allocated for all of them. Only with `r+`, `w+` and `wx+`.
   * @default the current size; 0 with `w+` and `wx+`
   */
  readonly size?: Bytes | undefined
  /**
   * Sets address space aside for this many bytes from `offset` on, so that `resize()` and `refresh()` can make the mapping that
   * long at the same address. The address space uses no memory and no disk. Private pages then have no swap reserved, as with
   * `noReserve`.
   * @default 0: only the mapped bytes
   */
  readonly reserve?: Bytes | undefined
  /** Reserves no swap for private pages (`MAP_NORESERVE`). @default true in mode `r`, false in mode `c` */
  readonly noReserve?: boolean | undefined
  /**
   * Makes views over a SharedArrayBuffer, which workers can share without a copy. `close()` cannot empty such views: they read
   * zeros afterwards. @default false
   */
  readonly shared?: boolean | undefined
  /** Reports a store through a view of a read-only mapping as a fault. Only with `r`. @default false */
  readonly strict?: boolean | undefined
}

/** Options of `mmapAnonymous`. */
export interface AnonymousOptions {
  /**
   * Sets address space aside for this many bytes, so that `resize()` can make the memory that long in place. No swap is reserved
   * then, as with `noReserve`. @default 0: only the mapped bytes
   */
  readonly reserve?: Bytes | undefined
  /** Reads all pages into memory before the call returns or its promise is fulfilled. @default false */
  readonly populate?: boolean | undefined
  /** Reserves no swap (`MAP_NORESERVE`). @default false */
  readonly noReserve?: boolean | undefined
  /**
   * `true` asks the system for transparent huge pages. A number uses explicit huge pages of this many bytes, a power of two; the
   * administrator must have reserved such pages, otherwise the call fails with `ENOMEM`. @default false
   */
  readonly hugePages?: boolean | Bytes | undefined
  /** As of `mmap`. @default false */
  readonly shared?: boolean | undefined
  /** As of `mmap`. @default 'zero' */
  readonly onFault?: 'zero' | 'abort' | undefined
  /** A name for the mapping in messages, in warnings and in `mappings()`. @default none */
  readonly label?: string | undefined
}

const MODES: readonly Mode[] = ['r', 'r+', 'w+', 'wx+', 'c']
const SIZED_MODES = new Set<Mode>(['r+', 'w+', 'wx+'])
const FILE_OPTIONS = ['offset', 'length', 'advice', 'populate', 'hugePages', 'onFault', 'label']
const MAPPING_OPTIONS = ['mode', ...FILE_OPTIONS, 'size', 'reserve', 'noReserve', 'shared', 'strict']
const ANONYMOUS_OPTIONS = ['reserve', 'populate', 'noReserve', 'hugePages', 'shared', 'onFault', 'label']

/** Parses a source. A path is kept as the caller gave it. */
export function parseSource(source: unknown): { path: string } | { fd: number } {
  const path = readPath(source, 'source')
  if (path !== undefined) return { path }
  if (typeof source === 'number') return { fd: parseBytes(source, 'source', 0, 2 ** 31 - 1) }
  const fd: unknown = typeof source === 'object' && source !== null ? Reflect.get(source, 'fd') : undefined
  if (typeof fd === 'number') return { fd: parseHandle(fd) }
  throw invalidArgType('source', ['string', 'number', 'Buffer', 'URL', 'FileHandle'], source)
}

/** Parses a path, which is kept as the caller gave it. */
export function parseFilePath(path: unknown, name: string): string {
  const read = readPath(path, name)
  if (read !== undefined) return read
  throw invalidArgType(name, ['string', 'Buffer', 'URL'], path)
}

/** Parses the options of `mmap`. */
export function parseMappingOptions(options: MappingOptions | undefined) {
  // Validate arguments
  const given = parseOptions(options, 'options', MAPPING_OPTIONS)
  const { mode: givenMode = 'r', size: givenSize, reserve, noReserve, shared, strict } = given

  // Interpret options
  const mode = parseWord(givenMode, 'options.mode', MODES)
  const size = parseOptionalBytes(givenSize, 'options.size')
  const interpreted = {
    ...parseCommon(given),
    mode,
    size,
    reserve: parseOptionalBytes(reserve, 'options.reserve') ?? 0,
    noReserve: parseBoolean(noReserve, 'options.noReserve'),
    shared: parseBoolean(shared, 'options.shared') ?? false,
    strict: parseBoolean(strict, 'options.strict') ?? false,
  }

  // Validate interpreted options
  if (size !== undefined && !SIZED_MODES.has(mode)) {
    throw invalidArgValue(
      'options.size',
      size,
      `cannot be used with mode '${mode}', which never changes the size of a file`,
    )
  }
  if (interpreted.strict && mode !== 'r') {
    throw invalidArgValue('options.strict', strict, `cannot be used with mode '${mode}', only with mode 'r'`)
  }
  return interpreted
}

/** Parses the options of `mapBuffer` and `mapArray`. */
export function parseFileOptions(options: FileOptions | undefined) {
  return parseCommon(parseOptions(options, 'options', FILE_OPTIONS))
}

/** Parses the options of `mmapAnonymous`. */
export function parseAnonymousOptions(options: AnonymousOptions | undefined) {
  // Validate arguments
  const given = parseOptions(options, 'options', ANONYMOUS_OPTIONS)
  const { reserve, populate, noReserve, hugePages, shared, onFault = 'zero', label } = given

  // Interpret options
  const asked = typeof hugePages === 'number' || typeof hugePages === 'bigint'
  const hugePageSize = asked ? parseBytes(hugePages, 'options.hugePages') : undefined
  const interpreted = {
    reserve: parseOptionalBytes(reserve, 'options.reserve') ?? 0,
    populate: parseBoolean(populate, 'options.populate') ?? false,
    noReserve: parseBoolean(noReserve, 'options.noReserve') ?? false,
    hugePages: asked ? false : (parseBoolean(hugePages, 'options.hugePages') ?? false),
    hugePageSize,
    shared: parseBoolean(shared, 'options.shared') ?? false,
    abortOnFault: parseWord(onFault, 'options.onFault', ['zero', 'abort']) === 'abort',
    label: parseOptionalString(label, 'options.label'),
  }

  // Validate interpreted options
  if (hugePageSize !== undefined && (!isPowerOfTwo(hugePageSize) || hugePageSize < sizes.PAGE_SIZE)) {
    const size = 'a power of two in bytes, at least the size of a page'
    throw invalidArgValue('options.hugePages', hugePages, `must be true, false, or ${size}`)
  }
  return interpreted
}

function parseCommon(given: Partial<FileOptions>) {
  const { offset, length, advice, populate, hugePages, onFault = 'zero', label } = given
  return {
    offset: parseOptionalBytes(offset, 'options.offset') ?? 0,
    length: parseOptionalBytes(length, 'options.length'),
    advice: advice === undefined ? undefined : parseWord(advice, 'options.advice', ADVICE),
    populate: parseBoolean(populate, 'options.populate') ?? false,
    hugePages: parseBoolean(hugePages, 'options.hugePages') ?? false,
    abortOnFault: parseWord(onFault, 'options.onFault', ['zero', 'abort']) === 'abort',
    label: parseOptionalString(label, 'options.label'),
  }
}

function readPath(given: unknown, name: string): string | undefined {
  const path = decodePath(given, name)
  if (path === undefined || !path.includes('\0')) return path
  throw invalidArgValue(name, given, 'must be a string, Uint8Array, or URL without null bytes')
}

// Returns undefined if the value is not a path. Paths are kept as strings, so bytes that are not UTF-8 are refused: a string
// could not name that file.
function decodePath(given: unknown, name: string): string | undefined {
  if (typeof given === 'string') return given
  if (isUrl(given)) return fileURLToPath(given)
  if (!isUint8Array(given)) return undefined
  const path = Buffer.from(given).toString()
  if (Buffer.from(path).equals(given)) return path
  throw invalidArgValue(name, given, 'must be a path in UTF-8')
}

function isUrl(value: unknown): value is URL {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof URL || ('href' in value && 'protocol' in value)
}

// A closed FileHandle has the descriptor -1.
function parseHandle(fd: number): number {
  if (fd !== -1) return parseBytes(fd, 'source.fd', 0, 2 ** 31 - 1)
  throw systemError({ errno: constants.errno.EBADF, syscall: 'mmap', hint: 'the FileHandle is closed' })
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && 2 ** Math.round(Math.log2(value)) === value
}
