import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'

const BIG = 100e6

/**
 * A file of at least 100 MB that is surely here: the running executable, or else the largest library of the Rust compiler
 * that built this package. Where neither is that big, the executable all the same.
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
    // On Windows the libraries lie beside the programs.
    const folder = path.join(sysroot, process.platform === 'win32' ? 'bin' : 'lib')
    return readdirSync(folder)
      .filter((name) => /\.(?:so|dylib|dll)$/.test(name))
      .map((name) => path.join(folder, name))
  } catch {
    return []
  }
}
