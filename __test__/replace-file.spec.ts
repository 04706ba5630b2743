import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { chownSync, lstatSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import {
  type Mapping,
  mappings,
  mmapSync,
  replaceFile,
  replaceFileSync,
  type ReplaceOptions,
  syncDirectory,
  syncDirectorySync,
} from '../index.js'
import { runCode } from './helpers/child.js'
import { counting, tempDir, tempFile } from './helpers/temp.js'

type Content = Parameters<typeof replaceFile>[1]
type Replace = (file: string, content: Content, options?: Omit<ReplaceOptions, 'signal'>) => unknown

const both: readonly [string, Replace][] = [
  ['replaceFile', replaceFile],
  ['replaceFileSync', replaceFileSync],
]

/** Runs it in either way, on a file that holds 'old'. Nothing but that file may be there afterwards. */
const replaces = test.macro(async (t: ExecutionContext, content: Content, expected: Uint8Array, size?: number) => {
  for (const [, replace] of both) {
    const file = tempFile(t, 'old')
    const result = (await replace(file, content, size === undefined ? undefined : { size })) as object
    t.like(result, { bytes: expected.length, level: 'all' })
    t.true('achieved' in result && ['all', 'volatile'].includes(String(result.achieved)))
    t.true(readFileSync(file).equals(expected))
    t.deepEqual(readdirSync(path.dirname(file)), ['file.bin'])
  }
})

test('replaces with a string', replaces, 'grüße', Buffer.from('grüße'))
test('replaces with nothing', replaces, '', Buffer.alloc(0))
test('replaces with a Buffer', replaces, counting(100_000), counting(100_000))
test('replaces with a typed array', replaces, Uint16Array.of(1, 2), Buffer.of(1, 0, 2, 0))
test('replaces with an ArrayBuffer', replaces, Uint8Array.of(1, 2).buffer, Buffer.of(1, 2))
test('replaces with more than is copied at once', replaces, counting(20_000_001), counting(20_000_001))
test(
  'replaces with what a function writes',
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

test('makes a file that was not there, as fs makes it', async (t) => {
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
  test(`takes a path as ${name}`, async (t) => {
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

test('gives the permissions that are asked for, to a new file and an old one', async (t) => {
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

test('a file with permissions is at no time open to others', async (t) => {
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

test('where the owner can not be kept the old file stays', async (t) => {
  if (process.getuid?.() !== 0) {
    t.log('Left out: it needs root')
    t.pass()
    return
  }
  const directory = tempDir(t)
  const file = path.join(directory, 'file')
  writeFileSync(file, 'old')
  chmodSync(directory, 0o777)
  // The user has the right to everything in the directory, and not to give files away.
  const code = `
    import { replaceFile, replaceFileSync } from 'memmap'
    import assert from 'node:assert'
    process.setegid(65534)
    process.seteuid(65534)
    const expected = { code: 'EPERM', syscall: 'fchown', path: 'file' }
    await assert.rejects(replaceFile('file', 'new'), expected)
    assert.throws(() => replaceFileSync('file', 'new'), expected)`
  const outcome = await runCode(code, { cwd: directory, env: { UV_USE_IO_URING: '0' } })
  t.deepEqual({ code: outcome.code, stderr: outcome.stderr }, { code: 0, stderr: '' })
  t.is(readFileSync(file, 'utf8'), 'old')
  t.deepEqual(readdirSync(directory), ['file'])
})

test('in a directory that can not be read nothing is replaced', async (t) => {
  if (process.getuid?.() !== 0) {
    t.log('Left out: it needs root')
    t.pass()
    return
  }
  const directory = tempDir(t)
  writeFileSync(path.join(directory, 'file'), 'old')
  chownSync(path.join(directory, 'file'), 65534, 65534)
  const code = `
    import { mmapSync, replaceFile, syncDirectory } from 'memmap'
    import assert from 'node:assert'
    process.setegid(65534)
    process.seteuid(65534)
    const expected = { code: 'EACCES', syscall: 'open' }
    await assert.rejects(syncDirectory('.'), expected)
    await assert.rejects(replaceFile('file', 'new'), { ...expected, path: 'file' })
    const made = mmapSync('made', { mode: 'wx+', size: 100 })
    await assert.rejects(made.flush({ level: 'all' }), { ...expected, path: 'made' })
    assert.equal((await made.flush()).bytes, 100)
    made.closeSync()`
  chmodSync(directory, 0o333)
  const outcome = await runCode(code, { cwd: directory })
  t.deepEqual({ code: outcome.code, stderr: outcome.stderr }, { code: 0, stderr: '' })
  t.is(readFileSync(path.join(directory, 'file'), 'utf8'), 'old')
  t.deepEqual(readdirSync(directory), ['file', 'made'])
})

test('a symbolic link stays one, and what it leads to is replaced', async (t) => {
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

test('whoever has the old file mapped, open or linked goes on seeing it', async (t) => {
  const file = tempFile(t, 'old')
  const mapping = mmapSync(file)
  const other = `${file}.link`
  linkSync(file, other)
  await replaceFile(file, 'new')
  t.is(mapping.buffer().toString(), 'old')
  t.is(readFileSync(other, 'utf8'), 'old')
  mapping.closeSync()
})

test('of many at once each is whole, and one is last', async (t) => {
  const file = tempFile(t, 'old')
  const contents = Array.from({ length: 30 }, (_, index) => Buffer.alloc(10_000 + index, index))
  const progress = { done: false }
  const replacing = Promise.all(contents.map((content) => replaceFile(file, content))).finally(
    () => (progress.done = true),
  )
  while (!progress.done) {
    const seen = readFileSync(file)
    t.true(seen.toString() === 'old' || contents.some((content) => content.equals(seen)))
    await setTimeout(1)
  }
  await replacing
  t.true(contents.some((content) => content.equals(readFileSync(file))))
  t.deepEqual(readdirSync(path.dirname(file)), ['file.bin'])
})

// What fails leaves the old file, and nothing beside it.

const fails = test.macro(
  async (
    t: ExecutionContext,
    content: Content,
    size: number | undefined,
    expected: { readonly code?: string; readonly message?: string | RegExp },
  ) => {
    for (const [, replace] of both) {
      const file = tempFile(t, 'old')
      const failing = async (): Promise<unknown> => replace(file, content, { size })
      await t.throwsAsync(failing, expected)
      t.is(readFileSync(file, 'utf8'), 'old')
      t.deepEqual(readdirSync(path.dirname(file)), ['file.bin'])
      t.deepEqual(
        mappings().filter((one) => one.label === file && one.state === 'open'),
        [],
      )
    }
  },
)

const throwing = (): never => {
  throw new Error('no more ideas')
}
test('a function that throws', fails, throwing, 100, { message: 'no more ideas' })
test(
  'a function that closes its mapping',
  fails,
  (mapping: Mapping): void => {
    mapping.write('new')
    mapping.closeSync()
  },
  100,
  { code: 'ERR_MEMMAP_CLOSED' },
)
test('a function that writes too much', fails, (mapping: Mapping) => mapping.write('too much'), 3, {
  code: 'ERR_OUT_OF_RANGE',
})
test(
  'a function whose file is cut by others',
  fails,
  (mapping: Mapping): void => {
    const directory = path.dirname(mapping.label ?? '')
    const name = readdirSync(directory).find((each) => each.endsWith('.tmp')) ?? ''
    truncateSync(path.join(directory, name), 0)
    mapping.buffer()[50_000] = 1
  },
  100_000,
  { code: 'ERR_MEMMAP_FAULT' },
)
test('more than the disk can hold', fails, () => undefined, 2 ** 53 - 1, {
  message: /fallocate|ftruncate/,
})
test('an unknown kind of content', fails, 5 as never, undefined, { code: 'ERR_INVALID_ARG_TYPE' })
test('a function without a size', fails, () => undefined, undefined, { code: 'ERR_INVALID_ARG_TYPE' })
test('data with a size', fails, 'new', 3, { code: 'ERR_INVALID_ARG_VALUE' })
test('a size that is none', fails, () => undefined, -1, { code: 'ERR_OUT_OF_RANGE' })

test('a promise is waited for, or refused', async (t) => {
  const file = tempFile(t, 'old')
  const write = async (mapping: Mapping) => {
    mapping.write('new')
    await setTimeout(1)
    throw new Error('later')
  }
  t.throws(() => replaceFileSync(file, write, { size: 3 }), { code: 'ERR_INVALID_RETURN_VALUE' })
  // oxlint-disable-next-line unicorn/no-thenable
  const late = (() => ({ then: () => {} })) as never
  t.throws(() => replaceFileSync(file, late, { size: 3 }), { code: 'ERR_INVALID_RETURN_VALUE' })
  await t.throwsAsync(replaceFile(file, write, { size: 3 }), { message: 'later' })
  t.is(readFileSync(file, 'utf8'), 'old')
  t.deepEqual(readdirSync(path.dirname(file)), ['file.bin'])
})

test('the synchronous one refuses to leave a pinned mapping, and replaces nothing', (t) => {
  const file = tempFile(t, 'old')
  let release = () => {}
  const write = (mapping: Mapping): void => {
    const pin = mapping.pin()
    release = () => {
      pin.release()
      mapping.closeSync()
    }
  }
  t.throws(() => replaceFileSync(file, write, { size: 3 }), { code: 'ERR_MEMMAP_BUSY' })
  t.is(readFileSync(file, 'utf8'), 'old')
  t.deepEqual(readdirSync(path.dirname(file)), ['file.bin'])
  release()
})

test('an aborted signal leaves the old file, before and while it is written', async (t) => {
  const file = tempFile(t, 'old')
  const reason = new Error('not any more')
  await t.throwsAsync(replaceFile(file, 'new', { signal: AbortSignal.abort(reason) }), { is: reason })
  const controller = new AbortController()
  const write = (mapping: Mapping): void => {
    mapping.write('new')
    controller.abort(reason)
  }
  await t.throwsAsync(replaceFile(file, write, { size: 3, signal: controller.signal }), { is: reason })
  const second = new AbortController()
  const large = replaceFile(file, Buffer.alloc(50_000_000, 1), { signal: second.signal })
  setImmediate(() => second.abort(reason))
  await t.throwsAsync(large, { is: reason })
  t.is(readFileSync(file, 'utf8'), 'old')
  t.deepEqual(readdirSync(path.dirname(file)), ['file.bin'])
})

test('data that is taken away while it is copied is an error', async (t) => {
  const file = tempFile(t, 'old')
  const data = new ArrayBuffer(50_000_000)
  const replacing = replaceFile(file, data)
  structuredClone(data, { transfer: [data] })
  await t.throwsAsync(replacing, { code: 'ERR_INVALID_ARG_VALUE' })
  t.is(readFileSync(file, 'utf8'), 'old')
})

for (const [name, make, expected] of [
  ['a directory', (at: string) => mkdirSync(at), { code: 'ERR_MEMMAP_NOT_MAPPABLE', kind: 'directory' }],
  ['a link to itself', (at: string) => symlinkSync('target', at), { code: 'ELOOP' }],
] as const) {
  test(`${name} is not replaced`, async (t) => {
    const directory = tempDir(t)
    const target = path.join(directory, 'target')
    make(target)
    t.like(await t.throwsAsync(replaceFile(target, 'new')), { ...expected, path: target })
    t.like(
      t.throws(() => replaceFileSync(target, 'new')),
      { ...expected, path: target },
    )
    t.deepEqual(readdirSync(directory), ['target'])
  })
}

test('without its directory there is nothing to replace', async (t) => {
  const file = path.join(tempDir(t), 'missing', 'file')
  const expected = { code: 'ENOENT', syscall: 'open', path: file }
  t.like(await t.throwsAsync(replaceFile(file, 'new')), expected)
  t.like(
    t.throws(() => replaceFileSync(file, 'new')),
    expected,
  )
})

test('names and options that are none are refused', async (t) => {
  const file = tempFile(t, 'old')
  for (const [, replace] of both) {
    const refuses = async (code: string, ...args: unknown[]) =>
      t.throwsAsync(async () => replace(...(args as [string, Content])), { code })
    await refuses('ERR_INVALID_ARG_TYPE', 1, 'new')
    await refuses('ERR_INVALID_ARG_VALUE', 'a\0b', 'new')
    await refuses('ERR_INVALID_ARG_VALUE', file, 'new', { mode: 0o600 })
    await refuses('ERR_OUT_OF_RANGE', file, 'new', { permissions: 0o10000 })
    await refuses('ERR_INVALID_ARG_TYPE', file, 'new', { permissions: '600' })
  }
  await t.throwsAsync(replaceFile(file, 'new', { signal: 1 as never }), { code: 'ERR_INVALID_ARG_TYPE' })
  t.is(readFileSync(file, 'utf8'), 'old')
})

test('what was replaced is what was last written, whatever came before', async (t) => {
  const file = path.join(tempDir(t), 'file')
  const content = fc.uint8Array({ maxLength: 20_000 })
  await fc.assert(
    fc.asyncProperty(content, fc.boolean(), fc.boolean(), async (bytes, sync, byFunction) => {
      const replace: Replace = sync ? replaceFileSync : replaceFile
      if (byFunction) await replace(file, (mapping) => void mapping.write(bytes), { size: bytes.length })
      else await replace(file, bytes)
      t.deepEqual(readFileSync(file), Buffer.from(bytes))
    }),
    { numRuns: 30 },
  )
  t.deepEqual(readdirSync(path.dirname(file)), ['file'])
})

test('a process that is killed while it writes leaves the old file', async (t) => {
  const file = tempFile(t, 'old')
  const code = `
    import { replaceFile } from 'memmap'
    await replaceFile('file.bin', (mapping) => {
      mapping.fill(1)
      process.kill(process.pid, 'SIGKILL')
    }, { size: 100000 })`
  const { signal } = await runCode(code, { cwd: path.dirname(file) })
  t.is(signal, 'SIGKILL')
  t.is(readFileSync(file, 'utf8'), 'old')
  t.regex(readdirSync(path.dirname(file)).join(), /^\.file\.bin\.[\da-f]{16}\.tmp,file\.bin$/)
})

// Directories.

test('the names in a directory can be made durable', async (t) => {
  const directory = tempDir(t)
  for (const source of [directory, pathToFileURL(directory), Buffer.from(directory), `${directory}/`]) {
    t.is(await syncDirectory(source), undefined)
    t.is(syncDirectorySync(source), undefined)
  }
})

test('what is no directory is an error', async (t) => {
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
