/**
 * A second process that works on the same files, and the functions that control it. Run as a program, it executes the requests
 * that it receives, one after another.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, truncateSync, openSync, writeSync, closeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { mmapSync } from '../../index.js'

type Request =
  | { readonly kind: 'write' | 'map-write'; readonly file: string; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'truncate'; readonly file: string; readonly size: number }
  | { readonly kind: 'read' | 'map-read'; readonly file: string }

export class Peer {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(): Promise<Peer> {
    const child = fork(fileURLToPath(import.meta.url), ['--peer'], { serialization: 'advanced' })
    await once(child, 'message')
    return new Peer(child)
  }

  async ask(request: Request): Promise<Uint8Array> {
    const answer = once(this.#child, 'message')
    const end = once(this.#child, 'exit').then(([code, signal]) => {
      throw new Error(`the second process ended with ${signal ?? `exit code ${code}`}`)
    })
    this.#child.send(request)
    const [{ error, bytes }] = (await Promise.race([answer, end])) as [{ error?: string; bytes: Uint8Array }]
    if (error !== undefined) throw new Error(`the second process: ${error}`)
    return bytes
  }

  stop(): void {
    this.#child.disconnect()
  }
}

function obey(request: Request): Uint8Array {
  const { kind, file } = request
  switch (kind) {
    case 'write': {
      const fd = openSync(file, 'r+')
      writeSync(fd, request.data, 0, request.data.length, request.offset)
      closeSync(fd)
      return new Uint8Array(0)
    }
    case 'map-write': {
      const mapping = mmapSync(file, { mode: 'r+' })
      mapping.buffer().set(request.data, request.offset)
      mapping.closeSync()
      return new Uint8Array(0)
    }
    case 'truncate':
      truncateSync(file, request.size)
      return new Uint8Array(0)
    case 'read':
      return readFileSync(file)
    case 'map-read': {
      const mapping = mmapSync(file)
      const copy = mapping.read()
      mapping.closeSync()
      return copy
    }
  }
}

if (process.argv.includes('--peer')) {
  process.on('message', (request: Request) => {
    try {
      process.send?.({ bytes: obey(request) })
    } catch (error) {
      process.send?.({ error: String(error) })
    }
  })
  process.send?.('ready')
}
