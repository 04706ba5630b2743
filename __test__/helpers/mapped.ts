import process from 'node:process'
import type { ExecutionContext } from 'ava'
import { type Mapping, type MappingOptions, mmapAnonymous, mmapSync } from '../../index.js'
import { tempFile } from './temp.js'

/** Writes a file as `tempFile` does, and maps it until the test ends. */
export function mapFile(
  t: ExecutionContext<unknown>,
  contents: string | Uint8Array | number,
  options?: MappingOptions,
): { file: string; mapping: Mapping } {
  const file = tempFile(t, contents)
  const mapping = mmapSync(file, options)
  // A failed test may leave streams whose errors would hide the failure.
  t.teardown(() => (t.passed ? mapping.close() : undefined))
  return { file, mapping }
}

/** Returns memory that contains this text, until the test ends. */
export function holding(t: ExecutionContext, text: string | Uint8Array): Mapping {
  const bytes = Buffer.from(text as string)
  const memory = mmapAnonymous(bytes.length)
  memory.write(bytes)
  t.teardown(() => memory.close())
  return memory
}

/** Array.fromAsync, which Node 20 does not have. */
export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of iterable) all.push(item)
  return all
}

/** Returns memory that takes long to search: all of it shows one page of zeros. */
export function endless(t: ExecutionContext): Mapping {
  // Windows commits all memory, so it is smaller there.
  const memory = process.platform === 'win32' ? mmapAnonymous(2 ** 33) : mmapAnonymous(2 ** 40, { noReserve: true })
  t.teardown(() => memory.close())
  return memory
}
