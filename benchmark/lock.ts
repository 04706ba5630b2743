/** Takes and releases an uncontended lock, and hands a lock from one process to another. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { mmapSync } from '../index.js'
import { folderFile } from './files.js'
import { loadPeer } from './peers.js'
import { type Case, compare, median, print, type Result } from './run.js'

/** The functions used from fs-native-extensions. */
interface FsNativeExtensions {
  tryLock(fd: number): boolean
  waitForLock(fd: number): Promise<void>
  unlock(fd: number): void
}

/** The functions used from fs-ext. */
interface FsExt {
  flockSync(fd: number, flags: string): void
  flock(fd: number, flags: string, callback: (error: Error | null) => void): void
}

const TIMES = 10_000
const HANDOVERS = 300
const file = folderFile('lock')

/** A way to wait for a lock and to release it. */
interface Way {
  readonly name: string
  open(file: string): () => Promise<() => void>
}

const ways: Record<string, () => Way | string> = {
  memmap: () => ({
    name: 'mapping.lock, unlock',
    open: (name) => {
      const mapping = mmapSync(name, { mode: 'r+' })
      return async () => {
        const taken = await mapping.lock()
        return () => taken.unlock()
      }
    },
  }),
  'fs-native-extensions': () => {
    const peer = loadPeer<FsNativeExtensions>('fs-native-extensions', '1.5.1')
    if (typeof peer === 'string') return peer
    return {
      name: 'fs-native-extensions waitForLock, unlock',
      open: (name) => {
        const fd = openSync(name, 'r+')
        return () => peer.waitForLock(fd).then(() => () => peer.unlock(fd))
      },
    }
  },
  'fs-ext': () => {
    const peer = loadPeer<FsExt>('fs-ext', '2.1.1')
    if (typeof peer === 'string') return peer
    return {
      name: "fs-ext flock('ex'), flockSync('un')",
      open: (name) => {
        const fd = openSync(name, 'r+')
        return () =>
          new Promise<() => void>((resolve, reject) =>
            peer.flock(fd, 'ex', (error) => (error === null ? resolve(() => peer.flockSync(fd, 'un')) : reject(error))),
          )
      },
    }
  },
}

export async function lock(): Promise<void> {
  writeFileSync(file, Buffer.alloc(4096))
  const mapping = mmapSync(file, { mode: 'r+' })
  const fd = openSync(file, 'r+')
  const cases: Case[] = [
    { name: 'mapping.tryLock, unlock', times: TIMES, run: () => repeat(() => mapping.tryLock()?.unlock()) },
    { name: 'mapping.lockSync, unlock', times: TIMES, run: () => repeat(() => mapping.lockSync().unlock()) },
    { name: 'mapping.lock, unlock', times: TIMES, run: () => repeatLater(async () => (await mapping.lock()).unlock()) },
    nativeExtensions(fd),
    fsExt(fd),
  ]
  print('Lock and unlock, uncontended', await compare(cases))
  closeSync(fd)

  // The time of the release, in memory that both processes share.
  const stamp = mapping.array(BigUint64Array, 0, 1)
  const handed: Result[] = []
  for (const [key, open] of Object.entries(ways)) {
    const way = open()
    if (typeof way === 'string') handed.push({ name: key, missing: way, median: NaN, best: NaN })
    else handed.push(await handOver(key, way, stamp))
  }
  print('From the release in one process to the lock in another that waits', handed)
  mapping.closeSync()
  rmSync(file)
}

/** Lets another process take and release the lock while this process waits for it. */
async function handOver(key: string, way: Way, stamp: BigUint64Array): Promise<Result> {
  const child = fork(import.meta.filename, [key, file], { execArgv: process.execArgv })
  const tell = async (what: string): Promise<void> => {
    child.send(what)
    await once(child, 'message')
  }
  await once(child, 'message')
  const take = way.open(file)
  const times: number[] = []
  for (let round = 0; round < HANDOVERS; round++) {
    await tell('take')
    const taking = take()
    const released = tell('release')
    const release = await taking
    times.push(Number(process.hrtime.bigint() - stamp[0]!))
    release()
    await released
  }
  child.kill()
  return { name: way.name, median: median(times), best: Math.min(...times) }
}

/** The other process. It holds the lock long enough that the first process sleeps at the release. */
function serve(key: string, name: string): void {
  const way = ways[key]!()
  if (typeof way === 'string') throw new Error(way)
  const take = way.open(name)
  const stamp = mmapSync(name, { mode: 'r+' }).array(BigUint64Array, 0, 1)
  let release: (() => void) | undefined
  process.on('message', async (what) => {
    if (what === 'take') {
      release = await take()
    } else {
      await setTimeout(2)
      stamp[0] = process.hrtime.bigint()
      release?.()
    }
    process.send!('done')
  })
  process.send!('ready')
}

function nativeExtensions(fd: number): Case {
  const peer = loadPeer<FsNativeExtensions>('fs-native-extensions', '1.5.1')
  const name = 'fs-native-extensions tryLock, unlock'
  if (typeof peer === 'string') return { name, missing: peer, run: () => undefined }
  const take = () => {
    if (peer.tryLock(fd)) peer.unlock(fd)
  }
  return { name, times: TIMES, run: () => repeat(take) }
}

function fsExt(fd: number): Case {
  const peer = loadPeer<FsExt>('fs-ext', '2.1.1')
  const name = "fs-ext flockSync('exnb'), flockSync('un')"
  if (typeof peer === 'string') return { name, missing: peer, run: () => undefined }
  const take = () => {
    peer.flockSync(fd, 'exnb')
    peer.flockSync(fd, 'un')
  }
  return { name, times: TIMES, run: () => repeat(take) }
}

function repeat(action: () => void): void {
  for (let round = 0; round < TIMES; round++) action()
}

async function repeatLater(action: () => Promise<void>): Promise<void> {
  for (let round = 0; round < TIMES; round++) await action()
}

// Started by handOver().
const [, started, key, name] = process.argv
if (started === import.meta.filename && key !== undefined && name !== undefined) serve(key, name)
