// Checks that no file names something of a single machine: an absolute path of a home or working folder, or the host of a package
// registry, which each machine configures.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { listFiles } from './files.mjs'
import { root } from './run.mjs'

const forbidden = [
  { pattern: /(?<![\w.)\]}])(?:\/(?:work|root|home|Users)\/|[A-Z]:\\Users\\)/, what: 'a path of a single machine' },
  {
    pattern: /\b(?:registry|static|index|files|deb)\.(?:npmjs|yarnpkg|crates|pythonhosted|debian)\./,
    what: 'a registry host',
  },
]

let found = 0
for (const file of listFiles()) {
  const text = readFileSync(path.join(root, file), 'utf8')
  for (const [index, line] of text.split('\n').entries()) {
    for (const { pattern, what } of forbidden) {
      if (!pattern.test(line)) continue
      console.error(`${file}:${index + 1}: ${what}: ${line.trim().slice(0, 120)}`)
      found++
    }
  }
}
process.exitCode = found === 0 ? 0 : 1
