// The loader and the types in native/ are generated and committed, so that a change of the binding shows in a review.
// Builds, and compares with what git has (staged or committed).

import { execFileSync, execSync } from 'node:child_process'
import process from 'node:process'
import { root } from './run.mjs'

const generated = ['native/binding.cjs', 'native/binding.d.cts']

const options = { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }
try {
  execSync('npm run --silent build:native', options)
  execFileSync('git', ['ls-files', '--error-unmatch', ...generated], {
    ...options,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  execFileSync('git', ['diff', '--exit-code', '--', ...generated], options)
} catch {
  console.error(`The build failed, or changed ${generated.join(' or ')}: \`git add\` what it wrote.`)
  process.exitCode = 1
}
