// Opens mappings and ends them 100,000 times in each way, and prints what remains.
//
//     node lab/leak.mjs [--rounds 1000] [--only drop]

import { execFileSync, spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { root } from '../scripts/run.mjs'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100000' }, only: { type: 'string' } } })
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const fixture = path.join(root, '__test__', 'fixtures', 'torture', 'leak.ts')
const command = ['--expose-gc', '--no-warnings', '--import', loader, fixture]
const MIB = 2 ** 20

const scratch = mkdtempSync(path.join(os.tmpdir(), 'memmap-leak-'))
const rows = {}
let failed = 0
try {
  const names = execFileSync(process.execPath, command, { cwd: scratch, encoding: 'utf8' }).trim().split('\n')
  for (const name of names) {
    // 'keep' leaks on purpose.
    if (name === 'keep' || (values.only !== undefined && name !== values.only)) continue
    rows[name] = measure(name)
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
console.table(rows)
console.log(`\n${Object.keys(rows).length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 && Object.keys(rows).length > 0 ? 0 : 1

/** Compares what the process held after a tenth of the rounds with what it held at the end. */
function measure(name) {
  const options = { cwd: scratch, encoding: 'utf8', timeout: 30 * 60_000 }
  const { status, stdout, stderr } = spawnSync(process.execPath, [...command, name, values.rounds], options)
  const [line] = stdout.split('\n')
  if (status !== 0) {
    failed++
    console.log(`${name}: ${stderr}`)
  }
  if (!line.startsWith('[')) return { result: line || 'failed' }
  const points = JSON.parse(line)
  const [first, last] = [points[0], points.at(-1)]
  const both = (key, unit = 1) => `${Math.round(first[key] / unit)} → ${Math.round(last[key] / unit)}`
  return {
    'RSS, MiB': both('rss', MIB),
    'heap, MiB': both('heap', MIB),
    'lines of maps': both('lines'),
    descriptors: both('descriptors'),
    mappings: both('mappings'),
    result: status === 0 ? 'ok' : 'grows',
  }
}
