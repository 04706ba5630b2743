// Reads an ELF, Mach-O or PE file by the program in lab/inspect, which is built the first time it is needed.

import { execFileSync, spawnSync } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'
import { root } from './run.mjs'

/**
 * @typedef {object} Binary
 * @property {'elf' | 'mach-o' | 'pe'} format
 * @property {string} arch 'x64' or 'arm64', else the name that the `object` crate has for it
 * @property {boolean} isLibrary
 * @property {string[]} needs the libraries that the loader has to find
 * @property {string[]} exports
 * @property {string[]} undefined the symbols that other libraries or the process have to define (not for PE)
 * @property {string[]} versions of the symbols that it needs (ELF)
 * @property {string[]} flaws properties that make a library unfit for release
 */

let inspector

/**
 * Reads what a binary is, what it exports and what it needs.
 *
 * @param {string} file
 * @returns {Binary}
 */
export function readBinary(file) {
  inspector ??= buildInspector()
  const { status, stdout, stderr } = spawnSync(inspector, [file], { encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (status !== 0) throw new Error(stderr.trim())
  const facts = stdout.split('\n').map((line) => line.split('\t'))
  const all = (key) => facts.filter(([each]) => each === key).map(([, value]) => value)
  const [[format], [arch]] = [all('format'), all('arch')]
  return {
    format,
    arch,
    isLibrary: all('library').length > 0,
    needs: all('needs'),
    exports: all('export'),
    undefined: all('undefined'),
    versions: all('version'),
    flaws: findFormatFlaws(format, arch, all),
  }
}

function findFormatFlaws(format, arch, all) {
  const flaws = []
  const paths = all('runpath')
  if (paths.length > 0) flaws.push(`looks for libraries in ${paths.join(', ')}`)
  if (all('text-relocations').length > 0) flaws.push('its code is changed at load time')
  if (all('executable-stack').length > 0) flaws.push('asks for an executable stack')
  if (all('rpath').length > 0) flaws.push('has a path to look for libraries in')
  if (format === 'mach-o' && arch === 'arm64' && all('signature').length === 0) {
    flaws.push('is not signed, not even ad hoc: an Apple Silicon Mac kills the process that loads it')
  }
  return flaws
}

function buildInspector() {
  const folder = path.join(root, 'target', 'inspect')
  // For this machine, whatever the caller builds for: no target, flags or linker from the environment.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:CARGO_|RUST|SDKROOT)/.test(name)))
  if (process.env.CARGO_HOME !== undefined) env.CARGO_HOME = process.env.CARGO_HOME
  if (process.env.RUSTUP_HOME !== undefined) env.RUSTUP_HOME = process.env.RUSTUP_HOME
  const manifest = path.join(root, 'lab', 'inspect', 'Cargo.toml')
  const args = ['build', '--quiet', '--locked', '--manifest-path', manifest, '--target-dir', folder]
  execFileSync('cargo', args, { env, stdio: ['ignore', 'inherit', 'inherit'] })
  return path.join(folder, 'debug', process.platform === 'win32' ? 'inspect.exe' : 'inspect')
}
