/** Sends a file that is in memory to a socket, and through a hash. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { connect } from 'node:net'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { mmapSync } from '../index.js'
import { apart, isThere, type Works } from './apart.js'
import { race, type Way } from './race.js'
import type { Settings } from './settings.js'
import { hold, textFile } from './text.js'

// Receives everything on a free port as fast as possible, and answers the end with the number of bytes.
const SINK = `
import socket
server = socket.create_server(('127.0.0.1', 0))
print(server.getsockname()[1], flush=True)
buffer = bytearray(262144)
while True:
    peer, _ = server.accept()
    total = 0
    while count := peer.recv_into(buffer):
        total += count
    peer.sendall(str(total).encode())
    peer.close()
`

export const works: Works = {
  pipeToSocket: (file: string, port: number, highWaterMark: number) => () =>
    send(createReadStream(file, { highWaterMark }), port),
  mappedToSocket: (file: string, port: number) => async () => {
    const mapping = mmapSync(file)
    const total = await send(mapping.createReadStream(), port)
    await mapping.close()
    return total
  },
  pipeToHash: (file: string, highWaterMark: number) => () => digest(createReadStream(file, { highWaterMark })),
  mappedToHash: (file: string) => async () => {
    const mapping = mmapSync(file)
    const result = await digest(mapping.createReadStream())
    await mapping.close()
    return result
  },
  windowsToHash: (file: string) => async () => {
    const mapping = mmapSync(file)
    const hash = createHash('sha256')
    for await (const chunk of mapping.chunks({ size: 2 ** 22 })) hash.update(chunk)
    await mapping.close()
    return fingerprint(hash.digest())
  },
  // The time for the hash alone, of bytes in the cache of the processor.
  hashAlone: (size: number) => {
    const block = Buffer.alloc(2 ** 20)
    return () => {
      const hash = createHash('sha256')
      for (let done = 0; done < size; done += block.length) hash.update(block)
      hash.digest()
    }
  },
}

async function send(source: Readable, port: number): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  source.pipe(socket)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  return Number(answer.toString())
}

async function digest(source: Readable): Promise<number> {
  const hash = createHash('sha256')
  source.pipe(hash)
  await finished(hash, { readable: false })
  return fingerprint(hash.read() as Buffer)
}

function fingerprint(bytes: Buffer): number {
  return bytes.readUIntBE(0, 6)
}

export async function streams({ size, rounds, file: kept }: Settings): Promise<void> {
  const file = textFile(size, kept)
  const held = await hold(file)
  console.log(`${size / 2 ** 20} MiB of text, ${held.note}\n`)
  const options = { rounds, amount: size, unit: 'bytes' } as const
  try {
    if (isThere('python3')) await toSocket(file, options)
    else console.log('A file to a socket: no python3 here, which receives it\n')
    await race('A file to sha256', toHash(file, size), options)
  } finally {
    await held.end()
  }
}

async function toSocket(file: string, options: { rounds: number; amount: number; unit: 'bytes' }): Promise<void> {
  const { sink, port } = await openSink()
  const pipe = 'fs.createReadStream().pipe'
  try {
    await race(
      'A file to a socket',
      [
        apart({ name: pipe }, import.meta.url, 'pipeToSocket', [file, port, 65_536]),
        apart({ name: 'the same, 1 MiB' }, import.meta.url, 'pipeToSocket', [file, port, 2 ** 20]),
        apart({ name: 'createReadStream().pipe', goals: { [pipe]: 3 } }, import.meta.url, 'mappedToSocket', [
          file,
          port,
        ]),
      ],
      options,
    )
  } finally {
    sink.kill()
  }
}

async function openSink(): Promise<{ sink: ChildProcess; port: number }> {
  const sink = spawn('python3', ['-c', SINK], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = (await once(sink.stdout, 'data')) as [Buffer]
  return { sink, port: Number(port.toString()) }
}

function toHash(file: string, size: number): Way[] {
  const pipe = 'fs.createReadStream().pipe'
  return [
    apart({ name: pipe }, import.meta.url, 'pipeToHash', [file, 65_536]),
    apart({ name: 'the same, 1 MiB' }, import.meta.url, 'pipeToHash', [file, 2 ** 20]),
    apart({ name: 'createReadStream().pipe', goals: { [pipe]: 2.5 } }, import.meta.url, 'mappedToHash', [file]),
    apart({ name: 'chunks(), update()', goals: { [pipe]: 2.5 } }, import.meta.url, 'windowsToHash', [file]),
    apart({ name: 'the hash, without a file' }, import.meta.url, 'hashAlone', [size]),
  ]
}
