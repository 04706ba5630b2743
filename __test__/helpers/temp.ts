import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import type { ExecutionContext } from 'ava'

/** Creates a directory that is removed when the test ends. */
export function tempDir(t: ExecutionContext<unknown>): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'memmap-'))
  t.teardown(() => remove(directory))
  return directory
}

function remove(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true })
  } catch (error) {
    // Windows cannot remove a mapped file, and a test may end without closing its mappings.
    if (process.platform !== 'win32') throw error
  }
}

/** Writes a file into a directory of its own. A number stands for that many bytes, each the low byte of its offset. */
export function tempFile(
  t: ExecutionContext<unknown>,
  contents: string | Uint8Array | number = '',
  name = 'file.bin',
): string {
  const file = path.join(tempDir(t), name)
  writeFileSync(file, typeof contents === 'number' ? counting(contents) : contents)
  return file
}

/** Returns bytes, each of which is the low byte of its offset. */
export function counting(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let index = 0; index < length; index++) bytes[index] = index
  return bytes
}
