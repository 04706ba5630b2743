/**
 * A file that is open for reading and not mapped. It is a plain descriptor, not a FileHandle: from Node 25 on, a FileHandle that
 * the garbage collector collects ends the process.
 */
import { close, constants, fstat, open, read, stat } from 'node:fs'
import { promisify } from 'node:util'

const openPath = promisify(open)
const statPath = promisify(stat)
const statDescriptor = promisify(fstat)
const closeDescriptor = promisify(close)

/** Identifies a file, whatever its names. */
export interface FileIdentity {
  readonly device: bigint
  readonly inode: bigint
}

// O_NONBLOCK: if the path has become a pipe since it was checked, opening it must not wait for a writer.
const READ_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

export class FollowedFile implements FileIdentity {
  readonly #descriptor: number
  readonly device: bigint
  readonly inode: bigint

  private constructor(descriptor: number, { device, inode }: FileIdentity) {
    this.#descriptor = descriptor
    this.device = device
    this.inode = inode
  }

  /** Opens a path. Returns undefined if it leads to something other than a regular file, such as a pipe. */
  static async open(path: string): Promise<FollowedFile | undefined> {
    // Checked before opening: opening a pipe would wake a process that waits to write to it.
    if (!(await statPath(path)).isFile()) return undefined
    const descriptor = await openPath(path, READ_FLAGS)
    let file: FollowedFile | undefined
    try {
      const status = await statDescriptor(descriptor, { bigint: true })
      if (status.isFile()) file = new FollowedFile(descriptor, { device: status.dev, inode: status.ino })
    } finally {
      if (file === undefined) await closeDescriptor(descriptor)
    }
    return file
  }

  async size(): Promise<number> {
    return (await statDescriptor(this.#descriptor)).size
  }

  /** Reads into `block` from an offset of the file. Returns the part of the block that was filled; empty at the end. */
  read(block: Buffer, offset: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      read(this.#descriptor, block, 0, block.length, offset, (error, count) => {
        if (error === null) resolve(block.subarray(0, count))
        else reject(error)
      })
    })
  }

  /** Closes the file. Errors are ignored: nothing was written, so they mean nothing. */
  async close(): Promise<void> {
    await closeDescriptor(this.#descriptor).catch(() => {})
  }
}
