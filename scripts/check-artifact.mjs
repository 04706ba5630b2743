// Proves of each binary that it is what its name says, and asks of a user's machine no more than it may.
//
//     node scripts/check-artifact.mjs FILE…     each named memmap.PLATFORM.node
//
// With `--all` a binary of every platform of the release has to be among them.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { readBinary } from './binary-format.mjs'
import { binaryName, findTarget, GLIBC_FLOOR, targets } from './targets.mjs'

/** A stripped binary is about 2 MB. Twice as much is a debug build, or a dependency that nobody noticed. */
const MAX_BYTES = 5 * 2 ** 20
const MIN_BYTES = 200 * 2 ** 10

const REGISTRATION = 'napi_register_module_v1'

/**
 * What is wrong with a binary for this target; nothing, if it is right.
 *
 * @param {Buffer} file
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
  // A runtime that lacks one of them would refuse the library; it finds them itself, one by one, when it is loaded.
  const fromNode = binary.undefined.filter((name) => /^(?:napi|node_api|uv)_/.test(name))
  if (fromNode.length > 0) flaws.push(`wants ${fromNode.join(', ')} of the process that loads it`)
  if (target.libc !== undefined) flaws.push(...libcFlaws(binary, target))
  if (file.length > MAX_BYTES || file.length < MIN_BYTES) flaws.push(`has ${file.length} bytes`)
  return flaws
}

/** The newest version of glibc's symbols that it wants, such as '2.17'. */
export function glibcOf(binary) {
  const versions = Object.values(binary.versions)
    .flat()
    .flatMap((name) => /^GLIBC_(\d+(?:\.\d+)+)$/.exec(name)?.[1] ?? [])
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
    const file = readFileSync(each)
    const flaws = findFlaws(file, findTarget(platform))
    console.log(`${flaws.length === 0 ? 'ok    ' : 'FAILED'} ${platform}${flaws.length === 0 ? describe(file) : ''}`)
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
  const size = `${(file.length / 2 ** 20).toFixed(2)} MiB`
  return `: ${size}, needs ${binary.needs.join(', ')}${glibc === undefined ? '' : ` (glibc ${glibc})`}`
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) main()
