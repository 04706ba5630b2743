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

const NAME = '@riaskov/mmap-io'
const VERSION = '1.4.3'

// A build is for one version of Node, hence a folder for each.
const home = path.join(import.meta.dirname, '.peers', `node-${process.versions.node}`)

/** The peer, or why it isn't there. */
export function loadMmapIo(): MmapIo | string {
  const failed = path.join(home, 'failed')
  try {
    if (existsSync(failed)) throw new Error('it was tried')
    if (!existsSync(path.join(home, 'node_modules', NAME))) install()
    return createRequire(path.join(home, 'index.js'))(NAME) as MmapIo
  } catch {
    writeFileSync(failed, '')
    return `does not build on Node ${process.versions.node}`
  }
}

function install(): void {
  console.log(`fetching and building ${NAME} ${VERSION} ...`)
  mkdirSync(home, { recursive: true })
  writeFileSync(path.join(home, '..', '.gitignore'), '*\n')
  const command = `npm install --prefix "${home}" --no-save --no-audit --no-fund --loglevel=error ${NAME}@${VERSION}`
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
