// Checks the loader and the types in native/: they are generated and committed, so that a review shows each change of the binding.
// Builds the release binary, and compares the generated files with those in git (staged or committed).

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
  console.error(`The build failed, or it changed ${generated.join(' or ')}: add these files to the commit`)
  process.exitCode = 1
}
