import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { runFixture } from '../helpers/child.js'
import { canMountDisks, inExt4, inTmpfs, onThinDisk } from '../helpers/failing-disks.js'
import { tempDir } from '../helpers/temp.js'

const fixtures = path.join(import.meta.dirname, '..', 'fixtures')
const has = (tool: string): boolean => spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined

const systems: Readonly<Record<string, { readonly size: string; readonly make: string; readonly tool: string }>> = {
  ext4: { size: '64M', make: 'mkfs.ext4 -q -F image', tool: 'mkfs.ext4' },
  xfs: { size: '300M', make: 'mkfs.xfs -q -f image', tool: 'mkfs.xfs' },
}

/** Returns a command line that runs a command with a file system, mounted at `mnt`, on a disk that fails on request. */
function onFailingDisk(name: keyof typeof systems): string[] {
  const { size, make } = systems[name]!
  const inside = `mount -t ${name} -o loop disk/image mnt; "$@"; umount mnt; umount disk`
  const disk = `python3 '${path.join(fixtures, 'power-cut', 'disk.py')}' image log`
  const script = `mkdir mnt; truncate -s ${size} image; ${make}; exec ${disk} sh -ec '${inside}' sh "$@"`
  return ['unshare', '--mount', 'sh', '-ec', script, 'sh']
}

function canFail(t: ExecutionContext, name: keyof typeof systems): boolean {
  if (!canMountDisks(t)) return false
  if (existsSync('/dev/fuse') && has('python3') && has(systems[name]!.tool)) return true
  t.log(`Left out: it needs FUSE, python3 and ${systems[name]!.tool}`)
  t.pass()
  return false
}

const remembers = test.macro(async (t: ExecutionContext, name: string, number: string, code: string) => {
  if (!canFail(t, name)) return
  const options = { cwd: tempDir(t), node: ['--no-warnings'], through: onFailingDisk(name), args: [number, code] }
  const outcome = await runFixture('flush/disk.ts', options)
  t.deepEqual(outcome, { code: 0, signal: null, stdout: 'through\n', stderr: '' })
})

const forgets = test.macro((t: ExecutionContext, name: string) => {
  if (!canFail(t, name)) return
  const [command = '', ...args] = [...onFailingDisk(name), 'python3', path.join(fixtures, 'flush', 'fsyncgate.py')]
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: tempDir(t), encoding: 'utf8', timeout: 60_000 })
  t.deepEqual({ status, stderr }, { status: 0, stderr: '' })
  const io = 'Input/output error'
  t.deepEqual(stdout.trim().split('\n'), [
    `msync: ${io} OK OK`,
    `fsync of a descriptor opened before: ${io} OK`,
    'fsync of a descriptor opened after: OK',
    'the mapping has: doomed!!',
    'without the cache the file has: oooooooo',
  ])
})

const fills = test.macro(async (t: ExecutionContext, fixture: string, through: readonly string[]) => {
  if (!canMountDisks(t)) return
  const outcome = await runFixture(fixture, { cwd: tempDir(t), node: ['--no-warnings'], through })
  t.deepEqual(outcome, { code: 0, signal: null, stdout: 'through\n', stderr: '' })
})

test.serial(
  'on a full tmpfs a flush reports the pages without room, and replaceFile() fails',
  fills,
  'flush/full.ts',
  inTmpfs,
)
test.serial(
  'on a full ext4 a flush reports the pages without room, and replaceFile() fails',
  fills,
  'flush/full.ts',
  inExt4,
)
test.serial(
  'an overcommitted disk that runs full fails the flush and every later one',
  fills,
  'flush/thin.ts',
  onThinDisk,
)

for (const name of Object.keys(systems)) {
  test.serial(`${name} reports a failed write once, then reports success`, forgets, name)
  test.serial(
    `after an I/O error on ${name} no flush of the file succeeds until it is opened again`,
    remembers,
    name,
    '5',
    'EIO',
  )
  test.serial(
    `after a full disk under ${name} no flush of the file succeeds until it is opened again`,
    remembers,
    name,
    '28',
    'ENOSPC',
  )
}
