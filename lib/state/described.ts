import type { Mode } from './mapping-state.js'

/** What a mapping is of. */
export interface Described {
  /** The file as it was given, as a string; undefined for descriptors and anonymous memory. */
  readonly path: string | undefined

  /** How it may be used: `r`, `r+`, `w+`, `wx+` or `c`. Anonymous memory is `r+`. */
  readonly mode: Mode

  /** Where in the file it begins, in bytes. */
  readonly offset: number

  /** In bytes. Only `resize()` and `refresh()` change it; it stays the same after closing. */
  readonly length: number

  /** The name that it was given. */
  readonly label: string | undefined
}
