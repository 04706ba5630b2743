/**
 * Reports changes of the file that a path leads to, whichever file that is at the time. Where the system reports all changes,
 * there is no polling. Where it does not (network file systems, Windows, Bun, a directory that does not exist), the caller is
 * woken once a second.
 *
 * The watched directories are those that contain a name on the way to the file: its own directory, and that of each symbolic
 * link:
 *
 *     /var/log/app.log -> ..data/app.log, ..data -> 2026-11-28        app.log and ..data in /var/log, app.log in 2026-11-28
 *
 * Not noticed: a directory further up that is renamed, and changes of links in the root directory.
 */
import { type FSWatcher, watch } from 'node:fs'
import { readlink, statfs } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'

// How long a change may go unnoticed where the system does not report it, in milliseconds.
const POLL_INTERVAL = 1000

// File systems on which another machine can write without this kernel noticing, by their numbers in statfs(2): ceph, 9p, AFS,
// FUSE, NFS, SMB, CIFS.
const REMOTE = new Set([0x00c36400, 0x01021997, 0x5346414f, 0x65735546, 0x6969, 0xfe534d42, 0xff534d42])

// Windows reports written data only when the file is closed, or when its size is queried by name: a program that keeps its file
// open may write for hours. https://learn.microsoft.com/en-us/windows/win32/api/winbase/nf-winbase-readdirectorychangesw
// Bun omits a change that comes within some milliseconds of another change of the same file.
const REPORTS_WRITES = process.platform !== 'win32' && process.versions['bun'] === undefined

// Deno reports a renamed file by its old name only.
const REPORTS_NEW_NAMES = process.versions['deno'] === undefined

// As many symbolic links as Linux follows; see path_resolution(7).
const MAX_LINKS = 40

/** The directories to watch, and in each the names that lead to the file. */
type WatchedNames = ReadonlyMap<string, ReadonlySet<string>>

interface DirectoryWatcher {
  readonly watcher: FSWatcher
  readonly reportsAll: boolean
}

export class PathWatcher {
  readonly #path: string
  readonly #watchers = new Map<string, DirectoryWatcher>()
  // Undefined while the names are looked up: an event may then be about any of them.
  #names: WatchedNames | undefined
  #hasChanged = false
  #isClosed = false
  #wake: (() => void) | undefined

  constructor(file: string) {
    this.#path = path.resolve(file)
  }

  /**
   * Waits until something may have changed since the previous call, or until `cancel()` is called. With `poll`, it waits a second
   * at most: for changes that the system may not report, such as those of permissions.
   */
  async change(poll = false): Promise<void> {
    const isReported = (await this.#watch()) && !poll
    if (!this.#hasChanged && !this.#isClosed) {
      for (const { watcher } of this.#watchers.values()) watcher.ref()
      await new Promise<void>((resolve) => {
        const timer = isReported ? undefined : setTimeout(resolve, POLL_INTERVAL)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      for (const { watcher } of this.#watchers.values()) watcher.unref()
    }
    this.#hasChanged = false
  }

  /** Ends the current wait, or the next one if there is none. */
  cancel(): void {
    this.#hasChanged = true
    this.#wake?.()
  }

  close(): void {
    this.#isClosed = true
    for (const directory of this.#watchers.keys()) this.#unwatch(directory)
    this.cancel()
  }

  // Returns whether the system reports every change. Directories are watched, since a watch on a file follows it when it is
  // renamed.
  async #watch(): Promise<boolean> {
    this.#names = undefined
    const names = (this.#names = await watchedNames(this.#path))
    for (const directory of this.#watchers.keys()) if (!names.has(directory)) this.#unwatch(directory)
    for (const directory of names.keys()) await this.#watchDirectory(directory)
    return [...names.keys()].every((directory) => this.#watchers.get(directory)?.reportsAll)
  }

  async #watchDirectory(directory: string): Promise<void> {
    if (this.#watchers.has(directory)) return
    try {
      const { type } = await statfs(directory)
      if (this.#isClosed) return
      // Not persistent: the process is kept alive only during a wait, by `ref()`.
      const watcher = watch(directory, { persistent: false }, (event, name) => this.#handle(directory, event, name))
      watcher.on('error', () => this.#unwatch(directory))
      this.#watchers.set(directory, { watcher, reportsAll: REPORTS_WRITES && !REMOTE.has(type) })
      // Changes before this moment were not reported.
      this.#hasChanged = true
    } catch {
      // The directory does not exist, or the limit of watches is reached. The timer wakes the caller then.
    }
  }

  #handle(directory: string, event: string, name: string | null): void {
    // The directory itself was renamed or removed.
    if (name === path.basename(directory)) this.#unwatch(directory)
    // Only Linux reports names exactly as they are spelt here, and reports all of them.
    const isExact = name !== null && process.platform === 'linux' && (REPORTS_NEW_NAMES || event !== 'rename')
    if (!isExact || this.#names === undefined || this.#names.get(directory)?.has(name)) this.cancel()
  }

  #unwatch(directory: string): void {
    this.#watchers.get(directory)?.watcher.close()
    this.#watchers.delete(directory)
    this.cancel()
  }
}

/** Finds the names that lead to a file: its own, and those of the symbolic links on the way. */
async function watchedNames(file: string): Promise<WatchedNames> {
  const watched = new Map<string, Set<string>>()
  let { root } = path.parse(file)
  let directory = root
  let names = namesIn(file, root)
  for (let links = 0; names.length > 0 && links <= MAX_LINKS;) {
    const [name = '', ...rest] = names
    const full = path.join(directory, name)
    const target = await readlink(full).catch(() => undefined)
    // Links in the root directory belong to the system, and on some systems watching them reports every change of the disk.
    const isWatched = rest.length === 0 || (target !== undefined && directory !== root)
    if (isWatched) watched.set(directory, (watched.get(directory) ?? new Set()).add(name))
    if (target === undefined) {
      directory = full
      names = rest
      continue
    }
    links++
    if (path.isAbsolute(target)) directory = root = path.parse(target).root
    names = [...namesIn(target, path.parse(target).root), ...rest]
  }
  return watched
}

function namesIn(file: string, root: string): string[] {
  return file.slice(root.length).split(path.sep).filter(Boolean)
}
