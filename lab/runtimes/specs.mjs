// Runs compiled specs (lab/runtimes/compile.mjs), each in a process of its own.

import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'

/** Returns the names of all specs in the folder. */
export function specsIn(folder) {
  return readdirSync(path.join(folder, '__test__'), { recursive: true }).flatMap(
    (file) => /^(.*)\.spec\.js$/.exec(file.replaceAll('\\', '/'))?.[1] ?? [],
  )
}

/** Returns the file of a spec, relative to the folder. */
export function specFile(spec) {
  return path.join('__test__', `${spec}.spec.js`)
}

/**
 * Runs a program to its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env?: Record<string, string | undefined>, timeout: number }} options it is killed after `timeout`
 *   milliseconds
 * @returns {Promise<{ output: string, ending: string, seconds: number }>}
 */
export function runSpec(command, args, options) {
  const began = performance.now()
  const child = spawn(command, args, { ...options, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) =>
      resolve({
        output,
        ending: signal === null ? `exit code ${code}` : `signal ${signal}`,
        seconds: (performance.now() - began) / 1000,
      }),
    )
  })
}

/** Calls `work` for each item, at most `atOnce` at a time. */
export async function eachOf(items, atOnce, work) {
  const rest = items.values()
  const worker = async () => {
    for (const item of rest) await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
