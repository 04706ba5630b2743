import type { ExecutionContext } from 'ava'
import { type Mapping, type MappingOptions, mmapSync } from '../../index.js'
import { tempFile } from './temp.js'

/** Writes a file, as `tempFile` does, and maps it until the test ends. */
export function mapFile(
  t: ExecutionContext<unknown>,
  contents: string | Uint8Array | number,
  options?: MappingOptions,
): { file: string; mapping: Mapping } {
  const file = tempFile(t, contents)
  const mapping = mmapSync(file, options)
  // What a failed test leaves behind may have streams, whose errors would hide that failure.
  t.teardown(() => (t.passed ? mapping.close() : undefined))
  return { file, mapping }
}
