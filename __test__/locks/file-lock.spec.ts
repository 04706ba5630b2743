import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { capabilities, fileLock, fileLockSync, locks, mmapSync, testFileLock, tryFileLock } from '../../index.js'
import { tempDir, tempFile } from '../helpers/temp.js'
import { until } from '../helpers/iterations.js'

const mine = (file: string) => locks().filter((one) => one.path === file)

test('a path, a URL, bytes, a descriptor and a FileHandle name the same file', async (t) => {
  const file = tempFile(t, 10)
  const fd = openSync(file, 'r+')
  const handle = await open(file, 'r+')
  for (const source of [file, pathToFileURL(file), Buffer.from(file), fd, handle]) {
    const lock = await fileLock(source)
    t.is(tryFileLock(file), null)
    t.is(testFileLock(source), 'exclusive')
    lock.unlock()
    fileLockSync(source).unlock()
    tryFileLock(source)?.unlock()
    t.is(testFileLock(file), 'free')
  }
  closeSync(fd)
  await handle.close()
})

test('closing the descriptor does not release the lock', async (t) => {
  const file = tempFile(t, 10)
  const handle = await open(file, 'r+')
  const lock = await fileLock(handle)
  await handle.close()
  t.is(lock.path, undefined)
  t.is(testFileLock(file), 'exclusive')
  lock.unlock()
  t.is(testFileLock(file), 'free')
})

test('mappings and paths exclude each other', async (t) => {
  const file = tempFile(t, 10)
  const mapping = mmapSync(file, { mode: 'r+' })
  const lock = await fileLock(file, { offset: 3, length: 2 })
  t.is(mapping.tryLock(), null)
  t.not(mapping.tryLock({ offset: 5 }), null)
  lock.unlock()
  mapping.closeSync()
})

test('create: true makes an empty file with mode 600', async (t) => {
  const file = path.join(tempDir(t), 'new.lock')
  const missing = { code: 'ENOENT', message: `ENOENT: no such file or directory, open '${file}'` }
  await t.throwsAsync(fileLock(file), missing)
  t.throws(() => fileLockSync(file), missing)
  t.throws(() => tryFileLock(file, { create: false }), missing)
  t.throws(() => testFileLock(file), { code: 'ENOENT' })
  t.false(existsSync(file))
  const lock = await fileLock(file, { create: true })
  const { mode, size } = statSync(file)
  t.deepEqual([mode & 0o777, size, lock.path], [0o600, 0, file])
  lock.unlock()
  t.true(existsSync(file))
})

test('an existing file is left as it is', (t) => {
  const file = tempFile(t, 'contents')
  fileLockSync(file, { create: true }).unlock()
  t.is(statSync(file).size, 8)
})

// Replaced files.

test('a waiter gets the lock of the file that has the path now', async (t) => {
  const file = tempFile(t, 'old')
  const old = fileLockSync(file)
  const wait = fileLock(file)
  await until(() => mine(file).some(({ state }) => state === 'waiting'))
  writeFileSync(`${file}.new`, 'new')
  renameSync(`${file}.new`, file)
  old.unlock()
  const lock = await wait
  t.is(testFileLock(file), 'exclusive')
  lock.unlock()
  t.is(testFileLock(file), 'free')
})

for (const create of [false, true]) {
  const end = create ? 'created again' : 'an error'
  test(`a file removed while its lock is waited for is ${end} with create: ${create}`, async (t) => {
    const file = tempFile(t, 'old')
    const old = fileLockSync(file)
    const wait = Promise.allSettled([fileLock(file, { create })])
    await until(() => mine(file).some(({ state }) => state === 'waiting'))
    unlinkSync(file)
    old.unlock()
    const [waited] = await wait
    if (waited.status === 'rejected') {
      t.false(create)
      t.is((waited.reason as NodeJS.ErrnoException).code, 'ENOENT')
      return
    }
    t.true(create)
    t.is(testFileLock(file), 'exclusive')
    waited.value.unlock()
  })
}

test('the lock of a mapping stays on its file when another file takes the path', (t) => {
  const file = tempFile(t, 'old')
  const mapping = mmapSync(file, { mode: 'r+' })
  const lock = mapping.lockSync()
  renameSync(file, `${file}.old`)
  writeFileSync(file, 'new')
  t.is(testFileLock(file), 'free')
  t.is(testFileLock(`${file}.old`), 'exclusive')
  lock.unlock()
  t.not(mapping.tryLock(), null)
  t.is(testFileLock(`${file}.old`), 'exclusive')
  mapping.closeSync()
})

