/**
 * Disks that fail on demand: commands that set one up and then start Node, for the option `through`. They need root on Linux.
 * Mounts are in a mount namespace of their own, and a loop device ends with its last user, so nothing remains.
 */
import { spawnSync } from 'node:child_process'
import type { ExecutionContext } from 'ava'

/** Runs Node in a small tmpfs. */
export const inTmpfs = mounting('mkdir disk; mount -t tmpfs -o size=2m memmap-test disk; cd disk')

const image = 'truncate -s 16M image; mkfs.ext4 -q -F -m 0 -O ^has_journal image; mkdir disk; mount -o loop image disk'

/** Runs Node in a small ext4 without blocks reserved for root. */
export const inExt4 = mounting(`${image}; cd disk`)

/** Runs Node in a tmpfs, an ext4 or an xfs with room for some files. */
export const inLargeTmpfs = mounting('mkdir disk; mount -t tmpfs -o size=200m memmap-test disk; cd disk')
export const inLargeExt4 = mounting(
  'truncate -s 400M image; mkfs.ext4 -q -F image; mkdir disk; mount -o loop image disk; cd disk',
)
export const inLargeXfs = mounting(
  'truncate -s 400M image; mkfs.xfs -q image; mkdir disk; mount -o loop image disk; cd disk',
)

/** Runs Node in an ext4 of 64 MiB on a disk that has 8 MiB. */
export const onThinDisk = mounting(
  'mkdir under disk; mount -t tmpfs -o size=8m memmap-test under; truncate -s 64M under/image; ' +
    'mkfs.ext4 -q -F -O ^has_journal under/image; mount -o loop under/image disk; cd disk',
)

/** The file `data` lies in an ext4 as `disk/data`, and none of it is in the page cache. The disk is the file `image`. */
export const onExt4 = mounting(`${image}; cp data disk; umount disk; mount -o loop,ro image disk`)

/** The file `image` becomes a block device, whose name is appended to the arguments. */
export const onDevice = mounting(
  'device=$(losetup --find --show image); exec 9<$device; losetup --detach $device; set -- "$@" $device',
)

/** Returns true if this machine can set up such a disk; otherwise it logs that, and the test passes. */
export function canMountDisks(t: ExecutionContext<unknown>, ...programs: string[]): boolean {
  const reason = obstacle(programs)
  if (reason === undefined) return true
  t.log(`Left out: ${reason}`)
  t.pass()
  return false
}

function mounting(script: string): string[] {
  return ['unshare', '--mount', 'sh', '-ec', `${script}; exec "$@"`, 'sh']
}

function obstacle(programs: readonly string[]): string | undefined {
  if (process.platform !== 'linux') return 'it needs Linux'
  if (process.getuid?.() !== 0) return 'it needs root'
  // In a container, even root may not mount.
  const needed = ['mkfs.ext4', ...programs]
  const mount = `mount -t tmpfs memmap-test /mnt && losetup --find && command -v ${needed.join(' && command -v ')}`
  if (spawnSync('unshare', ['--mount', 'sh', '-c', mount]).status === 0) return undefined
  return `it needs the right to mount, a loop device and ${needed.join(', ')}`
}
