/**
 * Hears of changes of a file by its name, whichever file has that name at the time. Where the system tells of them nothing is
 * asked again and again; where it doesn't (a network, Windows, Bun, a directory that is not there) it is, once a second.
 *
 * Watched are the directories in which a name lies that leads to the file: its own, and each symbolic link on the way:
 *
 *     /var/log/app.log -> ..data/app.log, ..data -> 2026-11-28        app.log and ..data in /var/log, app.log in 2026-11-28
 *
 * A directory further up that gets another name is not heard of, nor are links at the root of the disk.
 */
import { type FSWatcher, watch } from 'node:fs'
import { readlink, statfs } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'

// How long a change can stay unseen where the system does not tell of it, in milliseconds.
const POLL = 1000

// File systems in which somebody else can write without this machine's kernel hearing of it, by their numbers in statfs(2):
// ceph, 9p, AFS, FUSE, NFS, SMB, CIFS.
const REMOTE = new Set([0x00c36400, 0x01021997, 0x5346414f, 0x65735546, 0x6969, 0xfe534d42, 0xff534d42])

// Windows tells of what was written when the file is closed, or its size is asked for by its name: a writer that keeps its file
// open may write for hours. https://learn.microsoft.com/en-us/windows/win32/api/winbase/nf-winbase-readdirectorychangesw
// Bun leaves out a change that comes within some milliseconds of another one of the same file.
const TELLS_OF_WRITES = process.platform !== 'win32' && process.versions['bun'] === undefined

// Where a file that takes another one's name is told by the name that it had.
const NAMES_BOTH = process.versions['deno'] === undefined

// As many symbolic links as Linux goes through; see path_resolution(7).
const MOST_LINKS = 40

/** Directories, and the names in each that lead to a file. */
type Ways = ReadonlyMap<string, ReadonlySet<string>>

interface Watched {
  readonly watcher: FSWatcher
  readonly tellsAll: boolean
}

export class Watcher {
  readonly #path: string
  readonly #watched = new Map<string, Watched>()
  // Nothing while they are looked up: what is heard then may be about any of them.
  #ways: Ways | undefined
  #hasChanged = false
  #isClosed = false
  #wake: (() => void) | undefined

  constructor(file: string) {
    this.#path = path.resolve(file)
  }

  /**
   * Waits until something may have changed since this was last called. `cancel()` ends it too. Who waits for what the system may
   * not tell of, such as other rights, wants to be woken after a second all the same.
   */
  async change(byClock = false): Promise<void> {
    const isTold = (await this.#watch()) && !byClock
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
    this.#ways = undefined
    const ways = (this.#ways = await waysTo(this.#path))
    for (const directory of this.#watched.keys()) if (!ways.has(directory)) this.#forget(directory)
    for (const directory of ways.keys()) await this.#watchDirectory(directory)
    return [...ways.keys()].every((directory) => this.#watched.get(directory)?.tellsAll)
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
    if (!isCertain || this.#ways === undefined || this.#ways.get(directory)?.has(name)) this.cancel()
  }

  #forget(directory: string): void {
    this.#watched.get(directory)?.watcher.close()
    this.#watched.delete(directory)
    this.cancel()
  }
}

/** The names that lead to a file: its own, and those of symbolic links on the way. */
async function waysTo(file: string): Promise<Ways> {
  const ways = new Map<string, Set<string>>()
  let { root } = path.parse(file)
  let directory = root
  let names = namesOf(file, root)
  for (let links = 0; names.length > 0 && links <= MOST_LINKS;) {
    const [name = '', ...rest] = names
    const full = path.join(directory, name)
    const target = await readlink(full).catch(() => undefined)
    // Links at the root of the disk are the system's, and some systems tell of it by telling of everything on the disk.
    const isToBeWatched = rest.length === 0 || (target !== undefined && directory !== root)
    if (isToBeWatched) ways.set(directory, (ways.get(directory) ?? new Set()).add(name))
    if (target === undefined) {
      directory = full
      names = rest
      continue
    }
    links++
    if (path.isAbsolute(target)) directory = root = path.parse(target).root
    names = [...namesOf(target, path.parse(target).root), ...rest]
  }
  return ways
}

function namesOf(name: string, root: string): string[] {
  return name.slice(root.length).split(path.sep).filter(Boolean)
}
