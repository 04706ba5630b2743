// Fetches the Nodes that the specs run on, one for each supported major version, from the npm packages `node-<platform>-<arch>`.

import { execFileSync, execSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { root } from './run.mjs'

/** Exact versions, so that a failure comes from this project and not from a new release. */
const versions = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' }

export const majors = Object.keys(versions)

/** The oldest and the newest, for platforms where a run is slow. */
export const extremes = [majors.at(0), majors.at(-1)]

/** Returns the path of `node` for another platform, such as `linux-arm64` or `win-x64`; fetches it if it is missing. */
export function findForeignNode(major, platform) {
  const version = versions[major]
  if (!version) throw new Error(`No version is set for Node ${major}; the major versions are ${majors.join(', ')}`)
  const home = path.join(root, '.nodes', `${version}-${platform}`)
  const name = platform.startsWith('win-') ? 'node.exe' : 'node'
  const binary = path.join(home, 'node_modules', 'node', 'bin', name)
  // --force, because npm refuses packages for another platform.
  if (!existsSync(binary)) fetchNode(home, `node-${platform}@${version}`, '--force')
  return binary
}

/**
 * Returns the folder of `node` of a major version, and its exact version; fetches it if it is missing. For the major version of
 * the running Node it returns the running Node.
 */
export function findNode(major) {
  if (process.versions.node.split('.')[0] === major) {
    return { directory: path.dirname(process.execPath), version: process.versions.node }
  }
  const version = versions[major]
  if (!version) throw new Error(`No version is set for Node ${major}; the major versions are ${majors.join(', ')}`)
  const home = path.join(root, '.nodes', version)
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const directory = path.join(home, 'node_modules', 'node', 'bin')
  const binary = path.join(directory, process.platform === 'win32' ? 'node.exe' : 'node')
  if (!existsSync(binary)) {
    fetchNode(home, `node-${platform}-${process.arch}@${version}`)
  }
  return { directory, version: execFileSync(binary, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim() }
}

function fetchNode(home, alias, ...options) {
  console.log(`fetching ${alias}`)
  mkdirSync(home, { recursive: true })
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts', ...options]
  execSync(`npm ${args.join(' ')} --prefix "${home}" "node@npm:${alias}"`, { stdio: ['ignore', 'ignore', 'inherit'] })
}
