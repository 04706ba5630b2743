// Writes the licences of the crates that are linked into a binary, after the licence of this project, into
// npm/<platform>/LICENSE, which npm packs. A release has these files; they are not committed.
//
//     node scripts/licenses.mjs [--out npm]

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { root } from './run.mjs'
import { targets } from './targets.mjs'

const own = readFileSync(path.join(root, 'LICENSE'), 'utf8').trim()
const [, permission] = /^(Permission is hereby granted[^]*)$/m.exec(own)

/**
 * Returns the crates whose code is in the binary: no build dependencies, no test dependencies, no procedural macros.
 *
 * @param {object} metadata the output of `cargo metadata` for one platform
 */
export function findLinked({ packages, resolve }) {
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]))
  const byId = new Map(packages.map((each) => [each.id, each]))
  const isMacro = (id) => byId.get(id).targets.some(({ kind }) => kind.includes('proc-macro'))
  const found = new Set()
  const visit = (id) => {
    if (found.has(id) || isMacro(id)) return
    found.add(id)
    for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) {
      if (kinds.some(({ kind }) => kind === null)) visit(pkg)
    }
  }
  visit(resolve.root)
  found.delete(resolve.root)
  return [...found].map((id) => byId.get(id)).toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/**
 * Returns the licence files of a crate that accompany a binary. If MIT is one of the alternatives, it is chosen.
 *
 * @param {string} license an SPDX expression
 * @param {string[]} files the names of the files of the crate
 */
export function chooseFiles(license, files) {
  const all = files.filter((file) => /^(?:licen[cs]e|copying|unlicense|notice)/i.test(path.basename(file)))
  const mit = all.filter((file) => /^licen[cs]e-mit/i.test(path.basename(file)))
  if (mit.length === 0 || !/\bMIT\b/.test(license) || / AND /.test(license)) return all
  // Data files have licences of their own.
  return [...mit, ...all.filter((file) => /notice|unicode/i.test(path.basename(file)))]
}

function noticeOf({ name, version, license, authors, repository, manifest_path: manifest }) {
  const folder = path.dirname(manifest)
  const files = ['.', 'src'].flatMap((each) => filesBelow(path.join(folder, each), each === 'src'))
  const texts = chooseFiles(license ?? '', files).map((file) => readFileSync(file, 'utf8').trim())
  // Some crates name their licence without including its text.
  if (texts.length === 0) {
    if (!/\bMIT\b/.test(license)) throw new Error(`${name} ${version} (${license}) includes no licence`)
    texts.push(`Copyright (c) ${authors.join(', ') || `the authors of ${repository}`}\n\n${permission}`)
  }
  return section(`${name} ${version} (${license}), ${repository ?? 'https://crates.io'}`, texts.join('\n\n'))
}

function filesBelow(folder, recursive) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
}

function section(heading, text) {
  return `${'-'.repeat(80)}\n${heading}\n\n${text}\n`
}

/** Returns the licence text for the binary of a target. */
export function licensesOf({ triple }) {
  const args = ['metadata', '--format-version', '1', '--locked', '--filter-platform', triple]
  const metadata = execFileSync('cargo', args, { cwd: root, maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] })
  return [
    `${own}\n`,
    'The binary in this package has parts of the following works in it.\n',
    section(
      "Rust's standard library (MIT OR Apache-2.0), https://github.com/rust-lang/rust",
      `Copyright (c) The Rust Project Contributors\n\n${permission}`,
    ),
    ...findLinked(JSON.parse(metadata)).map(noticeOf),
  ].join('\n')
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({ options: { out: { type: 'string', default: path.join(root, 'npm') } } })
  for (const target of targets) {
    const folder = path.join(values.out, target.platform)
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, 'LICENSE'), licensesOf(target))
  }
}
