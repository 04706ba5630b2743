// Runs each example of the docs, alone, in a folder of its own, with the compiled package (`npm run build:ts` comes first).
//
// An example is a fenced block of `ts` that imports 'memmap'. Those in doc comments are run by `__test__/docs.spec.ts`, and
// docs/api.md repeats them.

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { findExamples } from './doc-examples.mjs'
import { listFiles } from './files.mjs'
import { root } from './run.mjs'

const tsx = pathToFileURL(path.join(root, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href

// Files that the examples read.
const given = { 'access.log': 'INFO start\nERROR no disk\n', 'model.bin': 'weights' }

const sources = listFiles().filter((file) =>
  /^(?:index\.ts|lib\/.*\.ts|README\.md|docs\/(?!api\.md).*\.md)$/.test(file),
)
const examples = sources.flatMap((file) =>
  findExamples(file, withoutTested(readFileSync(path.join(root, file), 'utf8'))),
)

const scratch = mkdtempSync(path.join(os.tmpdir(), 'memmap-docs-'))
let failed = 0
try {
  mkdirSync(path.join(scratch, 'node_modules'))
  symlinkSync(root, path.join(scratch, 'node_modules', 'memmap'), 'junction')
  const waiting = [...examples.entries()]
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await runExample(...next)
  }
  await Promise.all([worker(), worker()])
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
console.log(`${examples.length} examples, ${failed} failed`)
process.exitCode = failed === 0 && examples.length > 0 ? 0 : 1

async function runExample(index, { file, line, code }) {
  const folder = path.join(scratch, String(index))
  mkdirSync(folder)
  for (const [name, text] of Object.entries(given)) writeFileSync(path.join(folder, name), text)
  writeFileSync(path.join(folder, 'example.mts'), code)
  const child = spawn(process.execPath, ['--import', tsx, 'example.mts'], { cwd: folder, timeout: 60_000 })
  let output = ''
  child.stdout.on('data', (text) => (output += text))
  child.stderr.on('data', (text) => (output += text))
  const [status, signal] = await new Promise((resolve) => child.on('close', (...ending) => resolve(ending)))
  if (status === 0) return
  failed++
  console.log(`${file}:${line}: the example ended with ${signal ?? `exit code ${status}`}\n${output}`)
}

/** The text without the examples that `docs.spec.ts` runs; line numbers stay. */
function withoutTested(text) {
  return text.replaceAll(/@example\n\s*\* ```ts\n[\s\S]*?\n\s*\* ```/g, (block) => block.replaceAll(/[^\n]/g, ''))
}
