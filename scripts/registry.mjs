// Starts an empty package registry on the loopback interface, for rehearsals: verdaccio without uplinks. Closing it removes it.

import { spawn } from 'node:child_process'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { findNode } from './nodes.mjs'
import { root } from './run.mjs'

const VERDACCIO = '6.10.4'

/** @returns {Promise<{ url: string, close: () => Promise<void> }>} */
export async function startRegistry(attempts = 3) {
  const home = install()
  const folder = mkdtempSync(path.join(os.tmpdir(), 'memmap-registry-'))
  const port = await freePort()
  const config = path.join(folder, 'config.json')
  // JSON is valid YAML.
  writeFileSync(
    config,
    JSON.stringify({
      storage: path.join(folder, 'storage'),
      web: { enable: false },
      auth: { htpasswd: { file: path.join(folder, 'htpasswd') } },
      uplinks: {},
      packages: { '**': { access: '$all', publish: '$anonymous', unpublish: '$anonymous' } },
      max_body_size: '100mb',
      log: { type: 'stdout', format: 'pretty', level: 'warn' },
    }),
  )
  // verdaccio needs a newer Node than the oldest that this package supports.
  const node = path.join(findNode('22').directory, process.platform === 'win32' ? 'node.exe' : 'node')
  const script = path.join(home, 'node_modules', 'verdaccio', 'bin', 'verdaccio')
  const child = spawn(node, [script, '--config', config, '--listen', `127.0.0.1:${port}`], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const close = async () => {
    child.kill()
    await exited
    rmSync(folder, { recursive: true, force: true })
  }
  const url = `http://127.0.0.1:${port}/`
  try {
    await waitFor(`${url}-/ping`, child)
  } catch (error) {
    await close()
    // Another process may have taken the port meanwhile.
    if (attempts > 1) return startRegistry(attempts - 1)
    throw new Error(`${error.message}\n${output}`, { cause: error })
  }
  return { url, close }
}

function install() {
  const home = path.join(root, '.rehearsal', `verdaccio-${VERDACCIO}`)
  if (existsSync(path.join(home, 'node_modules', 'verdaccio', 'bin', 'verdaccio'))) return home
  console.log(`fetching verdaccio ${VERDACCIO}`)
  mkdirSync(home, { recursive: true })
  // verdaccio names one of its dependencies by a tag, which some mirrors of the registry do not have.
  const manifest = { private: true, dependencies: { verdaccio: VERDACCIO }, overrides: { 'node-fetch': '2.7.0' } }
  writeFileSync(path.join(home, 'package.json'), JSON.stringify(manifest))
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error']
  execFileSync('npm', args, { cwd: home, stdio: ['ignore', 'ignore', 'inherit'] })
  return home
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

async function waitFor(url, child) {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (child.exitCode !== null) throw new Error(`The registry ended with code ${child.exitCode}.`)
    try {
      const { ok } = await fetch(url)
      if (ok) return
    } catch {
      // It has not started yet.
    }
    await sleep(100)
  }
  throw new Error('The registry did not answer within a minute.')
}
