// Makes a clone ready: installs the packages and builds the native binary. `npm start`, `npm test` and the other commands call
// it first. Where everything is up to date it does nothing.
//
//     node scripts/setup.mjs           with the release build
//     node scripts/setup.mjs --dev     with the build for development
//     node scripts/setup.mjs --tests   with the build that the specs use: MEMMAP_TEST_BINARY (see ava.config.js)
//
// `--no-install` leaves the packages as they are.

import { execSync } from 'node:child_process'
import { readFileSync, utimesSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildNative, isStale, newest } from './native.mjs'
import { withLock } from './setup-lock.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

// npm writes this file last, at the end of an installation.
const installed = path.join('node_modules', '.package-lock.json')

const flag = { type: 'boolean', default: false }
const { values } = parseArgs({ options: { dev: flag, tests: flag, 'no-install': flag } })
const build = values.tests ? (process.env.MEMMAP_TEST_BINARY ?? 'dev') : values.dev ? 'dev' : 'release'

try {
  if (!['dev', 'release', 'given'].includes(build)) {
    throw new Error(`MEMMAP_TEST_BINARY is ${build}; it may be dev, release or given.`)
  }
  if (installIsStale() || buildIsStale()) {
    await withLock(() => {
      // Looked at again: the previous holder of the lock may have done it.
      if (installIsStale()) install()
      if (buildIsStale()) {
        checkRust()
        console.log(`setup: building the native binary (${build}; the first time takes a minute or two)`)
        buildNative(build)
      }
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
  return !values['no-install'] && newest(['package-lock.json']) > newest([installed])
}

function install() {
  console.log('setup: installing the development packages')
  const command = 'npm ci --include=dev --no-audit --no-fund --loglevel=error'
  try {
    execSync(command, { stdio: ['ignore', 'inherit', 'inherit'] })
  } catch {
    throw new Error(`\`${command}\` failed; its message is above.`)
  }
  const now = new Date()
  utimesSync(installed, now, now)
}

function buildIsStale() {
  return build !== 'given' && isStale(build)
}
