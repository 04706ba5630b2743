// Checks the lock files: `npm ci` accepts each, and none names the host that a package came from.

import { execSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { root } from './run.mjs'

for (const folder of ['.', 'site']) {
  const cwd = path.join(root, folder)
  if (!existsSync(path.join(cwd, 'package-lock.json'))) continue
  const { packages } = JSON.parse(readFileSync(path.join(cwd, 'package-lock.json'), 'utf8'))
  const named = Object.keys(packages).filter((name) => packages[name].resolved !== undefined)
  if (named.length > 0) {
    fail(`${folder}/package-lock.json names where packages came from (${named.slice(0, 3).join(', ')} …): see .npmrc`)
  }
  try {
    execSync('npm ci --dry-run --ignore-scripts --no-audit --no-fund --loglevel=error', {
      cwd,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  } catch {
    fail(`npm ci refuses ${folder}/package-lock.json: \`npm install --package-lock-only\` completes it`)
  }
}

function fail(message) {
  console.error(message)
  process.exitCode = 1
}
