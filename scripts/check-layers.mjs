// Holds every source file to the rules of scripts/layers.mjs, and refuses rings of uses among the files and folders of src/.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { listFiles } from './files.mjs'
import { checkRustLayers, checkSafetyComments, checkSeam, checkTypeScriptLayers } from './layers.mjs'
import { root } from './run.mjs'
import { findRings, rustUses } from './rust-uses.mjs'

const files = listFiles()
const rust = files.filter((file) => /^src\/.*\.rs$/.test(file))
const typescript = files.filter((file) => /^(?:index\.ts|lib\/.*\.ts)$/.test(file))

const read = (file) => readFileSync(path.join(root, file), 'utf8')
const rustSources = Object.fromEntries(rust.map((file) => [file, read(file)]))
const breaches = [
  ...rust.flatMap((file) => checkRustLayers(file, read(file))),
  ...rust.flatMap((file) => checkSafetyComments(file, read(file))),
  ...typescript.flatMap((file) => checkTypeScriptLayers(file, read(file))),
  ...checkSeam(rustSources),
  ...findRings(rustUses(rustSources)),
]

for (const breach of breaches) console.error(breach)
console.log(`${rust.length} Rust and ${typescript.length} TypeScript files, ${breaches.length} breaches`)
process.exitCode = breaches.length === 0 && rust.length > 0 && typescript.length > 0 ? 0 : 1
