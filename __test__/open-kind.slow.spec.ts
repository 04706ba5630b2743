import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, constants, copyFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import { always, at, type Make, makeFile, opened, openedWith, reads, rigged, works } from './helpers/kinds.js'
import { inExt4, inTmpfs } from './helpers/failing-disks.js'
import { survives } from './helpers/survive.js'

// Regular files by the rights of their descriptor.

const { O_RDONLY, O_RDWR, O_WRONLY, O_APPEND, O_DIRECT = 0 } = constants
const O_PATH = 0o10000000
const forReading = /^EACCES .*, mmap: the descriptor was opened for reading only; .*'r\+'/
const forWriting = /^EACCES .*, mmap: the descriptor was opened for writing only/

test.serial('a file opened for reading can be mapped for reading only', at, openedWith(O_RDONLY), {
  ...reads,
  'r+': forReading,
  'w+': forReading,
})
test.serial('a file opened for writing cannot be mapped', at, openedWith(O_WRONLY), always(forWriting))
test.serial(
  'a file opened for appending only cannot be mapped',
  at,
  openedWith(O_WRONLY | O_APPEND),
  always(forWriting),
)
test.serial('a file opened for reading and writing can be mapped in every mode', at, openedWith(O_RDWR), {
  ...reads,
  'r+': works,
})
test.serial('a file opened for reading and appending can be mapped in every mode', at, openedWith(O_RDWR | O_APPEND), {
  ...reads,
  'r+': works,
})
test.serial('a file opened with O_DIRECT can be mapped in every mode', at, openedWith(O_RDWR | O_DIRECT), {
  ...reads,
  'r+': works,
})
if (process.platform === 'linux') {
  test.serial('a file opened with O_PATH cannot be mapped', at, openedWith(O_PATH), always(/^EBADF .*O_PATH/))
}

// Regular files by the rules of their file system.

const contents = 'head -c 10240 /dev/urandom > file'
const appendOnly = `${contents}; chattr +a file`
const appends = /^(EPERM|EACCES) .*append-only/
test.serial('an append-only file can be mapped for reading only', rigged, inExt4, appendOnly, 'file', {
  ...reads,
  'r+': appends,
  'w+': appends,
})
test.serial(
  'an append-only file opened for appending can be mapped in modes r and c',
  rigged,
  inExt4,
  appendOnly,
  `open:${O_RDWR | O_APPEND}:file`,
  {
    r: works,
    c: works,
    strict: appends,
    'r+': appends,
  },
)
const immutable = /^EPERM .*immutable/
test.serial('an immutable file can be mapped for reading only', rigged, inExt4, `${contents}; chattr +i file`, 'file', {
  ...reads,
  'r+': immutable,
  'w+': immutable,
})
const readOnly = /^EROFS .*read-only file system, open 'file'/
test.serial(
  'a file of a read-only file system can be mapped for reading only',
  rigged,
  inTmpfs,
  `${contents}; mount -o remount,ro .`,
  'file',
  {
    ...reads,
    'r+': readOnly,
    'w+': readOnly,
  },
)
test.serial(
  'a missing file of a read-only file system cannot be created',
  rigged,
  inTmpfs,
  'mount -o remount,ro .',
  'file',
  {
    r: /^ENOENT/,
    'r+': /^ENOENT/,
    'w+': readOnly,
  },
)

const running: Make = (t, directory) => {
  const program = path.join(directory, 'program')
  copyFileSync('/bin/sleep', program)
  chmodSync(program, 0o755)
  const child: ChildProcess = spawn(program, ['60'], { stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  return new Promise((resolve) => child.on('spawn', () => resolve(program)))
}
const busy = /^ETXTBSY .*, open '.*': the file is a program that is running/
test.serial('a running program can be mapped for reading only', at, running, { ...reads, 'r+': busy, 'w+': busy })

const beyond = /^ERR_OUT_OF_RANGE /
const empty = { ...reads, 'r+': works }
const emptyFile: Make = (_, directory) => makeFile(directory, new Uint8Array())
test.serial('an empty file can be mapped in every mode', at, emptyFile, {
  ...empty,
  given: { r: beyond, strict: beyond, c: beyond, 'r+': beyond },
})

// Files in memory only.

const sealed = /^EPERM .*, mmap: the memory file is sealed against writing; map it with mode 'r' or 'c'/
const file = { ...reads, 'r+': works }
test.serial('a deleted file can be mapped in every mode', opened, 'a deleted file', file)
test.serial('a memory file can be mapped in every mode', opened, 'a memory file', file)
test.serial(
  'a memory file sealed against resizing can be mapped in every mode',
  opened,
  'a memory file sealed against shrinking',
  file,
)
test.serial(
  'a memory file sealed against writes can be mapped for reading only',
  opened,
  'a memory file sealed against writing',
  {
    ...reads,
    // Linux before 6.7 counts a mapping that could be made writable as a writer.
    strict: new RegExp(`${works.source}|${sealed.source}`),
    'r+': sealed,
  },
)
test.serial(
  'a memory file sealed against future writes can be mapped for reading only',
  opened,
  'a memory file sealed against future writing',
  {
    ...reads,
    'r+': sealed,
  },
)
const shared = /^ERR_MEMMAP_NOT_MAPPABLE .*can't be mapped privately.*'r\+'/
test.serial('secret memory can only be mapped shared', opened, 'secret memory', {
  r: shared,
  c: shared,
  strict: works,
  'r+': works,
})

// Paths without a file.

const nowhere = (directory: string) => path.join(directory, 'nothing')
const noEntry = /^ENOENT ENOENT: no such file or directory, open '.*nothing'$/
test.serial('a missing file throws ENOENT', at, (_, directory) => nowhere(directory), {
  r: noEntry,
  strict: noEntry,
  c: noEntry,
  'r+': noEntry,
})
const dangling: Make = (_, directory) => {
  symlinkSync(nowhere(directory), path.join(directory, 'link'))
  return path.join(directory, 'link')
}
const noTarget = /^ENOENT ENOENT: no such file or directory, open '.*link'$/
test.serial('a dangling link throws ENOENT', at, dangling, {
  r: noTarget,
  strict: noTarget,
  c: noTarget,
  'r+': noTarget,
})
const looping: Make = (_, directory) => {
  const [one, two] = ['one', 'two'].map((name) => path.join(directory, name)) as [string, string]
  symlinkSync(one, two)
  symlinkSync(two, one)
  return one
}
test.serial(
  'a loop of links throws ELOOP',
  at,
  looping,
  always(/^ELOOP ELOOP: too many symbolic links encountered, open '.*one'$/),
)
test.serial(
  'a path through a file throws ENOTDIR',
  at,
  (_, directory) => path.join(makeFile(directory), 'x'),
  always(/^ENOTDIR .*, open /),
)
test.serial(
  'a name that is too long throws ENAMETOOLONG',
  at,
  (_, directory) => path.join(directory, 'x'.repeat(5000)),
  always(/^ENAMETOOLONG .*, open /),
)

test.serial('a path that fs cannot open is refused with the error of fs', survives, 'torture/paths.ts', 'through')

// Such a file allows only private mappings.
const fuse = path.join(import.meta.dirname, 'fixtures', 'torture', 'fuse.py')
const mountFuse = ['unshare', '--mount', 'python3', fuse]
const unshared = /^ERR_MEMMAP_NOT_MAPPABLE .*does not let the file be shared.*'r' or 'c'/
test.serial('a FUSE file with direct I/O can only be mapped privately', rigged, mountFuse, 'true', 'file', {
  r: works,
  c: works,
  strict: unshared,
  'r+': unshared,
})
