// Builds the native binary for other platforms, on Linux.
//
// No tool serves: `napi build -x` refuses windows-gnu, and takes no standard library built from source.
//
//     node lab/cross-build.mjs TARGET…      for example aarch64-unknown-linux-musl, or linux-arm64-musl
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

/** The C compiler for a target, which the environment below selects. */
export const compiler = path.join(root, 'lab', 'zig-cc.mjs')

export function zigEnvironment(target) {
  return { MEMMAP_ZIG: findZig(), MEMMAP_ZIG_TARGET: target.zig }
}

/** Returns the cargo for a target, and the environment in which it builds, tests or checks. */
export function crossEnvironment(target) {
  if (target.zig === undefined) {
    throw new Error(
      `${target.triple} can't be linked here: Microsoft does not allow its Visual C++ libraries to be redistributed. Release builds for this target are made on Windows; ` +
        'for a try under wine build x86_64-pc-windows-gnu.',
    )
  }
  needDllTool(target.triple)
  const { cargo, env } = findRust(target.triple)
  const { MEMMAP_SYSROOT: sysroot, ...rust } = env
  const name = target.triple.toUpperCase().replaceAll('-', '_')
  const flags = sysroot === undefined ? [] : ['--sysroot', sysroot]
  // The binary must use the C library of the process, so musl is not linked in.
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
      // Without SDKROOT rustc asks Xcode for the SDK. zig has its own.
      ...(target.format === 'mach-o' ? { SDKROOT: root, MACOSX_DEPLOYMENT_TARGET: '11.0' } : {}),
    },
  }
}

// For this target rustc runs `dlltool` of GNU, which makes the import libraries of Windows.
function needDllTool(triple) {
  if (triple !== 'x86_64-pc-windows-gnu') return
  const { error } = spawnSync('x86_64-w64-mingw32-dlltool', ['--version'], { stdio: 'ignore' })
  if (error !== undefined) needDebian(['binutils-mingw-w64-x86-64'], `Building for ${triple}`)
}

/**
 * Makes a folder with an empty `libnode`. For windows-gnu napi-rs links every add-on to `libnode`, although it looks up all functions in
 * the running program (`dyn-symbols`) and `node.exe` has no such library.
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
  const folder = path.join(targetFolder, target.triple, profile)
  // `artifacts/` has only binaries that may be published.
  const home = profile === 'release' ? artifacts : folder
  mkdirSync(home, { recursive: true })
  const binary = path.join(home, binaryName(target))
  // Removed first: a running process may have the old file mapped.
  rmSync(binary, { force: true })
  copyFileSync(path.join(folder, built), binary)
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
