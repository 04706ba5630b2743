// Lets this machine start arm64 programs by qemu for some time: the child processes of a test are arm64 programs too. The table of
// the kernel is shared by the whole machine, so the entry is removed afterwards.

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import process from 'node:process'

const table = '/proc/sys/fs/binfmt_misc'
const prefix = 'memmap-aarch64-'

// The first bytes of a 64-bit little-endian ELF program or library for machine 183 (arm64), and a mask for them.
const magic = '\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00'
const mask = '\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff'

/**
 * Adds the entry, unless arm64 programs start already.
 *
 * @param {string} probe an arm64 program
 * @param {string} interpreter the path of qemu-aarch64
 * @returns {() => void} removes the entry
 */
export function startArm64(probe, interpreter) {
  // The entry of another run does not count, because that run removes it at its end.
  if (starts(probe) && entries().length === 0) return () => {}
  if (process.getuid?.() !== 0) {
    throw new Error('Starting arm64 programs needs an entry in binfmt_misc, which only root can add')
  }
  const mounted = !existsSync(`${table}/register`)
  if (mounted) execFileSync('mount', ['-t', 'binfmt_misc', 'binfmt_misc', table])
  const name = `${prefix}${process.pid}`
  // O: the kernel opens the program for qemu; C: with the credentials of the program; F: qemu is opened now.
  writeFileSync(`${table}/register`, `:${name}:M::${magic}:${mask}:${interpreter}:OCF`)
  const undo = () => {
    process.off('exit', undo).off('SIGINT', interrupt).off('SIGTERM', interrupt)
    writeFileSync(`${table}/${name}`, '-1')
    if (mounted && entries().length === 0) execFileSync('umount', [table])
  }
  // The entry is also removed if the run is interrupted.
  process.once('exit', undo).once('SIGINT', interrupt).once('SIGTERM', interrupt)
  if (starts(probe)) return undo
  undo()
  throw new Error(`${probe} cannot be executed by ${interpreter}`)
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
