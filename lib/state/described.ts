import type { Mode } from './mapping-state.js'

/** The identity of a mapping: its file, mode, offset and length. */
export interface Described {
  /** The path of the file, as the caller gave it; undefined for descriptors and anonymous memory. */
  readonly path: string | undefined

  /** The mode that the mapping was opened with: `r`, `r+`, `w+`, `wx+` or `c`. Anonymous memory has `r+`. */
  readonly mode: Mode

  /** The offset of the first byte of the mapping in the file, in bytes. */
  readonly offset: number

  /** The length in bytes. Only `resize()` and `refresh()` change it; after closing it keeps its value. */
  readonly length: number

  /** The label that the caller gave; otherwise undefined. */
  readonly label: string | undefined
}
