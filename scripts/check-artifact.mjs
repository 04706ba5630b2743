// Checks that each binary is for the platform in its name, and needs nothing that the machine of a user may lack. No tool serves: the
// limits are those of this package (scripts/targets.mjs).
//
//     node scripts/check-artifact.mjs FILE…     each named memmap.PLATFORM.node
//
// With `--all` a missing binary of a platform of the release is a failure too.

import { statSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { readBinary } from './inspect-binary.mjs'
import { binaryName, findTarget, GLIBC_FLOOR, targets } from './targets.mjs'

/** A stripped binary has about 2 MB. Twice that is a debug build or an unnoticed dependency. */
const MAX_BYTES = 5 * 2 ** 20
const MIN_BYTES = 200 * 2 ** 10

const REGISTRATION = 'napi_register_module_v1'

/**
 * Returns the flaws of a binary for a target; none if it may be published.
 *
 * @param {string} file its path
 * @param {import('./targets.mjs').Target} target
 */
export function findFlaws(file, target) {
  let binary
  try {
    binary = readBinary(file)
  } catch (error) {
    return [`can't be read: ${error.message}`]
  }
  const flaws = [...binary.flaws]
  if (binary.format !== target.format) flaws.push(`is ${binary.format}, not ${target.format}`)
  if (binary.arch !== target.arch) flaws.push(`is for ${binary.arch}, not ${target.arch}`)
  if (!binary.isLibrary) flaws.push('is no shared library')
  if (!binary.exports.includes(REGISTRATION)) flaws.push(`does not export ${REGISTRATION}`)
  for (const name of binary.needs) if (!target.needs.test(name)) flaws.push(`needs ${name}`)
  // A runtime that lacks one of them would refuse the library: it looks each up when it is loaded.
  const fromNode = binary.undefined.filter((name) => /^(?:napi|node_api|uv)_/.test(name))
  if (fromNode.length > 0) flaws.push(`wants ${fromNode.join(', ')} of the process that loads it`)
  if (target.libc !== undefined) flaws.push(...libcFlaws(binary, target))
  const { size } = statSync(file)
  if (size > MAX_BYTES || size < MIN_BYTES) flaws.push(`has ${size} bytes`)
  return flaws
}

/** Returns the newest version of glibc that a binary needs a symbol of, such as '2.17'. */
export function glibcOf(binary) {
  const versions = binary.versions.flatMap((name) => /^GLIBC_(\d+(?:\.\d+)+)$/.exec(name)?.[1] ?? [])
  return versions.toSorted(compareVersions).at(-1)
}

function libcFlaws(binary, { libc }) {
  const newest = glibcOf(binary)
  if (libc === 'musl') return newest === undefined ? [] : [`wants glibc ${newest} on musl`]
  if (newest === undefined) return ['wants nothing of glibc']
  return compareVersions(newest, GLIBC_FLOOR) > 0 ? [`wants glibc ${newest}, newer than ${GLIBC_FLOOR}`] : []
}

function compareVersions(one, other) {
  const [a, b] = [one, other].map((version) => version.split('.').map(Number))
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function main() {
  const { values, positionals } = parseArgs({
    options: { all: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  let failed = positionals.length === 0
  for (const each of positionals) {
    const platform = /^memmap\.([\w-]+)\.node$/.exec(path.basename(each))?.[1] ?? path.basename(each)
    const flaws = findFlaws(each, findTarget(platform))
    console.log(`${flaws.length === 0 ? 'ok    ' : 'FAILED'} ${platform}${flaws.length === 0 ? describe(each) : ''}`)
    for (const flaw of flaws) console.log(`       ${flaw}`)
    failed ||= flaws.length > 0
  }
  if (values.all) {
    const names = positionals.map((each) => path.basename(each))
    for (const target of targets.filter((each) => !names.includes(binaryName(each)))) {
      console.log(`FAILED ${target.platform}\n       is missing`)
      failed = true
    }
  }
  process.exitCode = failed ? 1 : 0
}

function describe(file) {
  const binary = readBinary(file)
  const glibc = glibcOf(binary)
  const size = `${(statSync(file).size / 2 ** 20).toFixed(2)} MiB`
  return `: ${size}, needs ${binary.needs.join(', ')}${glibc === undefined ? '' : ` (glibc ${glibc})`}`
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) main()
