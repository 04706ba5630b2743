// Starts Windows programs on Linux: wine 10, in a Debian 13 of its own, because older versions of wine do not start Node 24 and
// later. debootstrap makes this system once. It is entered by chroot in a mount namespace of its own, which ends with the program.
//
// No tool serves: a container needs a running container engine.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { needDebian } from './debian.mjs'
import { root } from '../scripts/run.mjs'
import { cache } from './toolchain.mjs'

const SUITE = 'trixie'

// The system reaches the archive in the same way as this machine. dpkg needs no fsync, since the system can be made again.
const SET_UP = `
debootstrap --variant=minbase "$1" "$2"
cp -r /etc/apt/apt.conf.d/. "$2/etc/apt/apt.conf.d/"
cp /etc/resolv.conf "$2/etc/"
echo force-unsafe-io >"$2/etc/dpkg/dpkg.cfg.d/unsafe-io"
chroot "$2" apt-get update -qq
chroot "$2" apt-get install -y -qq --no-install-recommends wine wine64
`

/** Returns why Windows programs cannot be started here, or undefined if they can. */
export function whyNoWine() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'wine is set up on Linux x64 alone'
  if (process.getuid?.() !== 0) return 'wine is started in a chroot, which only root can enter'
  if (!existsSync('/usr/bin/dpkg')) return 'wine comes from Debian, and this is no Debian'
  return undefined
}

/** Starts Windows programs in the Debian of the folder `system`, with this project and `folders` at the same paths as outside. */
export function startWine(system, folders) {
  const shown = [...new Set([root, ...folders].map((folder) => realpathSync(folder)))]
  const enter = [
    'set -e',
    `mount -t proc proc ${quote(path.join(system, 'proc'))}`,
    `mount --rbind /dev ${quote(path.join(system, 'dev'))}`,
    ...shown.map((folder) => `mount --rbind ${quote(folder)} ${quote(path.join(system, folder))}`),
    `exec chroot ${quote(system)} /bin/sh -c 'cd "$0" && exec timeout --kill-after=5 "$@"' "$@"`,
  ].join('\n')
  for (const folder of shown) mkdirSync(path.join(system, folder), { recursive: true })

  // Each run has a Windows of its own: its server sees the folders of its start, and stopping it ends all its programs.
  const prefix = `/tmp/memmap-wine-${process.pid}`
  removeLeftOvers(system)
  const environment = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/opt',
    USER: 'memmap',
    XDG_RUNTIME_DIR: '/tmp',
    WINEPREFIX: prefix,
    WINEDEBUG: '-all',
    // Otherwise wine asks whether to install them.
    WINEDLLOVERRIDES: 'mscoree,mshtml=',
  }

  let runs = 0
  /**
   * Runs a program to its end. Its output goes into a file, because libuv for Windows cannot use the pipes of Unix.
   *
   * @returns {Promise<{ code: number, output: string }>}
   */
  function run(command, { cwd = root, env = {}, seconds = 600 } = {}) {
    const log = path.join(system, 'tmp', `memmap-${process.pid}-${runs++}.txt`)
    const out = openSync(log, 'w')
    const args = ['--mount', '--propagation', 'private', '/bin/sh', '-c', enter, 'sh', realpathSync(cwd)]
    const child = spawn('unshare', [...args, String(seconds), ...command], {
      env: { ...environment, ...env },
      stdio: ['ignore', out, out],
    })
    closeSync(out)
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => {
        const output = readFileSync(log, 'utf8')
        rmSync(log)
        resolve({ code: code ?? 1, output })
      })
    })
  }

  return {
    run: async (program, args, options) => {
      const command = ['wine', realpathSync(program), ...args]
      const result = await run(command, options)
      // Two programs that start together may find the server of wine at its end. Such a program has not started at all.
      return /^wine client error:\d+: .*\s*$/.test(result.output) ? run(command, options) : result
    },
    /** Ends all programs, and removes the folder of this Windows. */
    stop: async () => {
      await run(['wineserver', '-k', '-w'])
      rmSync(path.join(system, prefix), { recursive: true, force: true })
    },
    /** Makes the Windows before several programs start at once. Returns the version of wine. */
    begin: async () => {
      await run(['wineboot', '--init'])
      return (await run(['wine', '--version'])).output.trim()
    },
  }
}

/**
 * Makes a Debian that has wine, if it does not exist. Runs next to other work.
 *
 * @returns {Promise<string>} its folder
 */
export async function prepareWine() {
  const system = process.env.MEMMAP_WINE_SYSTEM ?? path.join(cache, `wine-${SUITE}`)
  // The command itself is a link, which does not resolve outside of the chroot.
  if (existsSync(path.join(system, 'usr', 'lib', 'wine'))) return system
  needDebian(['debootstrap'], 'Setting wine up')
  console.log(`setting up Debian ${SUITE} with wine (two minutes, once)`)
  const unfinished = `${system}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  const child = spawn('sh', ['-ec', SET_UP, 'sh', SUITE, unfinished], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`Debian ${SUITE} with wine could not be set up: exit code ${code}`)
  // Renamed when it is complete, so an existing folder is always complete.
  renameSync(unfinished, system)
  return system
}

/** Removes the folders of runs that were killed. */
function removeLeftOvers(system) {
  const folder = path.join(system, 'tmp')
  for (const name of readdirSync(folder)) {
    const owner = /^memmap-wine-(\d+)$/.exec(name)?.[1]
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) rmSync(path.join(folder, name), { recursive: true })
  }
}

function quote(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
