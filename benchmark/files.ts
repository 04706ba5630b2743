/** The files of the benchmarks, in a folder that is removed when the process ends. */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const MIB = 2 ** 20

const folder = mkdtempSync(path.join(process.env['MEMMAP_BENCH_DIR'] ?? os.tmpdir(), 'memmap-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

/** Returns a path in that folder. */
export function folderFile(name: string): string {
  return path.join(folder, name)
}

export function makeFolder(name: string): void {
  mkdirSync(name)
}

/** Makes a sparse file of this number of bytes, which uses no blocks of the disk. */
export function sparseFile(name: string, size: number): string {
  const file = folderFile(name)
  writeFileSync(file, '')
  truncateSync(file, size)
  return file
}

/** Makes a file of this number of MiB with data that is on the disk. */
export function dataFile(name: string, mebibytes: number): string {
  const file = folderFile(name)
  const block = Buffer.from(Uint8Array.from({ length: MIB }, (_, index) => (index * 7 + (index >> 8)) & 127))
  const fd = openSync(file, 'w')
  for (let written = 0; written < mebibytes; written++) writeSync(fd, block)
  closeSync(fd)
  spawnSync('sync', [file])
  return file
}

/** Loads a file into the page cache by reading it. */
export function warm(file: string): void {
  const block = Buffer.alloc(MIB)
  const fd = openSync(file, 'r')
  while (readSync(fd, block) > 0);
  closeSync(fd)
}

/** Asks the system to drop a file from the page cache; it drops pages that no process maps. Returns false where this is not possible. */
export function cool(file: string): boolean {
  const dd = ['if=/dev/null', `of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none']
  return spawnSync('dd', dd).status === 0
}
