/**
 * Maps a file while a command works with it.
 */
import type { Mapping } from '../mapping.js'
import { mmap } from '../open.js'

/** Maps a file for reading, and closes the mapping when the work has finished or failed. */
export async function withMapping<T>(file: string, work: (mapping: Mapping) => Promise<T>): Promise<T> {
  const mapping = await mmap(file)
  try {
    return await work(mapping)
  } finally {
    await mapping.close()
  }
}
