// Fetches Bun and Deno from npm.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { root } from '../../scripts/run.mjs'

/** Exact versions, so that a failure comes from this project and not from a new release. */
const versions = { bun: '1.4.5', deno: '2.9.6' }
const scopes = { bun: '@oven', deno: '@deno' }

/** The folder that holds them, and the compiled specs. */
export const home = path.join(root, '.runtimes')

/** Returns the path of the binary, which is in a package for this platform; no install script runs. */
export function findRuntime(name) {
  const version = versions[name]
  const prefix = path.join(home, `${name}-${version}`)
  const packages = path.join(prefix, 'node_modules', scopes[name])
  if (!existsSync(packages)) {
    console.log(`fetching ${name} ${version}`)
    mkdirSync(prefix, { recursive: true })
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
    const args = ['install', '--prefix', prefix, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
    execFileSync(npm, [...args, '--loglevel=error', `${name}@${version}`], { stdio: ['ignore', 'ignore', 'inherit'] })
  }
  const candidates = readdirSync(packages).flatMap((one) =>
    ['bin/bun', 'bin/bun.exe', 'deno', 'deno.exe'].map((file) => path.join(packages, one, file)),
  )
  const found = candidates.find((file) => existsSync(file) && runs(file))
  if (found === undefined) throw new Error(`No binary of ${name} runs here.`)
  return found
}

function runs(binary) {
  try {
    execFileSync(binary, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
