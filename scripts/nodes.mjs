// The Nodes that the specs run on, one a supported line, brought by npm's `node-<platform>-<arch>` packages.

import { execFileSync, execSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { root } from './run.mjs'

/** Exact, so that a red run is this project's doing and not a release's of the night before. */
const versions = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' }

export const majors = Object.keys(versions)

/** Those that the release is tried on where trying is slow: the oldest and the newest. */
export const extremes = [majors.at(0), majors.at(-1)]

/** The `node` of another platform, such as `linux-arm64` or `win-x64`, of this major version; fetched where it is missing. */
export function findForeignNode(major, platform) {
  const version = versions[major]
  if (!version) throw new Error(`No Node ${major} here; there is ${majors.join(', ')}.`)
  const home = path.join(root, '.nodes', `${version}-${platform}`)
  const name = platform.startsWith('win-') ? 'node.exe' : 'node'
  const binary = path.join(home, 'node_modules', 'node', 'bin', name)
  // Forced: npm knows that it is for another machine.
  if (!existsSync(binary)) fetchNode(home, `node-${platform}@${version}`, '--force')
  return binary
}

/**
 * The folder that holds `node` of this major version, and its exact version; it is fetched where it is missing.
 * The running Node stands for its own line.
 */
export function findNode(major) {
  if (process.versions.node.split('.')[0] === major) {
    return { directory: path.dirname(process.execPath), version: process.versions.node }
  }
  const version = versions[major]
  if (!version) throw new Error(`No Node ${major} here; there is ${majors.join(', ')}.`)
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
