// Prints how many files, uses and rings src/core and lib/ have, here or in another checkout: node scripts/graph.mjs [FOLDER]

import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { importsOf } from './layers.mjs'
import { root } from './run.mjs'
import { childUses, findRings, rustUses } from './rust-uses.mjs'

const folder = path.resolve(process.argv[2] ?? root)
const list = (under, end) =>
  readdirSync(path.join(folder, under), { recursive: true })
    .map((file) => path.posix.join(under, file.replaceAll('\\', '/')))
    .filter((file) => file.endsWith(end))
const read = (file) => readFileSync(path.join(folder, file), 'utf8')

const typescriptUses = new Map(
  list('lib', '.ts').map((file) => {
    const relative = importsOf(read(file)).filter((target) => target.startsWith('.'))
    const resolved = relative.map((target) => path.posix.join(path.posix.dirname(file), target).replace(/\.js$/, '.ts'))
    return [file, new Set(resolved.filter((target) => target.startsWith('lib/')))]
  }),
)
const rust = rustUses(Object.fromEntries(list('src', '.rs').map((file) => [file, read(file)])))

const countUses = (uses) => [...uses.values()].reduce((sum, targets) => sum + targets.size, 0)
for (const [under, all] of [
  ['lib', typescriptUses],
  ['src/core', rust],
]) {
  const inside = [...all].filter(([file]) => file.startsWith(`${under}/`))
  const uses = new Map(
    inside.map(([file, targets]) => [file, new Set([...targets].filter((target) => target.startsWith(`${under}/`)))]),
  )
  const entries = childUses(uses, under)
  console.log(`${under}: ${uses.size} files with ${countUses(uses)} uses of each other`)
  console.log(`${under}: ${entries.size} entries directly in it with ${countUses(entries)} uses of each other`)
  const rings = findRings(uses)
  console.log(`${under}: ${rings.length} rings`)
  for (const ring of rings) console.log(`  ${ring}`)
}
