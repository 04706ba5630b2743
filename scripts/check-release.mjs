// Checks that the parts of a release agree: the version in package.json, Cargo.toml, the lock files, the platform packages, the
// generated loader, CHANGELOG.md and the tag; the list of targets; and a binary for each target.
//
// No tool serves: each of these places is compared with another.
//
//     node scripts/check-release.mjs                                the checks of every commit
//     node scripts/check-release.mjs --tag v1.2.3 --artifacts DIR   the further checks of a release

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { findFlaws } from './check-artifact.mjs'
import { root } from './run.mjs'
import { binaryName, targets } from './targets.mjs'

/**
 * Returns a message for each disagreement.
 *
 * @param {Record<string, string>} texts the files of the project by their paths
 * @param {string} [tag] of a release, such as v1.2.3
 */
export function findDisagreements(texts, tag) {
  const manifest = JSON.parse(texts['package.json'])
  const { version } = manifest
  const found = []
  for (const [file, stated] of versions(texts)) {
    if (stated !== version) found.push(`${file} says ${stated ?? 'no version'}, package.json says ${version}`)
  }
  const triples = targets.map(({ triple }) => triple)
  if (!isDeepStrictEqual(manifest.napi.targets, triples)) {
    found.push('napi.targets of package.json are not those of scripts/targets.mjs, in their order')
  }
  if (manifest.optionalDependencies !== undefined) {
    found.push(
      'package.json has optionalDependencies: they are written when a release is published, and never committed',
    )
  }
  if (tag !== undefined) found.push(...findReleaseFaults(texts, manifest, tag))
  return found
}

function findReleaseFaults(texts, { version, repository }, tag) {
  const found = []
  if (tag !== `v${version}`) found.push(`the tag is ${tag}, package.json says ${version}`)
  const heading = /^## \[(?!Unreleased)([^\]]*)\] - (\d{4}-\d{2}-\d{2})$/m.exec(texts['CHANGELOG.md'])
  if (heading?.[1] !== version) {
    found.push(`the newest release in CHANGELOG.md is ${heading?.[1] ?? 'none'}, package.json says ${version}`)
  }
  const unreleased = /^## \[Unreleased\]\n([^]*?)(?=^## |(?![^]))/m.exec(texts['CHANGELOG.md'])?.[1] ?? ''
  if (/^- /m.test(unreleased)) found.push('CHANGELOG.md still has lines under Unreleased')
  // npm compares it with the repository of the publishing job, and refuses the provenance if they differ.
  if (repository === undefined) found.push('package.json has no repository, which provenance needs')
  return found
}

/** Returns every place that states the version, with its value. */
function versions(texts) {
  const lock = JSON.parse(texts['package-lock.json'])
  const stated = [
    ['Cargo.toml', /^\[package\][^[]*?^version = "([^"]*)"/m.exec(texts['Cargo.toml'])?.[1]],
    ['Cargo.lock', /^name = "memmap"\nversion = "([^"]*)"/m.exec(texts['Cargo.lock'])?.[1]],
    ['package-lock.json', lock.version],
    ['package-lock.json (packages)', lock.packages['']?.version],
    ...targets.map(({ platform }) => {
      const file = `npm/${platform}/package.json`
      return [file, texts[file] && JSON.parse(texts[file]).version]
    }),
  ]
  // The generated loader compares the version of each package that it can load.
  const loader = new Set(
    [...texts['native/binding.cjs'].matchAll(/bindingPackageVersion !== '([^']*)'/g)].map(([, each]) => each),
  )
  return [...stated, ['native/binding.cjs', [...loader].join(' and ') || undefined]]
}

function read() {
  const files = ['package.json', 'package-lock.json', 'Cargo.toml', 'Cargo.lock', 'CHANGELOG.md', 'native/binding.cjs']
  files.push(...targets.map(({ platform }) => `npm/${platform}/package.json`))
  const there = files.filter((file) => existsSync(path.join(root, file)))
  return Object.fromEntries(there.map((file) => [file, readFileSync(path.join(root, file), 'utf8')]))
}

function findBinaryFaults(folder) {
  const found = targets.flatMap((target) => {
    const file = path.join(folder, binaryName(target))
    if (!existsSync(file)) return [`${binaryName(target)} is missing`]
    return findFlaws(file, target).map((flaw) => `${binaryName(target)} ${flaw}`)
  })
  const surplus = readdirSync(folder).filter((name) => !targets.some((target) => binaryName(target) === name))
  return [...found, ...surplus.map((name) => `${name} belongs to no target`)]
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({ options: { tag: { type: 'string' }, artifacts: { type: 'string' } } })
  const found = findDisagreements(read(), values.tag)
  if (values.artifacts !== undefined) found.push(...findBinaryFaults(values.artifacts))
  for (const each of found) console.error(each)
  if (found.length === 0)
    console.log(values.tag === undefined ? 'all versions and targets agree' : `${values.tag} may be released`)
  process.exitCode = found.length === 0 ? 0 : 1
}
