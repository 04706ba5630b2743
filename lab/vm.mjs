// A virtual machine in qemu: a Debian kernel, and a file system in memory that holds the files to run.
//
// No tool serves: a ready image has pages of 4 KiB, and few systems have the kernel with 16 KiB.

import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileOf, needDebian, unpackDebian } from './debian.mjs'
import { root } from '../scripts/run.mjs'

const cache = process.env.MEMMAP_CROSS_CACHE ?? path.join(root, '.cross')

// The libraries that Node is linked against, and the loader.
const libraries = {
  libc6: ['ld-linux-aarch64.so.1', 'libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'librt.so.1'],
  'libstdc++6': ['libstdc++.so.6'],
  'libgcc-s1': ['libgcc_s.so.1'],
  libatomic1: ['libatomic.so.1'],
}

/**
 * Boots an arm64 machine with pages of 16 KiB, runs a shell script in it, and returns the output.
 *
 * @param {{ script: string, files: Record<string, string>, minutes: number }} work `files` maps paths in the machine to paths on
 *   the host
 */
export async function bootArm64With16KiBPages({ script, files, minutes }) {
  const packages = Object.keys(libraries)
  needDebian(
    ['qemu-system-arm', 'cpio', 'busybox-static:arm64', ...packages.map((name) => `${name}:arm64`)],
    'A machine with 16 KiB pages',
  )
  const kernel = findKernel()
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'memmap-vm-'))
  try {
    const image = makeImage(scratch, script, files)
    return await boot(kernel, image, minutes)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Returns the newest kernel with pages of 16 KiB that Debian has. It is unpacked, not installed. */
function findKernel() {
  const home = path.join(cache, 'kernel-16k')
  const found = () => readdirSync(home, { recursive: true }).find((name) => /(?:^|\/)vmlinuz-/.test(name))
  if (existsSync(home) && found()) return path.join(home, found())
  const listed = execFileSync('apt-cache', ['search', '--names-only', '^linux-image-[0-9].*-arm64-16k-unsigned$'], {
    encoding: 'utf8',
  })
  const newest = listed
    .split('\n')
    .flatMap((line) => line.split(' ')[0] || [])
    .toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }))
    .at(-1)
  if (newest === undefined) throw new Error('This Debian has no kernel with pages of 16 KiB (try its backports)')
  console.log(`fetching ${newest}`)
  mkdirSync(home, { recursive: true })
  unpackDebian(`${newest}:arm64`, home)
  return path.join(home, found())
}

function makeImage(scratch, script, files) {
  const tree = path.join(scratch, 'root')
  for (const name of ['bin', 'dev', 'etc', 'lib', 'proc', 'sys', 'tmp'])
    mkdirSync(path.join(tree, name), { recursive: true })
  cpSync(fileOf('busybox-static:arm64', '/busybox'), path.join(tree, 'bin', 'busybox'))
  for (const [name, list] of Object.entries(libraries)) {
    for (const library of list)
      cpSync(realpathSync(fileOf(`${name}:arm64`, `/${library}`)), path.join(tree, 'lib', library))
  }
  for (const [there, here] of Object.entries(files)) {
    cpSync(here, path.join(tree, there), { recursive: true, dereference: true })
  }
  const init = [
    '#!/bin/busybox sh',
    '/bin/busybox --install -s /bin',
    'export PATH=/bin HOME=/tmp LD_LIBRARY_PATH=/lib',
    'mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp',
    'ln -s /proc/self/fd /dev/fd; ip link set lo up',
    script,
    'poweroff -f',
  ]
  writeFileSync(path.join(tree, 'init'), `${init.join('\n')}\n`)
  chmodSync(path.join(tree, 'init'), 0o755)
  const image = path.join(scratch, 'image.gz')
  execFileSync('sh', ['-c', `find . | cpio --quiet -o -H newc | gzip -1 > "${image}"`], { cwd: tree })
  return image
}

function boot(kernel, image, minutes) {
  const args = ['-M', 'virt', '-cpu', 'max,pauth-impdef=on', '-accel', 'tcg,thread=multi', '-smp', '2', '-m', '3072']
  args.push(
    // No network: it is not needed, and its firmware is in another package.
    '-nic',
    'none',
    '-nographic',
    '-no-reboot',
    '-kernel',
    kernel,
    '-initrd',
    image,
    '-append',
    // Without these the kernel prints warnings into the output of the specs if the host is busy.
    'console=ttyAMA0 quiet panic=-1 nowatchdog rcupdate.rcu_cpu_stall_suppress=1',
  )
  const child = spawn('qemu-system-aarch64', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    process.stdout.write(text)
    output += text
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), minutes * 60_000)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => {
      clearTimeout(timer)
      resolve(output.replaceAll('\r', ''))
    })
  })
}
