// Prepares a cross build: zig, which links, and a Rust with the standard library of the target. With rustup that is
// `rustup target add`. Without rustup, Debian's `rustc-web` uses the library that Debian has, or builds it once from Debian's sources.
//
// No tool serves: rustup is not available on every machine.

import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileOf, needDebian, unpackDebian, versionOf } from './debian.mjs'
import { root } from '../scripts/run.mjs'

/** An exact version, as of all tools here. */
const ZIG = '0.15.2'

/** The folder of things that are slow to make or to fetch. It may be removed. */
export const cache = process.env.MEMMAP_CROSS_CACHE ?? path.join(root, '.cross')

/** Returns the path of zig: from the environment variable ZIG, or fetched as the PyPI package `ziglang`. */
export function findZig() {
  if (process.env.ZIG) return process.env.ZIG
  const home = path.join(cache, `zig-${ZIG}`)
  const zig = path.join(home, 'ziglang', process.platform === 'win32' ? 'zig.exe' : 'zig')
  if (existsSync(zig)) return zig
  console.log(`fetching zig ${ZIG}`)
  const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary=:all:', '--target', home]
  try {
    execFileSync('python3', [...args, `ziglang==${ZIG}`], { stdio: ['ignore', 'ignore', 'inherit'] })
  } catch {
    throw new Error(
      `zig links the binaries for other platforms. It is fetched with "pip install ziglang==${ZIG}", which failed; ` +
        'install zig by hand, and put its path into the environment variable ZIG.',
    )
  }
  return zig
}

/**
 * Returns a Rust with the standard library for a target.
 *
 * @returns {{ cargo: string, env: Record<string, string> }}
 */
export function findRust(triple) {
  if (hasTarget(triple)) return { cargo: 'cargo', env: {} }
  const reason = `Building for ${triple} without "rustup target add ${triple}"`
  needDebian(
    ['rustc-web', 'cargo-web', 'libstd-rust-web-dev', 'rust-web-src', 'rust-web-llvm', 'gcc', 'libc6-dev'],
    reason,
  )
  const rustc = fileOf('rustc-web', '/bin/rustc')
  const cargo = fileOf('cargo-web', '/bin/cargo')
  const sysroot = findStandardLibrary(triple, rustc, cargo)
  return { cargo, env: { RUSTC: rustc, RUSTDOC: fileOf('rustc-web', '/bin/rustdoc'), MEMMAP_SYSROOT: sysroot } }
}

function hasTarget(triple) {
  try {
    const folder = execFileSync('rustc', ['--print', 'target-libdir', '--target', triple], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
    return readdirSync(folder).some((name) => name.startsWith('libstd-'))
  } catch {
    return false
  }
}

// The targets whose standard library Debian has.
const debianArchitectures = { 'aarch64-unknown-linux-gnu': 'arm64', 'x86_64-unknown-linux-gnu': 'amd64' }

/** Returns a folder that serves rustc as sysroot for a target. Debian's own is not changed. */
function findStandardLibrary(triple, rustc, cargo) {
  const version = /\d+\.\d+\.\d+/.exec(execFileSync(rustc, ['--version'], { encoding: 'utf8' }))[0]
  const sysroot = path.join(cache, `sysroot-${version}`)
  const library = path.join(sysroot, 'lib', 'rustlib', triple, 'lib')
  if (existsSync(library)) return sysroot
  // Renamed when it is complete, so an existing folder is always complete.
  const unfinished = `${library}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  const architecture = debianArchitectures[triple]
  if (architecture === undefined) buildStandardLibrary(triple, rustc, cargo, unfinished)
  else unpackStandardLibrary(triple, architecture, unfinished)
  renameSync(unfinished, library)
  return sysroot
}

function unpackStandardLibrary(triple, architecture, folder) {
  console.log(`fetching Rust's standard library for ${triple}`)
  const unpacked = path.join(cache, `std-${triple}`)
  mkdirSync(unpacked, { recursive: true })
  // The compiler accepts only a library of exactly its version.
  unpackDebian(`libstd-rust-web-dev:${architecture}=${versionOf('rustc-web')}`, unpacked)
  // Debian splits the libraries from their metadata; the compiler needs both.
  cpSync(path.join(unpacked, 'usr', 'lib', 'rustlib', triple, 'lib'), folder, { recursive: true })
  rmSync(unpacked, { recursive: true })
}

function buildStandardLibrary(triple, rustc, cargo, folder) {
  console.log(`building Rust's standard library for ${triple} (a minute or two, once)`)
  const crate = path.join(cache, `std-${triple}`)
  const own = execFileSync(rustc, ['--print', 'sysroot'], { encoding: 'utf8' }).trim()
  const vendor = path.join(own, 'lib', 'rustlib', 'src', 'rust', 'library', 'vendor')
  mkdirSync(path.join(crate, '.cargo'), { recursive: true })
  mkdirSync(path.join(crate, 'src'), { recursive: true })
  writeFileSync(
    path.join(crate, 'Cargo.toml'),
    '[package]\nname = "stdb"\nversion = "0.0.0"\nedition = "2024"\n\n[workspace]\n',
  )
  writeFileSync(path.join(crate, 'src', 'lib.rs'), '')
  writeFileSync(
    path.join(crate, '.cargo', 'config.toml'),
    `[source.crates-io]\nreplace-with = "debian"\n\n[source.debian]\ndirectory = ${JSON.stringify(vendor)}\n`,
  )
  // -Zbuild-std needs a nightly compiler; RUSTC_BOOTSTRAP allows it with a stable one, as Rust's own build does.
  const args = ['build', '--release', '--offline', '-Zbuild-std=std,panic_unwind,panic_abort,test', '--target', triple]
  execFileSync(cargo, args, {
    cwd: crate,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      RUSTC_BOOTSTRAP: '1',
      RUSTC: rustc,
      RUSTFLAGS: '',
      CARGO_TARGET_DIR: path.join(crate, 'target'),
    },
  })
  const built = path.join(crate, 'target', triple, 'release', 'deps')
  for (const name of readdirSync(built)) {
    if (/^lib(?!stdb).*\.rlib$/.test(name)) copyFileSync(path.join(built, name), path.join(folder, name))
  }
  rmSync(crate, { recursive: true, force: true })
}
