// Checks that npm packs exactly the compiled modules, the native loader and its types, the readme and the licence.

import { execSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { root } from './run.mjs'

const modules = ['index', ...readdirSync(path.join(root, 'lib'), { recursive: true }).filter(isModule).map(toModule)]
const expected = [
  'LICENSE',
  'README.md',
  'package.json',
  'native/binding.cjs',
  'native/binding.d.cts',
  ...modules.flatMap((name) => [`dist/${name}.js`, `dist/${name}.d.ts`]),
]

const [packed] = JSON.parse(
  execSync('npm pack --dry-run --json --ignore-scripts --loglevel=error', { cwd: root, encoding: 'utf8' }),
)
const files = packed.files.map((file) => file.path)

const missing = expected.filter((file) => !files.includes(file))
const surplus = files.filter((file) => !expected.includes(file))
for (const file of missing) console.error(`not packed: ${file}`)
for (const file of surplus) console.error(`packed, but not expected: ${file}`)
console.log(`${files.length} files, ${(packed.unpackedSize / 1024).toFixed(0)} KiB unpacked`)
process.exitCode = missing.length + surplus.length === 0 ? 0 : 1

function isModule(file) {
  return file.endsWith('.ts')
}

function toModule(file) {
  return `lib/${file.replaceAll(path.sep, '/').replace(/\.ts$/, '')}`
}
