// Lets this machine start arm64 programs as if they were its own, by qemu, while some work is done: child processes that a
// test starts are arm64 programs as well. The kernel's table is everybody's, so what was put in is taken out again.

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import process from 'node:process'

const table = '/proc/sys/fs/binfmt_misc'
const prefix = 'memmap-aarch64-'

// The head of a 64-bit little-endian ELF program or library for machine 183, as bytes and as a mask over them.
const magic = '\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00'
const mask = '\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff'

/**
 * @param {string} probe an arm64 program
 * @param {string} interpreter the path of qemu-aarch64
 * @returns {() => void} undoes it
 */
export function startArm64(probe, interpreter) {
  // Another run of this takes its own entry out when it ends, so that it can't be relied on.
  if (starts(probe) && entries().length === 0) return () => {}
  if (process.getuid?.() !== 0) {
    throw new Error('Starting arm64 programs needs an entry in binfmt_misc, which only root can make.')
  }
  const mounted = !existsSync(`${table}/register`)
  if (mounted) execFileSync('mount', ['-t', 'binfmt_misc', 'binfmt_misc', table])
  const name = `${prefix}${process.pid}`
  // O: qemu gets the program opened; C: with its rights; F: qemu itself is opened now.
  writeFileSync(`${table}/register`, `:${name}:M::${magic}:${mask}:${interpreter}:OCF`)
  const undo = () => {
    process.off('exit', undo).off('SIGINT', interrupt).off('SIGTERM', interrupt)
    writeFileSync(`${table}/${name}`, '-1')
    if (mounted && entries().length === 0) execFileSync('umount', [table])
  }
  // A run that is interrupted leaves nothing behind either.
  process.once('exit', undo).once('SIGINT', interrupt).once('SIGTERM', interrupt)
  if (starts(probe)) return undo
  undo()
  throw new Error(`${probe} does not start by ${interpreter}.`)
}

function entries() {
  return existsSync(table) ? readdirSync(table).filter((each) => each.startsWith(prefix)) : []
}

function interrupt() {
  process.exit(130)
}

function starts(program) {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
