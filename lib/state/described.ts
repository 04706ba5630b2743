import type { Mode } from './mapping-state.js'

/** The identity of a mapping: its file, mode, offset and length. */
export interface Described {
  /** The path of the file, as the caller gave it; undefined for descriptors and anonymous memory. */
  readonly path: string | undefined

  /** The mode that it was opened with: `r`, `r+`, `w+`, `wx+` or `c`. Anonymous memory has `r+`. */
  readonly mode: Mode

  /** The offset in the file at which the mapping begins, in bytes. */
  readonly offset: number

  /** The length in bytes. Only `resize()` and `refresh()` change it, and closing leaves it as it was. */
  readonly length: number

  /** The label that the caller gave. */
  readonly label: string | undefined
}
