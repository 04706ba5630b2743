// Runs every example without arguments: each has to end with exit code 0 and print something.

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { root } from './run.mjs'

const examples = readdirSync(path.join(root, 'examples')).filter((file) => file.endsWith('.ts'))
let failed = 0
for (const example of examples) {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import=tsx', path.join('examples', example)],
    { cwd: root, encoding: 'utf8', timeout: 120_000 },
  )
  const good = status === 0 && stdout.trim() !== ''
  console.log(`${good ? 'ok' : 'FAILED'} ${example}`)
  if (good) continue
  failed++
  console.log(`exit code ${status}, signal ${signal}\n${stdout}${stderr}`)
}
process.exitCode = failed === 0 && examples.length > 0 ? 0 : 1
