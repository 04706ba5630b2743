/**
 * Shrinks a file while it is mapped, which kills other programs. Here the lost bytes read as zeros, a warning is printed, and the next
 * call throws an error.
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
