import { chmodSync, readdirSync, readFileSync } from 'node:fs'
import { chownSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import test from 'ava'
import fc from 'fast-check'
import { type Mapping, replaceFile, replaceFileSync } from '../index.js'
import { runCode } from './helpers/child.js'
import { type Replace, replaces } from './helpers/replaces.js'
import { counting, tempDir, tempFile } from './helpers/temp.js'

test('replaces with more bytes than one copy', replaces, counting(20_000_001), counting(20_000_001))
test('if the owner cannot be kept, the old file stays', async (t) => {
  if (process.getuid?.() !== 0) {
    t.log('Left out: it needs root')
    t.pass()
    return
  }
  const directory = tempDir(t)
  const file = path.join(directory, 'file')
  writeFileSync(file, 'old')
  chmodSync(directory, 0o777)
  // The user may do anything in the directory, but may not change the owner of files.
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

test('in an unreadable directory no file is replaced', async (t) => {
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

test('of many concurrent replacements each is whole, and one is last', async (t) => {
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

// A failure leaves the old file and no temporary file.

test('an abort before or during the write leaves the old file', async (t) => {
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

test('data detached during the copy causes an error', async (t) => {
  const file = tempFile(t, 'old')
  const data = new ArrayBuffer(50_000_000)
  const replacing = replaceFile(file, data)
  structuredClone(data, { transfer: [data] })
  await t.throwsAsync(replacing, { code: 'ERR_INVALID_ARG_VALUE' })
  t.is(readFileSync(file, 'utf8'), 'old')
})

test('a replaced file has the last contents', async (t) => {
  const file = path.join(tempDir(t), 'file')
  const content = fc.uint8Array({ maxLength: 20_000 })
  await fc.assert(
    fc.asyncProperty(content, fc.boolean(), fc.boolean(), async (bytes, sync, byFunction) => {
      const replace: Replace = sync ? replaceFileSync : replaceFile
      if (byFunction) await replace(file, (mapping) => void mapping.write(bytes), { size: bytes.length })
      else await replace(file, bytes)
      t.true(readFileSync(file).equals(Buffer.from(bytes)))
    }),
    { numRuns: 30 },
  )
  t.deepEqual(readdirSync(path.dirname(file)), ['file'])
})

test('a process killed during the write leaves the old file', async (t) => {
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
