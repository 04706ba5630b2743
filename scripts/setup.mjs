// Makes a clone ready: packages installed, Rust found, the native part built. `npm start`, `npm test` and everything
// else call it first. Where nothing is to be done it does nothing.

import { execSync } from 'node:child_process'
import { existsSync, linkSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

// npm writes this file last, at the end of an install.
const installed = 'node_modules/.package-lock.json'
const lock = '.setup.lock'

try {
  checkRust()
  if (installIsStale() || buildIsStale()) {
    await withLock(() => {
      // Asked again: whoever held the lock may have done it.
      if (installIsStale()) install()
      if (buildIsStale()) build()
    })
  }
} catch (error) {
  console.error(`setup: ${error.message}`)
  process.exitCode = 1
}

function checkRust() {
  const wanted = /^rust-version = "(\d+)\.(\d+)/m.exec(readFileSync('Cargo.toml', 'utf8'))
  const [major, minor] = [Number(wanted[1]), Number(wanted[2])]
  let version
  try {
    execSync('cargo --version', { stdio: 'ignore' })
    version = execSync('rustc --version', { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    throw new Error(
      `memmap is built with Rust ${major}.${minor} or newer, and no working \`rustc\` and \`cargo\` were found on PATH.\n` +
        'Install Rust from https://rustup.rs, open a new shell, and run the same command again.',
    )
  }
  const found = /(\d+)\.(\d+)/.exec(version)
  if (Number(found?.[1]) < major || (Number(found?.[1]) === major && Number(found?.[2]) < minor)) {
    throw new Error(
      `memmap is built with Rust ${major}.${minor} or newer; \`rustc --version\` says: ${version.trim()}.\n` +
        'Run `rustup update stable` (or install Rust from https://rustup.rs), and run the same command again.',
    )
  }
}

function installIsStale() {
  return newest(['package-lock.json']) > newest([installed])
}

function install() {
  console.log('setup: installing the development packages')
  // Not `npm ci`: it refuses a lock file that lacks other platforms' optional packages, which npm leaves out where the
  // registry in use does not have them. `--no-save` leaves the lock file as it is all the same.
  attempt('npm install --no-save --include=dev --no-audit --no-fund --loglevel=error')
  // npm leaves its file alone when nothing had to change.
  touch(installed)
}

function buildIsStale() {
  return newest(['src', 'Cargo.toml', 'Cargo.lock', 'build.rs', 'package.json']) > newest(binaries())
}

function build() {
  console.log('setup: building the native part (a minute or so the first time)')
  const before = new Date()
  attempt('npm run --silent build:native')
  // Dated from the start of the build: a source saved while it ran is newer than what was built.
  for (const binary of binaries()) utimesSync(binary, before, before)
}

function binaries() {
  const names = existsSync('native') ? readdirSync('native') : []
  return names.filter((name) => name.endsWith('.node')).map((name) => path.join('native', name))
}

/** When the newest of these files and folders, looked through, was changed; 0 where there is none. */
function newest(paths) {
  let latest = 0
  for (const each of paths) {
    const stat = statSync(each, { throwIfNoEntry: false })
    if (!stat) continue
    // A folder's own time tells of files that were removed.
    latest = Math.max(latest, stat.mtimeMs)
    if (stat.isDirectory()) latest = Math.max(latest, newest(readdirSync(each).map((name) => path.join(each, name))))
  }
  return latest
}

function touch(file) {
  const now = new Date()
  utimesSync(file, now, now)
}

/** One set-up at a time in this clone: the lock file holds the process id of who has it. */
async function withLock(work) {
  const mine = `${lock}.${process.pid}`
  writeFileSync(mine, String(process.pid))
  try {
    let told = false
    // A link appears whole or not at all, so a lock file is never seen empty.
    while (!tryLink(mine)) {
      const holder = readHolder()
      if (holder !== undefined && !isAlive(holder)) {
        rmSync(lock, { force: true })
        continue
      }
      if (!told && holder !== undefined) {
        console.log(`setup: waiting for process ${holder}, which sets up this clone (if it does not, delete ${lock})`)
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

function attempt(command) {
  try {
    execSync(command, { stdio: ['ignore', 'inherit', 'inherit'] })
  } catch {
    throw new Error(`\`${command}\` failed; its own message is above.`)
  }
}
