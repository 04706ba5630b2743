import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'

const BIG = 100e6

/**
 * Returns a file of at least 100 MB that exists on this machine: the running executable, or the largest library of the Rust compiler
 * that built this package. If both are smaller, it returns the executable.
 */
export function findBigFile(): string {
  if (sizeOf(process.execPath) >= BIG) return process.execPath
  const [largest] = compilerLibraries().toSorted((a, b) => sizeOf(b) - sizeOf(a))
  return largest !== undefined && sizeOf(largest) >= BIG ? largest : process.execPath
}

function sizeOf(file: string): number {
  return statSync(file).size
}

function compilerLibraries(): string[] {
  try {
    const sysroot = execFileSync('rustc', ['--print', 'sysroot'], { encoding: 'utf8' }).trim()
    // On Windows the libraries are in the folder of the programs.
    const folder = path.join(sysroot, process.platform === 'win32' ? 'bin' : 'lib')
    return readdirSync(folder)
      .filter((name) => /\.(?:so|dylib|dll)$/.test(name))
      .map((name) => path.join(folder, name))
  } catch {
    return []
  }
}
