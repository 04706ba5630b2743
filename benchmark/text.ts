/** The text of the benchmarks: lines like those of a log. One word is in every eighth line, another occurs eleven times in total. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { isThere } from './apart.js'
import { cool, folderFile, warm } from './files.js'

export const COMMON = 'ERROR'
export const RARE = 'zyxwneedle'
const RARE_TIMES = 11

const BLOCK = 32 * 2 ** 20
const LEVELS = ['INFO ', 'DEBUG', 'INFO ', COMMON, 'INFO ', 'WARN ', 'INFO ', 'DEBUG']
const PLACES = ['/api/items', '/api/users', '/health', '/static/app.js', '/api/orders', '/login']

/** Makes a file with this number of bytes of text. With a path, uses the file at the path, or makes it there and keeps it. */
export function textFile(size: number, kept?: string): string {
  const file = kept ?? folderFile('text')
  if (existsSync(file) && statSync(file).size === size) return file
  if (existsSync(file)) throw new Error(`${file} is there and is not ${size} bytes long`)
  const block = textBlock()
  const fd = openSync(file, 'wx')
  try {
    for (let at = 0; at < size; at += BLOCK) writeSync(fd, block, 0, Math.min(BLOCK, size - at), at)
    for (let time = 0; time < RARE_TIMES; time++) writeSync(fd, RARE, Math.floor((size / RARE_TIMES) * (time + 0.5)))
  } catch (error) {
    rmSync(file)
    throw error
  } finally {
    closeSync(fd)
  }
  spawnSync('sync', [file])
  return file
}

// The same numbers in each run, so that runs can be compared.
function textBlock(): Buffer {
  let state = 12345
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
  const block = Buffer.alloc(BLOCK, '\n')
  let at = 0
  let time = Date.UTC(2026, 0, 1)
  while (at < BLOCK - 200) {
    time += random(2000)
    const place = `${PLACES[random(PLACES.length)]}/${random(100_000)}`
    const line = `${new Date(time).toISOString()} ${LEVELS[random(8)]} worker-${random(16)} request ${random(2 ** 24).toString(16)} ${place} ${random(3) * 100 + 200} ${random(5000)} us\n`
    at += block.write(line, at, 'latin1')
  }
  return block
}

/** Keeps a file in memory. */
export interface Hold {
  /** Describes how the file is kept in memory. */
  readonly note: string
  end(): Promise<void>
}

// Maps a file, locks it in memory, reports that, and waits to be killed.
const LOCKER = `
import ctypes, os, sys
path, size = sys.argv[1], os.path.getsize(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mlock.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
address = libc.mmap(None, size, 1, 1, os.open(path, os.O_RDONLY), 0)
failed = libc.mlock(address, size) != 0
print(os.strerror(ctypes.get_errno()) if failed else 'locked', flush=True)
sys.stdin.read()
`

/**
 * Reads a file into the page cache with the read-ahead of the system (a file that was just written is cached in smaller folios), and
 * lets another process lock it there.
 */
export async function hold(file: string): Promise<Hold> {
  cool(file)
  warm(file)
  if (!isThere('python3')) return { note: 'read into the cache, but not locked there: no python3', end: async () => {} }
  const locker = spawn('python3', ['-c', LOCKER, file], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [answer] = (await once(locker.stdout, 'data')) as [Buffer]
  const failure = answer.toString().trim()
  const note = failure === 'locked' ? `locked in the cache${hugeShare(locker.pid, file)}` : `not locked: ${failure}`
  return {
    note,
    async end() {
      const ended = once(locker, 'exit')
      locker.stdin.end()
      await ended
    },
  }
}

// The size of the folios of the cache determines the cost of a fault.
function hugeShare(pid: number | undefined, file: string): string {
  if (process.platform !== 'linux' || pid === undefined) return ''
  const [, part = ''] = readFileSync(`/proc/${pid}/smaps`, 'utf8').split(`${file}\n`)
  const kibibytes = Number(/FilePmdMapped:\s+(\d+)/.exec(part)?.[1] ?? 0)
  return `, ${Math.round((kibibytes * 1024 * 100) / statSync(file).size)}% of it in pages of 2 MiB`
}
