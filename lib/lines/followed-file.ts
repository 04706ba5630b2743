/**
 * A file open for reading, without being mapped. It is a plain descriptor: a FileHandle that the garbage collector takes ends
 * the process, from Node 25 on.
 */
import { close, constants, fstat, open, read, stat } from 'node:fs'
import { promisify } from 'node:util'

const openPath = promisify(open)
const statPath = promisify(stat)
const statDescriptor = promisify(fstat)
const closeDescriptor = promisify(close)

/** What tells one file from another, whatever their names. */
export interface Identity {
  readonly device: bigint
  readonly inode: bigint
}

// Should it be something else than a file by the time that it is opened, opening must not wait for whoever is to write to it.
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

export class OpenFile implements Identity {
  readonly #descriptor: number
  readonly device: bigint
  readonly inode: bigint

  private constructor(descriptor: number, { device, inode }: Identity) {
    this.#descriptor = descriptor
    this.device = device
    this.inode = inode
  }

  /** Opens the file of this name; nothing if what has the name is no file, such as a pipe. */
  static async open(path: string): Promise<OpenFile | undefined> {
    // Opening a pipe wakes whoever waits to write to it.
    if (!(await statPath(path)).isFile()) return undefined
    const descriptor = await openPath(path, READ)
    let file: OpenFile | undefined
    try {
      const status = await statDescriptor(descriptor, { bigint: true })
      if (status.isFile()) file = new OpenFile(descriptor, { device: status.dev, inode: status.ino })
    } finally {
      if (file === undefined) await closeDescriptor(descriptor)
    }
    return file
  }

  async size(): Promise<number> {
    return (await statDescriptor(this.#descriptor)).size
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
