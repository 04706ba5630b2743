import { spawnSync } from 'node:child_process'
import { constants, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import test from 'ava'
import { runFixture } from '../helpers/child.js'
import { always, at, checkKind, existing, type Make, notMappable, opened, works } from '../helpers/kinds.js'
import { canMountDisks, onDevice } from '../helpers/failing-disks.js'
import { survives } from '../helpers/survive.js'
import { counting, tempDir } from '../helpers/temp.js'

const { O_RDONLY, O_RDWR } = constants
const beyond = /^ERR_OUT_OF_RANGE /

const folder = always(notMappable('directory', 'name a file in it'))
test.serial('a directory cannot be mapped', at, (_, directory) => directory, folder)
test.serial('an open directory cannot be mapped', at, (_, directory) => `open:${O_RDONLY}:${directory}`, folder)
test.serial(
  'a directory without permissions cannot be mapped',
  at,
  (_, directory) => {
    mkdirSync(path.join(directory, 'closed'), 0o000)
    return path.join(directory, 'closed')
  },
  folder,
)

const pipe = always(notMappable('pipe', 'stream'))
const makeFifo: Make = (_, directory) => {
  const fifo = path.join(directory, 'fifo')
  return spawnSync('mkfifo', [fifo]).status === 0 ? fifo : ''
}
test.serial('a FIFO without a writer cannot be mapped, and the call does not wait', at, makeFifo, pipe)
test.serial(
  'an open FIFO cannot be mapped',
  at,
  async (t, directory) => `open:${O_RDWR}:${await makeFifo(t, directory)}`,
  pipe,
)
test.serial('opening a FIFO does not wake a waiting writer', survives, 'torture/fifo.ts', 'through')
test.serial('the reading end of a pipe cannot be mapped', opened, 'the reading end of a pipe', pipe)
test.serial('the writing end of a pipe cannot be mapped', opened, 'the writing end of a pipe', pipe)

const socket = always(notMappable('socket', 'stream'))
const listening: Make = (t, directory) => {
  const server = net.createServer().listen(path.join(directory, 'socket'))
  t.teardown(() => server.close())
  return new Promise((resolve) => server.on('listening', () => resolve(path.join(directory, 'socket'))))
}
test.serial('the path of a socket cannot be mapped', at, listening, socket)
for (const name of ['a socket pair', 'a connected TCP socket', 'a listening TCP socket', 'a UDP socket']) {
  test.serial(`${name} cannot be mapped`, opened, name, socket)
}

const device = always(notMappable('character device', 'read it with fs'))
for (const name of ['null', 'full', 'random', 'urandom', 'tty', 'ptmx', 'kmsg', 'fuse', 'kvm', 'net/tun', 'rtc0']) {
  test.serial(`the device ${name} cannot be mapped`, at, existing(`/dev/${name}`), device)
}
test.serial('the open device null cannot be mapped', at, () => `open:${O_RDWR}:/dev/null`, device)
test.serial('a terminal cannot be mapped', opened, 'a terminal', device)

if (process.platform === 'linux') {
  const endless = notMappable('zero device', "'length'")
  const zeros = { r: works, strict: works, c: works, 'r+': works }
  const zero = { r: endless, strict: endless, c: endless, 'r+': endless, given: zeros }
  test.serial('the device zero can be mapped with a length', at, () => '/dev/zero', zero)
  test.serial('the open device zero can be mapped with a length', at, () => `open:${O_RDWR}:/dev/zero`, zero)
}

test.serial('a block device can be mapped with a length up to its size', async (t) => {
  if (!canMountDisks(t)) return
  const cwd = tempDir(t)
  const image = path.join(cwd, 'image')
  writeFileSync(image, counting(1 << 20))
  const unsized = notMappable('block device', "'length'")
  const modes = { r: unsized, strict: unsized, c: unsized, 'r+': unsized }
  await checkKind(
    t,
    cwd,
    { ...modes, given: { r: works, strict: works, c: works, 'r+': works } },
    { through: onDevice },
  )
  t.true(readFileSync(image).equals(counting(1 << 20)))
  const { code, stdout } = await runFixture('torture/disk.ts', { cwd, through: onDevice, node: ['--no-warnings'] })
  t.deepEqual({ code, stdout }, { code: 0, stdout: 'through\n' })
  t.true(readFileSync(image).equals(counting(1 << 20)))
})
test.serial(
  'a block device without a medium cannot be mapped',
  at,
  () => {
    // The last free device, since other programs take the first one.
    const byNumber = (one: string, other: string) => Number(one.slice(4)) - Number(other.slice(4))
    const free = (name: string) => name.startsWith('loop') && readFileSync(`/sys/block/${name}/size`, 'utf8') === '0\n'
    const name =
      existsSync('/sys/block') &&
      process.getuid?.() === 0 &&
      readdirSync('/sys/block').filter(free).toSorted(byNumber).at(-1)
    return name && existsSync(`/dev/${name}`) ? `/dev/${name}` : ''
  },
  {
    r: notMappable('block device'),
    strict: notMappable('block device'),
    given: { r: beyond, strict: beyond, c: beyond },
  },
)

// Files that the kernel generates.

const virtual = notMappable('virtual file', 'read it with fs')
const madeUp = { r: virtual, strict: virtual, c: virtual, 'r+': new RegExp(`${virtual.source}|^(EACCES|EPERM|EIO) `) }
const files = [
  '/proc/cpuinfo',
  '/proc/version',
  '/proc/config.gz',
  '/proc/self/maps',
  '/proc/self/status',
  '/proc/self/ns/mnt',
  '/proc/sys/kernel/ostype',
  '/sys/kernel/mm/transparent_hugepage/enabled',
  '/sys/devices/system/cpu/online',
  '/sys/kernel/btf/vmlinux',
  '/sys/fs/cgroup/cgroup.procs',
  '/sys/fs/cgroup/cpu/cgroup.procs',
]
for (const file of files) {
  const outside = new RegExp(`${virtual.source}|${beyond.source}`)
  const given = { r: outside, strict: outside, c: outside, 'r+': new RegExp(`${outside.source}|^(EACCES|EPERM|EIO) `) }
  test.serial(`${file} cannot be mapped`, at, existing(file), { ...madeUp, given })
}

const object = always(notMappable('kernel object', 'only files'))
for (const name of ['an eventfd', 'a timerfd', 'a signalfd', 'an epoll set', 'an inotify set', 'a pidfd']) {
  test.serial(`${name} cannot be mapped`, opened, name, object)
}
const queue = /^ERR_MEMMAP_NOT_MAPPABLE /
test.serial('a message queue cannot be mapped', opened, 'a message queue', {
  r: queue,
  c: queue,
  given: { r: beyond, c: beyond },
})
