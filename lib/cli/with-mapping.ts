/**
 * A file, mapped as long as a command works with it.
 */
import type { Mapping } from '../mapping.js'
import { mmap } from '../open.js'

/** Maps a file for reading, and closes it when the work is done, or has failed. */
export async function withMapping<T>(file: string, work: (mapping: Mapping) => Promise<T>): Promise<T> {
  const mapping = await mmap(file)
  try {
    return await work(mapping)
  } finally {
    await mapping.close()
  }
}
