/**
 * Hears of changes of a file by its name, whichever file has that name at the time. Where the system tells of them nothing is
 * asked again and again; where it doesn't (a network, Windows, a directory that isn't there) it is, once a second.
 */
import { type FSWatcher, watch } from 'node:fs'
import { realpath, statfs } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'

// How long a change can stay unseen where the system does not tell of it, in milliseconds.
const POLL = 1000

// File systems in which somebody else can write without this machine's kernel hearing of it, by their numbers in statfs(2):
// ceph, 9p, AFS, FUSE, NFS, SMB, CIFS.
const REMOTE = new Set([0x00c36400, 0x01021997, 0x5346414f, 0x65735546, 0x6969, 0xfe534d42, 0xff534d42])

// Windows tells of what was written when the file is closed, or its size is asked for by its name: a writer that keeps its file
// open may write for hours. https://learn.microsoft.com/en-us/windows/win32/api/winbase/nf-winbase-readdirectorychangesw
const TELLS_OF_WRITES = process.platform !== 'win32'

// Where a file that takes another one's name is told by the name that it had.
const NAMES_BOTH = process.versions['deno'] === undefined

interface Watched {
  readonly watcher: FSWatcher
  readonly tellsAll: boolean
}

export class Watcher {
  readonly #path: string
  readonly #watched = new Map<string, Watched>()
  #names = new Set<string>()
  #hasChanged = false
  #isClosed = false
  #wake: (() => void) | undefined

  constructor(file: string) {
    this.#path = path.resolve(file)
  }

  /** Waits until something may have changed since this was last called. `cancel()` ends it too. */
  async change(): Promise<void> {
    const isTold = await this.#watch()
    if (!this.#hasChanged && !this.#isClosed) {
      for (const { watcher } of this.#watched.values()) watcher.ref()
      await new Promise<void>((resolve) => {
        const timer = isTold ? undefined : setTimeout(resolve, POLL)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      for (const { watcher } of this.#watched.values()) watcher.unref()
    }
    this.#hasChanged = false
  }

  /** Ends the wait that is under way, or the next one. */
  cancel(): void {
    this.#hasChanged = true
    this.#wake?.()
  }

  close(): void {
    this.#isClosed = true
    for (const directory of this.#watched.keys()) this.#forget(directory)
    this.cancel()
  }

  // True if the system will tell of every change. Directories are watched: a watch of a file goes with it when it is renamed.
  async #watch(): Promise<boolean> {
    const target = await realpath(this.#path).catch(() => this.#path)
    const directories = new Set([this.#path, target].map((name) => path.dirname(name)))
    this.#names = new Set([this.#path, target].map((name) => path.basename(name)))
    for (const directory of this.#watched.keys()) if (!directories.has(directory)) this.#forget(directory)
    for (const directory of directories) await this.#watchDirectory(directory)
    return [...directories].every((directory) => this.#watched.get(directory)?.tellsAll)
  }

  async #watchDirectory(directory: string): Promise<void> {
    if (this.#watched.has(directory)) return
    try {
      const { type } = await statfs(directory)
      if (this.#isClosed) return
      // Only who waits keeps the process alive.
      const watcher = watch(directory, { persistent: false }, (event, name) => this.#hear(directory, event, name))
      watcher.on('error', () => this.#forget(directory))
      this.#watched.set(directory, { watcher, tellsAll: TELLS_OF_WRITES && !REMOTE.has(type) })
      // What happened before that was not heard.
      this.#hasChanged = true
    } catch {
      // There is no such directory, or too many are watched already. Then the clock wakes us.
    }
  }

  #hear(directory: string, event: string, name: string | null): void {
    // The directory itself was moved or removed.
    if (name === path.basename(directory)) this.#forget(directory)
    // Only on Linux it is certain how names are spelt here, and which are told.
    const isCertain = name !== null && process.platform === 'linux' && (NAMES_BOTH || event !== 'rename')
    if (!isCertain || this.#names.has(name)) this.cancel()
  }

  #forget(directory: string): void {
    this.#watched.get(directory)?.watcher.close()
    this.#watched.delete(directory)
    this.cancel()
  }
}
