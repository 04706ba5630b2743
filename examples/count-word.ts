/**
 * Counts a word in a file without reading the file: windows over the mapping, and Buffer's own search in each.
 *
 *     node --import=tsx examples/count-word.ts [FILE WORD]
 */
import { mmapSync } from '../index.js'
import { findBigFile } from './support/big-file.js'

const [file = findBigFile(), word = 'function'] = process.argv.slice(2)
const needle = Buffer.from(word)
if (needle.length === 0) throw new Error('The word to count must not be empty.')

const start = performance.now()
const mapping = mmapSync(file)
let count = 0
// An overlap of one byte less than the word: a word that lies across two windows is whole in the second one, and no word is
// whole in both.
for (const { view } of mapping.windows({ overlap: needle.length - 1 })) {
  for (let at = view.indexOf(needle); at !== -1; at = view.indexOf(needle, at + 1)) count++
}
const size = mapping.length
mapping.closeSync()
const seconds = (performance.now() - start) / 1000

console.log(`file   ${file}`)
console.log(`size   ${(size / 1e6).toFixed(1)} MB (${size} bytes)`)
console.log(`word   ${JSON.stringify(word)}`)
console.log(`count  ${count}`)
console.log(`time   ${(seconds * 1000).toFixed(1)} ms`)
console.log(`rate   ${(size / 1e9 / seconds).toFixed(2)} GB/s`)
