// The native binary: its two builds, whether each is older than its sources, and how it is built.
//
// `release` is what is published: fat LTO, one codegen unit, about 40 s after each change. `npm start`, `npm run bench`, the
// checks of the package and the rehearsal use it. `dev` is built in seconds (profile `dev-native` in Cargo.toml): `npm test`
// and single specs use it. Each has a folder of its own, so that neither is taken for the other.

import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The folder of each build, and the options of `napi build` for it. */
const builds = {
  release: { folder: path.join(root, 'native'), options: ['--release'] },
  dev: { folder: path.join(root, 'native', 'dev'), options: ['--profile', 'dev-native'] },
}

/** Every file or folder that the binary is built from. */
const sources = ['src', 'Cargo.toml', 'Cargo.lock', 'build.rs', 'package.json']

// The loader and the types are the same for both builds: committed, in `native/`.
const generated = ['binding.cjs', 'binding.d.cts']

/** Reports whether a build does not exist or is older than a source. */
export function isStale(build) {
  return newest(sources.map((name) => path.join(root, name))) > newest(binaries(build))
}

/** Builds, and dates the binary from the start of the build: a source saved meanwhile is newer than the binary. */
export function buildNative(build) {
  const { folder, options } = builds[build]
  const start = new Date()
  const napi = path.join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js')
  const names = ['--js', generated[0], '--dts', generated[1]]
  const args = [napi, 'build', '--platform', ...options, '--output-dir', folder, ...names]
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error(`\`napi build ${options.join(' ')}\` failed; its message is above.`)
  for (const binary of binaries(build)) utimesSync(binary, start, start)
  if (folder !== builds.release.folder) for (const name of generated) copyIfChanged(name, folder)
}

/** Returns the path of the binary of a build, or undefined where none exists. */
export function findBinary(build) {
  return binaries(build)[0]
}

/** Returns the path of a binary that is not older than its sources, the release if both are; throws where neither is. */
export function freshBinary() {
  // In CI a binary that was built elsewhere is put into `native/` before the sources are checked out, or after.
  if (process.env.MEMMAP_TEST_BINARY === 'given') return findBinary('release')
  const build = ['release', 'dev'].find((name) => !isStale(name))
  if (build === undefined)
    throw new Error('The native binary is older than its sources: run `node scripts/setup.mjs --dev` first')
  return findBinary(build)
}

function binaries(build) {
  const { folder } = builds[build]
  const names = existsSync(folder) ? readdirSync(folder) : []
  return names.filter((name) => name.endsWith('.node')).map((name) => path.join(folder, name))
}

// A file that stays the same keeps its time, so that nothing that depends on it is built again.
function copyIfChanged(name, folder) {
  const [from, to] = [path.join(folder, name), path.join(builds.release.folder, name)]
  if (!existsSync(to) || readFileSync(from, 'utf8') !== readFileSync(to, 'utf8')) copyFileSync(from, to)
}

/** Returns when the newest of these files and folders, including all below them, was changed; 0 where none exists. */
export function newest(paths) {
  let latest = 0
  for (const each of paths) {
    const stat = statSync(each, { throwIfNoEntry: false })
    if (!stat) continue
    // The time of a folder tells of files that were removed.
    latest = Math.max(latest, stat.mtimeMs)
    if (stat.isDirectory()) latest = Math.max(latest, newest(readdirSync(each).map((name) => path.join(each, name))))
  }
  return latest
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  buildNative(process.argv[2] ?? 'release')
}
