/** Other packages, brought by npm into `benchmark/.peers` where they can be built. */
import { execSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

/** What is used of @riaskov/mmap-io. */
export interface MmapIo {
  readonly PROT_READ: number
  readonly MAP_SHARED: number
  map(size: number, protection: number, privacy: number, fd: number, offset?: number): Buffer
}

// A build is for one version of Node, hence a folder for each.
const home = path.join(import.meta.dirname, '.peers', `node-${process.versions.node}`)

/** The peer that maps files, or why it isn't there. */
export function loadMmapIo(): MmapIo | string {
  return loadPeer<MmapIo>('@riaskov/mmap-io', '1.4.3')
}

/** A package in that version, or why it isn't there. */
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
  // With a file of its own in which npm notes what is there, or the second package would remove the first.
  const command = `npm install --prefix "${home}" --no-audit --no-fund --loglevel=error ${peer}`
  execSync(command, { stdio: 'ignore', timeout: 300_000, env: buildEnvironment() })
}

// For this Node, whichever is first on PATH, and with the headers that it brought.
function buildEnvironment(): NodeJS.ProcessEnv {
  const bin = path.dirname(process.execPath)
  const prefix = path.dirname(bin)
  const hasHeaders = existsSync(path.join(prefix, 'include', 'node', 'node.h'))
  const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env['PATH'] ?? ''}` }
  return hasHeaders ? { ...env, npm_config_nodedir: prefix } : env
}
