// Runs one shell command, shows its output while it runs, and keeps a copy of it for the caller.

import { spawn } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** The folder of package.json. */
export const root = fileURLToPath(new URL('..', import.meta.url))

const windows = process.platform === 'win32'

/**
 * Runs a command to its end.
 *
 * @param {string} command a line for the shell; the tools of node_modules are on its PATH
 * @param {{ path?: string, env?: Record<string, string>, timeout?: number }} [options] `path` is put first on PATH; the
 *   command is killed after `timeout` milliseconds
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(command, { path: first, env, timeout = 30 * 60_000 } = {}) {
  const directories = [first, path.join(root, 'node_modules', '.bin'), process.env.PATH]
  const child = spawn(command, {
    shell: true,
    cwd: root,
    // Without colours, since programs read the output too.
    env: {
      ...process.env,
      FORCE_COLOR: undefined,
      NO_COLOR: '1',
      PATH: directories.filter(Boolean).join(path.delimiter),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, so that a command that hangs is killed together with its child processes.
    detached: !windows,
  })
  const end = (signal) => {
    try {
      if (windows) child.kill(signal)
      else process.kill(-child.pid, signal)
    } catch {
      // It has ended already.
    }
  }
  const interrupt = () => {
    end('SIGTERM')
    process.exit(130)
  }
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)

  let output = ''
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    from.setEncoding('utf8')
    from.on('data', (text) => {
      output += text
      to.write(text)
    })
  }

  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      console.log(`(killed: not finished after ${timeout / 60_000} minutes)`)
      end('SIGKILL')
    }, timeout)
    const done = (code) => {
      clearTimeout(timer)
      process.off('SIGINT', interrupt)
      process.off('SIGTERM', interrupt)
      resolve({ code: code ?? 1, output })
    }
    child.on('error', (error) => {
      console.log(String(error))
      done(1)
    })
    child.on('close', done)
  })
}
