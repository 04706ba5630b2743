/**
 * Counts a word in a file without reading the file into memory: windows over the mapping, each searched with `Buffer.indexOf`.
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
// The overlap is one byte less than the word. A word that crosses the border of two windows is complete in the second one, and no
// word is complete in both.
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
