/**
 * Keeps numbers beyond the end of the process: a typed array over a file, changed in place and made durable.
 *
 *     npx tsx examples/counters.ts [FILE]
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { mmap } from '../index.js'

const folder = mkdtempSync(path.join(os.tmpdir(), 'memmap-counters-'))
const [file = path.join(folder, 'counters.bin')] = process.argv.slice(2)

for (let round = 1; round <= 3; round++) {
  const mapping = await mmap(file, { mode: existsSync(file) ? 'r+' : 'wx+', size: 16 })
  const counters = mapping.array(BigUint64Array, 0, 2)
  for (const index of counters.keys()) counters[index] = (counters[index] ?? 0n) + BigInt(index + 1)
  console.log(`round ${round}: ${counters.join(', ')}`)

  // After a flush the bytes survive a power cut. Without it the system writes them at some later time.
  await mapping.flush()
  await mapping.close()
}

rmSync(folder, { recursive: true })
