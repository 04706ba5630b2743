// Installs packages of Debian, if the process runs as root on Debian; otherwise names the missing packages.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'

const quiet = {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
}

/**
 * Installs the packages that are missing. A name may end in an architecture, as in `libc6:arm64`.
 *
 * @param {readonly string[]} packages
 * @param {string} purpose for the message
 */
export function needDebian(packages, purpose) {
  if (!existsSync('/usr/bin/dpkg')) {
    throw new Error(`${purpose} needs packages of Debian, and this system is not Debian: ${packages.join(' ')}`)
  }
  const missing = packages.filter((name) => !isInstalled(name))
  if (missing.length === 0) return
  if (process.getuid?.() !== 0) {
    const commands = missingArchitectures(missing).map((architecture) => `dpkg --add-architecture ${architecture}`)
    commands.push('apt-get update', `apt-get install --no-install-recommends ${missing.join(' ')}`)
    throw new Error(`${purpose} needs packages that are not installed. As root:\n  ${commands.join('\n  ')}`)
  }
  console.log(`installing ${missing.join(' ')}`)
  update(missing)
  execFileSync(
    'apt-get',
    ['-o', 'DPkg::Lock::Timeout=300', 'install', '-y', '-qq', '--no-install-recommends', ...missing],
    quiet,
  )
}

/** Unpacks a package, in the form `name:architecture=version`, into a folder. Nothing is installed. */
export function unpackDebian(name, folder) {
  if (!isListed(name)) update([name])
  const scratch = mkdtempSync(path.join(folder, 'package-'))
  // apt downloads as the system user `_apt`, which cannot write into this folder.
  execFileSync('apt-get', ['-o', 'APT::Sandbox::User=root', '-qq', 'download', name], { ...quiet, cwd: scratch })
  const [archive] = readdirSync(scratch)
  execFileSync('dpkg-deb', ['-x', path.join(scratch, archive), folder])
  rmSync(scratch, { recursive: true })
}

/** Returns the version of an installed package. */
export function versionOf(name) {
  return execFileSync('dpkg-query', ['-W', '-f', '${Version}', name], { encoding: 'utf8' })
}

/** Updates the lists of apt, for every architecture of these packages. */
function update(packages) {
  for (const architecture of missingArchitectures(packages))
    execFileSync('dpkg', ['--add-architecture', architecture], { stdio: 'inherit' })
  execFileSync('apt-get', ['update', '-qq'], quiet)
}

function missingArchitectures(packages) {
  const wanted = packages.flatMap((name) => name.split('=')[0].split(':')[1] ?? [])
  const known = execFileSync('dpkg', ['--print-foreign-architectures'], { encoding: 'utf8' }).split('\n')
  return [...new Set(wanted)].filter((architecture) => !known.includes(architecture))
}

function isListed(name) {
  try {
    return execFileSync('apt-cache', ['show', name], { stdio: ['ignore', 'pipe', 'ignore'] }).length > 0
  } catch {
    return false
  }
}

/** Returns the file of an installed package whose path has this ending. */
export function fileOf(name, ending) {
  const files = execFileSync('dpkg', ['-L', name], { encoding: 'utf8' }).split('\n')
  const found = files.find((file) => file.endsWith(ending))
  if (found === undefined) throw new Error(`The Debian package ${name} has no file ${ending}`)
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
