/** Other packages, which npm installs into `benchmark/.peers` where they can be built. */
import { execSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

/** The functions used from @riaskov/mmap-io. */
export interface MmapIo {
  readonly PROT_READ: number
  readonly MAP_SHARED: number
  map(size: number, protection: number, privacy: number, fd: number, offset?: number): Buffer
}

// A build works with one version of Node, so each version has a folder.
const home = path.join(import.meta.dirname, '.peers', `node-${process.versions.node}`)

/** Returns the peer that maps files, or why it is not available. */
export function loadMmapIo(): MmapIo | string {
  return loadPeer<MmapIo>('@riaskov/mmap-io', '1.4.3')
}

/** Returns a package in this version, or why it is not available. */
export function loadPeer<T>(name: string, version: string): T | string {
  const failed = path.join(home, `failed-${name.replace('/', '-')}`)
  try {
    if (existsSync(failed)) throw new Error('it was tried')
    if (!existsSync(path.join(home, 'node_modules', name))) install(`${name}@${version}`)
    return createRequire(path.join(home, 'index.js'))(name) as T
  } catch {
    writeFileSync(failed, '')
    return `${name} can't be had on Node ${process.versions.node}`
  }
}

function install(peer: string): void {
  console.log(`fetching and building ${peer} ...`)
  mkdirSync(home, { recursive: true })
  writeFileSync(path.join(home, '..', '.gitignore'), '*\n')
  // Each package has its own package.json; otherwise the second installation would remove the first package.
  const command = `npm install --prefix "${home}" --no-audit --no-fund --loglevel=error ${peer}`
  execSync(command, { stdio: 'ignore', timeout: 300_000, env: buildEnvironment() })
}

// Builds for the running Node, even if another is first on PATH, and with its headers.
function buildEnvironment(): NodeJS.ProcessEnv {
  const bin = path.dirname(process.execPath)
  const prefix = path.dirname(bin)
  const hasHeaders = existsSync(path.join(prefix, 'include', 'node', 'node.h'))
  const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env['PATH'] ?? ''}` }
  return hasHeaders ? { ...env, npm_config_nodedir: prefix } : env
}
