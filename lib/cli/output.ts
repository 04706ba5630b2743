/**
 * The standard output: unchanged bytes in blocks, with back-pressure.
 */
import type { Writable } from 'node:stream'
import type { ProgressBar } from './progress-bar.js'

// The number of bytes of one system call: the capacity of a pipe.
const BLOCK_SIZE = 2 ** 16

// The maximum number of bytes for one code unit of a string.
const MAX_BYTES_PER_UNIT = 3

/** The reader of the output has closed it, as `head` does. This ends the program without a message. */
export class ClosedPipe extends Error {}

export class Output {
  /** The progress bar, which is hidden before output to the same terminal. */
  bar: ProgressBar | undefined
  readonly #stream: Writable
  #sealed: Uint8Array[] = []
  #sealedLength = 0
  #block = Buffer.allocUnsafe(BLOCK_SIZE)
  #used = 0

  constructor(stream: Writable) {
    this.#stream = stream
    // The callback of each write receives its error.
    stream.on('error', () => {})
  }

  /** Whether `flush()` should be called. */
  get isFull(): boolean {
    return this.#sealedLength + this.#used >= BLOCK_SIZE
  }

  /** Queues text or bytes. Long bytes are not copied, so they must not change before `flush()`. */
  write(data: string | Uint8Array): void {
    const maxLength = typeof data === 'string' ? data.length * MAX_BYTES_PER_UNIT : data.length
    if (maxLength > BLOCK_SIZE - this.#used) this.#seal()
    if (maxLength > BLOCK_SIZE) this.#keep(typeof data === 'string' ? Buffer.from(data) : data)
    else if (typeof data === 'string') this.#used += this.#block.write(data, this.#used)
    else {
      this.#block.set(data, this.#used)
      this.#used += data.length
    }
  }

  json(value: object): void {
    this.write(`${JSON.stringify(value)}\n`)
  }

  /** Writes the queued bytes, and waits until they are written. */
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
    this.#block = Buffer.allocUnsafe(BLOCK_SIZE)
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
