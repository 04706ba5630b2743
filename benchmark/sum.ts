/** A sum in JavaScript over a mapped file, compared with the same loop over a Buffer with the same bytes. */
import { closeSync, openSync, readFileSync } from 'node:fs'
import { mmapSync } from '../index.js'
import { dataFile } from './files.js'
import { loadMmapIo } from './peers.js'
import { type Case, compare, print } from './run.js'

const MEBIBYTES = 128

export async function sum(): Promise<void> {
  const file = dataFile('sum', MEBIBYTES)
  const plain = readFileSync(file)
  const numbers = new Float64Array(plain.buffer, plain.byteOffset, plain.length / 8)
  const mapping = mmapSync(file, { populate: true })
  const view = mapping.buffer()
  const array = mapping.array(Float64Array)

  const bytes: Case[] = [
    { name: 'an ordinary Buffer', run: () => sumBytes(plain) },
    { name: 'mapping.buffer()', before: () => touch(view), run: () => sumBytes(view) },
    peerCase(file, plain.length),
  ]
  print(`Sum of ${MEBIBYTES} MiB of bytes`, await compare(bytes))

  const doubles: Case[] = [
    { name: 'an ordinary Float64Array', run: () => sumNumbers(numbers) },
    { name: 'mapping.array(Float64Array)', before: () => touch(view), run: () => sumNumbers(array) },
  ]
  print(`Sum of ${MEBIBYTES} MiB of doubles`, await compare(doubles))
  mapping.closeSync()
}

function peerCase(file: string, size: number): Case {
  const peer = loadMmapIo()
  const name = '@riaskov/mmap-io'
  if (typeof peer === 'string') return { name, missing: peer, run: () => undefined }
  const fd = openSync(file, 'r')
  const view = peer.map(size, peer.PROT_READ, peer.MAP_SHARED, fd)
  closeSync(fd)
  return { name, before: () => touch(view), run: () => sumBytes(view) }
}

function sumBytes(bytes: Uint8Array): number {
  let total = 0
  for (let index = 0; index < bytes.length; index++) total += bytes[index]!
  return total
}

function sumNumbers(values: Float64Array): number {
  let total = 0
  for (let index = 0; index < values.length; index++) total += values[index]!
  return total
}

// Touches the pages first, so that the loop does not wait for a page that the system has dropped meanwhile.
function touch(bytes: Uint8Array): number {
  let total = 0
  for (let index = 0; index < bytes.length; index += 4096) total += bytes[index]!
  return total
}
