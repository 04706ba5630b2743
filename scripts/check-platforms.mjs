// Checks npm/, which has a package for each platform: `napi create-npm-dirs` makes them from package.json. Makes them in a temporary
// folder and compares. `--write` makes them in npm/.

import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { root } from './run.mjs'

const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } })
const committed = path.join(root, 'npm')
const scratch = mkdtempSync(path.join(os.tmpdir(), 'memmap-npm-'))
try {
  copyFileSync(path.join(root, 'package.json'), path.join(scratch, 'package.json'))
  const cli = path.join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js')
  execFileSync(process.execPath, [cli, 'create-npm-dirs', '--cwd', scratch], { stdio: ['ignore', 'ignore', 'inherit'] })
  const made = path.join(scratch, 'npm')

  if (values.write) {
    rmSync(committed, { recursive: true, force: true })
    cpSync(made, committed, { recursive: true })
  } else if (!isDeepStrictEqual(contents(made), contents(committed))) {
    console.error('npm/ does not agree with package.json: run `node scripts/check-platforms.mjs --write`')
    process.exitCode = 1
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

/** Returns the text of every file below a folder, without the files that only a release has. */
function contents(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => !/(?:\.node|LICENSE)$/.test(file))
  return Object.fromEntries(paths.toSorted().map((file) => [path.relative(folder, file), readFileSync(file, 'utf8')]))
}
