/**
 * What ends other programs: a file that shrinks while it is mapped. Here it is zeros, a warning, and an error with the next
 * call.
 *
 *     npx tsx examples/truncated.ts
 */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { constants, mmapSync } from '../index.js'

const folder = mkdtempSync(path.join(os.tmpdir(), 'memmap-truncated-'))
const file = path.join(folder, 'data.bin')
writeFileSync(file, Buffer.alloc(2 * constants.PAGE_SIZE, 'x'))

const mapping = mmapSync(file)
const view = mapping.buffer()
truncateSync(file, constants.PAGE_SIZE)

console.log(`first byte: ${view[0]}, last byte: ${view.at(-1)}`)
try {
  mapping.assertHealthy()
} catch (error) {
  console.log(String(error))
}

mapping.closeSync()
rmSync(folder, { recursive: true })
