/**
 * A file open for reading, without being mapped. It is a plain descriptor: a FileHandle that the garbage collector takes ends
 * the process, from Node 25 on.
 */
import { close, fstat, open, read } from 'node:fs'
import { promisify } from 'node:util'

const openPath = promisify(open)
const stat = promisify(fstat)
const closeDescriptor = promisify(close)

/** What tells one file from another, whatever their names. */
export interface Identity {
  readonly device: bigint
  readonly inode: bigint
}

export class OpenFile implements Identity {
  readonly #descriptor: number
  readonly device: bigint
  readonly inode: bigint

  private constructor(descriptor: number, { device, inode }: Identity) {
    this.#descriptor = descriptor
    this.device = device
    this.inode = inode
  }

  static async open(path: string): Promise<OpenFile> {
    const descriptor = await openPath(path, 'r')
    try {
      const { dev: device, ino: inode } = await stat(descriptor, { bigint: true })
      return new OpenFile(descriptor, { device, inode })
    } catch (error) {
      await closeDescriptor(descriptor)
      throw error
    }
  }

  async size(): Promise<number> {
    return (await stat(this.#descriptor)).size
  }

  /** Fills `block` from a place in the file, as far as the file goes. Returns what was filled. */
  read(block: Buffer, position: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      read(this.#descriptor, block, 0, block.length, position, (error, count) => {
        if (error === null) resolve(block.subarray(0, count))
        else reject(error)
      })
    })
  }

  /** Closes it. It was only read: there is nothing that closing could tell. */
  async close(): Promise<void> {
    await closeDescriptor(this.#descriptor).catch(() => {})
  }
}