test('an unlinked file can be locked', (t) => {
  const file = tempFile(t, 'old')
  const mapping = mmapSync(file, { mode: 'r+' })
  unlinkSync(file)
  t.true(mapping.lockSync().held)
  t.is(mapping.testLock(), 'exclusive')
  mapping.closeSync()
})

test('a symbolic link is followed', (t) => {
  const file = tempFile(t, 10)
  const link = `${file}.link`
  symlinkSync(file, link)
  const lock = fileLockSync(link)
  t.is(tryFileLock(file), null)
  lock.unlock()
})

// Refused calls.

test('an object that is not a file is refused, and the error names its kind', async (t) => {
  const directory = tempDir(t)
  mkdirSync(path.join(directory, 'inner'))
  const refused = { code: 'ERR_MEMMAP_UNSUPPORTED', message: /directory/ }
  await t.throwsAsync(fileLock(directory), refused)
  t.throws(() => fileLockSync(directory, { mode: 'shared' }), refused)
  t.throws(() => testFileLock(directory), refused)
  t.throws(() => tryFileLock(process.platform === 'linux' ? '/dev/null' : directory), {
    code: 'ERR_MEMMAP_UNSUPPORTED',
  })
})

test('a read-only descriptor allows shared locks only, a write-only one exclusive locks only', (t) => {
  const file = tempFile(t, 10)
  const [reading, writing] = [openSync(file, 'r'), openSync(file, 'a')]
  const lock = fileLockSync(reading, { mode: 'shared' })
  t.throws(() => fileLockSync(reading), { code: 'EBADF', message: /for writing/ })
  t.throws(() => lock.tryUpgrade(), { code: 'EBADF', message: /for writing/ })
  lock.unlock()
  t.throws(() => fileLockSync(writing, { mode: 'shared' }), { code: 'EBADF', message: /for reading/ })
  fileLockSync(writing).unlock()
  closeSync(reading)
  closeSync(writing)
})

const refuses = test.macro(async (t: ExecutionContext, source: unknown, options: object, code: string) => {
  await t.throwsAsync(fileLock(source as string, options), { code })
  t.throws(() => fileLockSync(source as string, options), { code })
  t.throws(() => tryFileLock(source as string, options), { code })
})

test('an invalid source is refused', refuses, {}, {}, 'ERR_INVALID_ARG_TYPE')
test('a path with a null byte is refused', refuses, 'a\0b', {}, 'ERR_INVALID_ARG_VALUE')
test('an invalid descriptor is refused', refuses, 2 ** 30, {}, 'EBADF')
test('create: true with a descriptor is refused', refuses, 0, { create: true }, 'ERR_INVALID_ARG_VALUE')
test('a create that is not a boolean is refused', refuses, 'x', { create: 1 }, 'ERR_INVALID_ARG_TYPE')
test('an unknown option is refused', refuses, 'x', { creat: true }, 'ERR_INVALID_ARG_VALUE')
test('a path that is too long is refused', refuses, 'x'.repeat(5000), {}, 'ENAMETOOLONG')

// Inspection.

const method = process.platform === 'win32' ? 'LockFileEx' : 'ofd'

test('console.log shows the properties of a lock', (t) => {
  const file = tempFile(t, 10)
  const lock = fileLockSync(file, { mode: 'shared', length: 5 })
  const shown = `{ path: ${inspect(file)}, mode: 'shared', offset: 0, length: 5, held: true, method: '${method}' }`
  t.is(inspect(lock, { breakLength: Infinity }), `FileLock ${shown}`)
  t.is(inspect({ lock }, { depth: -1 }), '[Object]')
  t.is(inspect([[lock]], { depth: 1 }), '[ [ [FileLock] ] ]')
  lock.unlock()
})

test('the registry lists locks by file, range, mode and thread', (t) => {
  const file = tempFile(t, 10)
  const lock = fileLockSync(file, { offset: 2n ** 60n, length: 7 })
  const [line] = mine(file)
  t.like(line, {
    path: file,
    mode: 'exclusive',
    offset: 2n ** 60n,
    length: 7,
    state: 'held',
    method,
    thread: 0,
  })
  lock.downgrade()
  t.is(mine(file)[0]?.mode, 'shared')
  lock.unlock()
  t.deepEqual(mine(file), [])
})

test('capabilities() report locks of ranges', (t) => {
  t.is(capabilities()['lock'], true)
  t.is(capabilities()['lock:range'], true)
})

test('using releases the lock', async (t) => {
  const file = tempFile(t, 10)
  {
    using lock = fileLockSync(file)
    t.true(lock.held)
  }
  {
    await using lock = await fileLock(file)
    t.true(lock.held)
  }
  t.is(testFileLock(file), 'free')
})
