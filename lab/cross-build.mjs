// Builds the native half for other platforms, from Linux.
//
//     node lab/cross-build.mjs TARGET…      such as aarch64-unknown-linux-musl, or linux-arm64-musl
//     node lab/cross-build.mjs --linkable   every target that can be linked here
//
// Writes artifacts/memmap.PLATFORM.node, and checks each as scripts/check-artifact.mjs does.

import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { findFlaws } from '../scripts/check-artifact.mjs'
import { needDebian } from './debian.mjs'
import { root } from '../scripts/run.mjs'
import { binaryName, findTarget, rehearsalTargets, targets } from '../scripts/targets.mjs'
import { findRust, findZig } from './toolchain.mjs'

const artifacts = path.join(root, 'artifacts')
const targetFolder = path.join(root, 'target', 'cross')

/** A C compiler for a target, in this environment. */
export const compiler = path.join(root, 'lab', 'zig-cc.mjs')

export function zigEnvironment(target) {
  return { MEMMAP_ZIG: findZig(), MEMMAP_ZIG_TARGET: target.zig }
}

/** The environment in which cargo builds, tests or checks for a target, and which cargo. */
export function crossEnvironment(target) {
  if (target.zig === undefined) {
    throw new Error(
      `${target.triple} can't be linked here: Visual C++'s libraries may not be passed on. Release builds of it are made on Windows; ` +
        'for a try under wine build x86_64-pc-windows-gnu.',
    )
  }
  needDllTool(target.triple)
  const { cargo, env } = findRust(target.triple)
  const { MEMMAP_SYSROOT: sysroot, ...rust } = env
  const name = target.triple.toUpperCase().replaceAll('-', '_')
  const flags = sysroot === undefined ? [] : ['--sysroot', sysroot]
  // Node and the C library are there once in a process: a musl binary must not bring its own.
  if (target.libc === 'musl') flags.push('-C', 'target-feature=-crt-static')
  return {
    cargo,
    env: {
      ...process.env,
      ...rust,
      CARGO_TARGET_DIR: targetFolder,
      [`CARGO_TARGET_${name}_LINKER`]: compiler,
      [`CARGO_TARGET_${name}_RUSTFLAGS`]: flags.join(' '),
      ...zigEnvironment(target),
      ...(target.format === 'pe' ? { LIBNODE_PATH: emptyLibnode() } : {}),
      // Without it rustc asks Xcode where the SDK is. zig has its own.
      ...(target.format === 'mach-o' ? { SDKROOT: root, MACOSX_DEPLOYMENT_TARGET: '11.0' } : {}),
    },
  }
}

// With GNU's tools Rust's compiler has one of them make the libraries by which Windows' own are linked.
function needDllTool(triple) {
  if (triple !== 'x86_64-pc-windows-gnu') return
  const { error } = spawnSync('x86_64-w64-mingw32-dlltool', ['--version'], { stdio: 'ignore' })
  if (error !== undefined) needDebian(['binutils-mingw-w64-x86-64'], `Building for ${triple}`)
}

/**
 * A folder with an empty `libnode`. With GNU's tools napi-rs links every add-on to it, although it looks all functions
 * up in the running program (`dyn-symbols`), and there is none to link to in `node.exe`.
 */
function emptyLibnode() {
  const folder = path.join(targetFolder, 'libnode')
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'libnode.dll'), '')
  writeFileSync(path.join(folder, 'libnode.a'), '!<arch>\n')
  return folder
}

/** Builds for one target, with a profile of Cargo.toml. Returns the path of the binary. */
export function crossBuild(target, profile = 'release') {
  const { cargo, env } = crossEnvironment(target)
  const args = ['build', '--profile', profile, '--lib', '--target', target.triple]
  // strip(1) of this machine does not read the files of other platforms.
  if (target.format !== 'elf') args.push('--config', `profile.${profile}.strip="none"`)
  execFileSync(cargo, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] })
  const built = { elf: 'libmemmap.so', 'mach-o': 'libmemmap.dylib', pe: 'memmap.dll' }[target.format]
  mkdirSync(artifacts, { recursive: true })
  const binary = path.join(artifacts, binaryName(target))
  // A new file: one that is mapped by a running process is left as it is.
  rmSync(binary, { force: true })
  copyFileSync(path.join(targetFolder, target.triple, profile, built), binary)
  return binary
}

function main() {
  const { values, positionals } = parseArgs({
    options: { linkable: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const linkable = [...targets, ...rehearsalTargets].filter(({ zig }) => zig !== undefined)
  const chosen = values.linkable ? linkable : positionals.map(findTarget)
  if (chosen.length === 0)
    throw new Error('Which target? One of these, or --linkable: ' + targets.map(({ triple }) => triple).join(', '))
  let failed = 0
  for (const target of chosen) {
    const start = performance.now()
    console.log(`\n${target.triple}`)
    const flaws = attempt(target)
    for (const flaw of flaws) console.log(`  ${flaw}`)
    failed += flaws.length === 0 ? 0 : 1
    console.log(
      `${flaws.length === 0 ? 'ok' : 'FAILED'} ${target.triple} in ${((performance.now() - start) / 1000).toFixed(1)} s`,
    )
  }
  process.exitCode = failed === 0 ? 0 : 1
}

function attempt(target) {
  try {
    return findFlaws(crossBuild(target), target)
  } catch (error) {
    return [error.message]
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    main()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
