/**
 * The standard output: bytes as they are, in blocks, at the pace of who reads them.
 */
import type { Writable } from 'node:stream'
import type { Bar } from './progress-bar.js'

// One system call for so many bytes: what a pipe holds.
const BLOCK = 2 ** 16

// The most bytes that a code unit of a string becomes.
const WIDEST = 3

/** Whoever read the output has gone, as `head` does when it has seen enough. Nobody needs to be told. */
export class ClosedPipe extends Error {}

export class Output {
  /** Must not be in the way when something is printed to the same terminal. */
  bar: Bar | undefined
  readonly #stream: Writable
  #sealed: Uint8Array[] = []
  #sealedLength = 0
  #block = Buffer.allocUnsafe(BLOCK)
  #used = 0

  constructor(stream: Writable) {
    this.#stream = stream
    // Each write hears of its own failure.
    stream.on('error', () => {})
  }

  /** Whether it is time for `flush()`. */
  get isFull(): boolean {
    return this.#sealedLength + this.#used >= BLOCK
  }

  /** Takes text, or bytes, which are left alone: what is long is not copied. */
  write(data: string | Uint8Array): void {
    const most = typeof data === 'string' ? data.length * WIDEST : data.length
    if (most > BLOCK - this.#used) this.#seal()
    if (most > BLOCK) this.#keep(typeof data === 'string' ? Buffer.from(data) : data)
    else if (typeof data === 'string') this.#used += this.#block.write(data, this.#used)
    else {
      this.#block.set(data, this.#used)
      this.#used += data.length
    }
  }

  json(value: object): void {
    this.write(`${JSON.stringify(value)}\n`)
  }

  /** Prints what was written so far, and waits until it is. */
  async flush(): Promise<void> {
    this.#seal()
    if (this.#sealedLength === 0) return
    const bytes = Buffer.concat(this.#sealed, this.#sealedLength)
    this.#sealed = []
    this.#sealedLength = 0
    this.bar?.hide()
    try {
      await new Promise<void>((resolve, reject) => {
        this.#stream.write(bytes, (error) => (error ? reject(error) : resolve()))
      })
    } catch (error) {
      throw translate(error as NodeJS.ErrnoException)
    }
  }

  #seal(): void {
    if (this.#used === 0) return
    this.#keep(this.#block.subarray(0, this.#used))
    this.#block = Buffer.allocUnsafe(BLOCK)
    this.#used = 0
  }

  #keep(bytes: Uint8Array): void {
    this.#sealed.push(bytes)
    this.#sealedLength += bytes.length
  }
}

function translate(error: NodeJS.ErrnoException): Error {
  return error.code === 'EPIPE' ? new ClosedPipe() : new Error(`The output could not be written: ${error.message}`)
}
