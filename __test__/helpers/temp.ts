import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import type { ExecutionContext } from 'ava'

/** Makes a directory that goes when the test ends. */
export function tempDir(t: ExecutionContext<unknown>): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'memmap-'))
  t.teardown(() => remove(directory))
  return directory
}

function remove(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true })
  } catch (error) {
    // Windows keeps a file that is mapped, and a test may well end without closing what it mapped.
    if (process.platform !== 'win32') throw error
  }
}

/** Writes a file into a directory of its own. A number stands for that many bytes, each the low byte of its position. */
export function tempFile(
  t: ExecutionContext<unknown>,
  contents: string | Uint8Array | number = '',
  name = 'file.bin',
): string {
  const file = path.join(tempDir(t), name)
  writeFileSync(file, typeof contents === 'number' ? counting(contents) : contents)
  return file
}

/** Bytes of which each is the low byte of its position. */
export function counting(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let index = 0; index < length; index++) bytes[index] = index
  return bytes
}
