import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { chownSync, lstatSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { type Mapping, mmapSync, replaceFile, replaceFileSync, syncDirectory, syncDirectorySync } from '../index.js'
import { both, replaces } from './helpers/replaces.js'
import { counting, tempDir, tempFile } from './helpers/temp.js'

test('replaces with a string', replaces, 'grüße', Buffer.from('grüße'))
test('replaces with an empty string', replaces, '', Buffer.alloc(0))
test('replaces with a Buffer', replaces, counting(100_000), counting(100_000))
test('replaces with a typed array', replaces, Uint16Array.of(1, 2), Buffer.of(1, 0, 2, 0))
test('replaces with an ArrayBuffer', replaces, Uint8Array.of(1, 2).buffer, Buffer.of(1, 2))
test(
  'replaces with bytes that a function writes',
  replaces,
  (mapping: Mapping) => void mapping.write('end', 97),
  Buffer.concat([Buffer.alloc(97), Buffer.from('end')]),
  100,
)
test('replaces with zeros where a function writes nothing', replaces, () => undefined, Buffer.alloc(5000), 5000)
test('replaces with an empty file by a function', replaces, () => undefined, Buffer.alloc(0), 0)

test('a function may change the size', async (t) => {
  const file = tempFile(t, 'old')
  const write = async (mapping: Mapping) => {
    await mapping.resize(10_000)
    mapping.write('end', 9997)
  }
  t.is((await replaceFile(file, write, { size: 0 })).bytes, 10_000)
  t.is(readFileSync(file).toString('latin1', 9997), 'end')
  t.is(replaceFileSync(file, (mapping) => mapping.resizeSync(5), { size: 100 }).bytes, 5)
  t.is(statSync(file).size, 5)
  t.is(replaceFileSync(file, (mapping) => mapping.resizeSync(12), { size: 10 }).bytes, 12)
  t.is(statSync(file).size, 12)
})

test('waits for the promise of a function', async (t) => {
  const file = tempFile(t, 'old')
  const write = async (mapping: Mapping) => {
    await setTimeout(20)
    t.is(readFileSync(file, 'utf8'), 'old')
    t.is(mapping.mode, 'r+')
    t.is(mapping.label, file)
    mapping.write('new')
  }
  await replaceFile(file, write, { size: 3 })
  t.is(readFileSync(file, 'utf8'), 'new')
})

test('creates a missing file as fs does', async (t) => {
  const directory = tempDir(t)
  const [ours, theirs] = [path.join(directory, 'ours'), path.join(directory, 'theirs')]
  await replaceFile(ours, 'new')
  writeFileSync(theirs, '')
  t.is(statSync(ours).mode, statSync(theirs).mode)
  t.is(readFileSync(ours, 'utf8'), 'new')
})

for (const [name, source] of [
  ['a URL', (file: string) => pathToFileURL(file)],
  ['bytes', (file: string) => Buffer.from(file)],
] as const) {
  test(`accepts a path as ${name}`, async (t) => {
    const file = tempFile(t, 'old')
    await replaceFile(source(file), 'new')
    replaceFileSync(source(file), readFileSync(file, 'utf8') + 'er')
    t.is(readFileSync(file, 'utf8'), 'newer')
  })
}

test('keeps the permissions', async (t) => {
  for (const [, replace] of both) {
    for (const mode of [0o600, 0o444, 0o4755]) {
      const file = tempFile(t, 'old')
      chmodSync(file, mode)
      await replace(file, 'new')
      t.is(statSync(file).mode & 0o7777, mode)
    }
  }
})

test('sets the requested permissions of new and existing files', async (t) => {
  const old = tempFile(t, 'old')
  const fresh = path.join(path.dirname(old), 'fresh')
  for (const [, replace] of both) {
    for (const file of [old, fresh]) {
      await replace(file, 'new', { permissions: 0o640 })
      t.is(statSync(file).mode & 0o7777, 0o640)
      rmSync(fresh, { force: true })
    }
  }
})

test('a temporary file never has wider permissions', async (t) => {
  const file = tempFile(t, 'old')
  chmodSync(file, 0o600)
  await replaceFile(
    file,
    () => {
      const beside = readdirSync(path.dirname(file)).filter((name) => name !== 'file.bin')
      t.is(beside.length, 1)
      t.regex(beside[0] ?? '', /^\.file\.bin\.[\da-f]{16}\.tmp$/)
      t.is(statSync(path.join(path.dirname(file), beside[0] ?? '')).mode & 0o777, 0o600)
    },
    { size: 10 },
  )
})

test('keeps the owner and the group', async (t) => {
  if (process.getuid?.() !== 0) {
    t.log('Left out: it needs root')
    t.pass()
    return
  }
  for (const [, replace] of both) {
    const file = tempFile(t, 'old')
    chownSync(file, 1234, 5678)
    chmodSync(file, 0o6755)
    await replace(file, 'new')
    const { uid, gid, mode } = statSync(file)
    t.deepEqual({ uid, gid, mode: mode & 0o7777 }, { uid: 1234, gid: 5678, mode: 0o6755 })
  }
})

test('a symbolic link stays, and its target is replaced', async (t) => {
  const file = tempFile(t, 'old')
  const directory = path.dirname(file)
  mkdirSync(path.join(directory, 'links'))
  const link = path.join(directory, 'links', 'link')
  symlinkSync('../file.bin', link)
  for (const [name, replace] of both) {
    await replace(link, name)
    t.is(readFileSync(file, 'utf8'), name)
    t.true(lstatSync(link).isSymbolicLink())
  }
  rmSync(file)
  await replaceFile(link, 'made')
  t.is(readFileSync(file, 'utf8'), 'made')
  t.deepEqual(readdirSync(path.join(directory, 'links')), ['link'])
})

test('a mapping and a hard link of the old file keep its bytes', async (t) => {
  const file = tempFile(t, 'old')
  const mapping = mmapSync(file)
  const other = `${file}.link`
  linkSync(file, other)
  await replaceFile(file, 'new')
  t.is(mapping.buffer().toString(), 'old')
  t.is(readFileSync(other, 'utf8'), 'old')
  mapping.closeSync()
})

// syncDirectory().

test('the names in a directory can be made durable', async (t) => {
  const directory = tempDir(t)
  for (const source of [directory, pathToFileURL(directory), Buffer.from(directory), `${directory}/`]) {
    t.is(await syncDirectory(source), undefined)
    t.is(syncDirectorySync(source), undefined)
  }
})

test('syncDirectory() of a missing directory or of a file throws', async (t) => {
  const file = tempFile(t)
  for (const [source, code] of [
    [file, 'ENOTDIR'],
    [`${file}.not`, 'ENOENT'],
  ] as const) {
    const expected = { code, syscall: 'open', path: source }
    t.like(await t.throwsAsync(syncDirectory(source)), expected)
    t.like(
      t.throws(() => syncDirectorySync(source)),
      expected,
    )
  }
  await t.throwsAsync(syncDirectory(1 as never), { code: 'ERR_INVALID_ARG_TYPE' })
  t.false(existsSync(`${file}.not`))
})
