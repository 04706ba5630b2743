// One set-up at a time in a clone: the lock file holds the id of the process that sets up.

import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

const lock = '.setup.lock'

/** Runs `work` while no other process does. A lock file whose process has ended is removed. */
export async function withLock(work) {
  const mine = `${lock}.${process.pid}`
  writeFileSync(mine, String(process.pid))
  try {
    let told = false
    // A link appears complete or not at all, so a lock file is never seen empty.
    while (!tryLink(mine)) {
      const holder = readHolder()
      if (holder !== undefined && !isAlive(holder)) {
        rmSync(lock, { force: true })
        continue
      }
      if (!told && holder !== undefined) {
        console.log(`setup: waiting for process ${holder}, which sets up this clone (delete ${lock} if it does not)`)
        told = true
      }
      await sleep(200)
    }
  } finally {
    rmSync(mine, { force: true })
  }
  try {
    work()
  } finally {
    rmSync(lock, { force: true })
  }
}

function tryLink(mine) {
  try {
    linkSync(mine, lock)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function readHolder() {
  try {
    return Number(readFileSync(lock, 'utf8'))
  } catch {
    return undefined
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
