// Writes docs/api.md from the types and doc comments of index.ts.
//
//     node site/write-api.mjs           writes it
//     node site/write-api.mjs --check   fails if it is not what this would write
//
// typedoc is installed here, not in the root: it needs TypeScript 6, and the library is compiled by a newer one.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'

const site = import.meta.dirname
const target = path.join(site, '..', 'docs', 'api.md')

installIfStale()
const written = generate()
if (!process.argv.includes('--check')) {
  writeFileSync(target, written)
} else if (readFileSync(target, 'utf8') !== written) {
  console.error('docs/api.md does not match the doc comments: run `npm run api` and commit the result')
  process.exitCode = 1
}

function installIfStale() {
  const modified = (file) => statSync(path.join(site, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (modified('node_modules/.package-lock.json') >= modified('package-lock.json')) return
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: site,
    stdio: 'inherit',
    shell: true,
  })
}

function generate() {
  const out = mkdtempSync(path.join(os.tmpdir(), 'memmap-api-'))
  try {
    const typedoc = path.join(site, 'node_modules', 'typedoc', 'bin', 'typedoc')
    execFileSync(process.execPath, [typedoc, '--logLevel', 'Warn', '--out', out], { cwd: site, stdio: 'inherit' })
    return readFileSync(path.join(out, 'README.md'), 'utf8')
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}
