// What comes from Debian: where it is missing it is installed, by root on Debian itself, or else named.

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import process from 'node:process'

/**
 * Sees to it that these packages are installed. A name may end in an architecture, as in `libc6:arm64`.
 *
 * @param {readonly string[]} packages
 * @param {string} purpose for the message
 */
export function needDebian(packages, purpose) {
  if (!existsSync('/usr/bin/dpkg')) {
    throw new Error(`${purpose} needs packages of Debian, and this is no Debian: ${packages.join(' ')}`)
  }
  const missing = packages.filter((name) => !isInstalled(name))
  if (missing.length === 0) return
  const foreign = [...new Set(missing.flatMap((name) => name.split(':')[1] ?? []))].filter(
    (architecture) => !architectures().includes(architecture),
  )
  if (process.getuid?.() !== 0) {
    const commands = foreign.map((architecture) => `dpkg --add-architecture ${architecture}`)
    commands.push('apt-get update', `apt-get install --no-install-recommends ${missing.join(' ')}`)
    throw new Error(`${purpose} needs packages that are not installed. As root:\n  ${commands.join('\n  ')}`)
  }
  console.log(`installing ${missing.join(' ')}`)
  for (const architecture of foreign) execFileSync('dpkg', ['--add-architecture', architecture], { stdio: 'inherit' })
  const options = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }
  execFileSync('apt-get', ['update', '-qq'], options)
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], options)
}

/** The file of an installed package whose path ends so. */
export function fileOf(name, ending) {
  const files = execFileSync('dpkg', ['-L', name], { encoding: 'utf8' }).split('\n')
  const found = files.find((file) => file.endsWith(ending))
  if (found === undefined) throw new Error(`The Debian package ${name} has no file ${ending}.`)
  return found
}

function isInstalled(name) {
  try {
    const status = execFileSync('dpkg-query', ['-W', '-f', '${Status}\n', name], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return status.includes('install ok installed')
  } catch {
    return false
  }
}

function architectures() {
  return execFileSync('dpkg', ['--print-foreign-architectures'], { encoding: 'utf8' }).split('\n')
}
