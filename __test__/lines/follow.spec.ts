import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  mkdirSync,
  writeFileSync,
  openSync,
  closeSync,
} from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type ByteRange, mmapAnonymous, mmapSync } from '../../index.js'
import { tempDir, tempFile } from '../helpers/temp.js'
import { until } from '../helpers/iterations.js'

const FOLLOW = { follow: true }

/** Returns a log file, its mapping, and a check of the lines that a following loop has seen so far. */
function followed(t: ExecutionContext, start: string, options: object = {}) {
  const directory = tempDir(t)
  const file = path.join(directory, 'a.log')
  writeFileSync(file, start)
  const mapping = mmapSync(file)
  const controller = new AbortController()
  const seen: string[] = []
  const ended = (async () => {
    const { signal } = controller
    for await (const line of mapping.lines({ follow: true, signal, ...options })) seen.push(String(line))
  })()
  const end = async () => {
    const reason = new Error('enough')
    controller.abort(reason)
    t.is(await t.throwsAsync(ended), reason)
    mapping.closeSync()
  }
  const sees = async (...expected: string[]) => {
    await until(() => seen.length >= expected.length)
    t.deepEqual(seen, expected)
  }
  return { directory, file, mapping, ended, end, sees }
}

test('existing lines come first, then appended lines', async (t) => {
  const { file, sees, end } = followed(t, 'one\ntwo\n')
  await sees('one', 'two')
  appendFileSync(file, 'three\r\nfour\n')
  await sees('one', 'two', 'three', 'four')
  await end()
})

test('a line without an end is returned only once it is complete', async (t) => {
  const { file, sees, end } = followed(t, 'one\ntw')
  await sees('one')
  for (const letter of 'o, or more\n') appendFileSync(file, letter)
  await sees('one', 'two, or more')
  await end()
})

test('line ends and characters may be written in several parts', async (t) => {
  const { file, sees, end } = followed(t, '')
  for (const byte of Buffer.from('é€\r\n😀\n')) {
    appendFileSync(file, Buffer.of(byte))
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
  await sees('é€', '😀')
  await end()
})

test('a truncated file is read from its start, and its last incomplete line is not lost', async (t) => {
  const { file, sees, end } = followed(t, 'one\ntwo\nhel')
  await sees('one', 'two')
  truncateSync(file)
  await sees('one', 'two', 'hel')
  appendFileSync(file, 'three\n')
  await sees('one', 'two', 'hel', 'three')
  await end()
})

test('a replaced file is read to its end, then the new file', async (t) => {
  const { file, sees, end } = followed(t, 'one\n')
  await sees('one')
  renameSync(file, `${file}.1`)
  appendFileSync(`${file}.1`, 'two\nthr')
  await sees('one', 'two')
  writeFileSync(`${file}.new`, 'four\n')
  renameSync(`${file}.new`, file)
  await sees('one', 'two', 'thr', 'four')
  appendFileSync(`${file}.1`, 'ee\n')
  appendFileSync(file, 'five\n')
  await sees('one', 'two', 'thr', 'four', 'five')
  await end()
})

// The lines are written between the last read of the file, which found nothing new, and the check of the path.
test('lines written just before a file is replaced are not lost', async (t) => {
  const { file, sees, end } = followed(t, 'one\n')
  const { stat } = promises
  let late: string[] = ['two\n', 'three']
  const replaceFirst = (asked: string, options: object): unknown => {
    if (asked === file && late.length > 0) {
      for (const part of late) appendFileSync(file, part)
      late = []
      renameSync(file, `${file}.1`)
      writeFileSync(file, 'new\n')
    }
    return stat(asked, options)
  }
  Object.assign(promises, { stat: replaceFirst })
  syncBuiltinESMExports()
  t.teardown(() => {
    Object.assign(promises, { stat })
    syncBuiltinESMExports()
  })
  await sees('one', 'two', 'three', 'new')
  await end()
})

test('a file may be missing for a while', async (t) => {
  const { file, sees, end } = followed(t, 'one\n')
  await sees('one')
  unlinkSync(file)
  await new Promise((resolve) => setTimeout(resolve, 20))
  writeFileSync(file, 'two\n')
  await sees('one', 'two')
  await end()
})

test('the directory of the file may be missing for a while', async (t) => {
  const { directory, file, sees, end } = followed(t, 'one\n')
  await sees('one')
  renameSync(directory, `${directory}.old`)
  t.teardown(() => rmSync(`${directory}.old`, { recursive: true }))
  await new Promise((resolve) => setTimeout(resolve, 20))
  mkdirSync(directory)
  writeFileSync(file, 'two\n')
  await sees('one', 'two')
  await end()
})

test('a symbolic link is followed to its current target', async (t) => {
  const directories = [tempDir(t), tempDir(t), tempDir(t)]
  const [link, first, second] = directories.map((directory) => path.join(directory, 'a.log')) as [
    string,
    string,
    string,
  ]
  writeFileSync(first, 'one\n')
  writeFileSync(second, 'three\n')
  symlinkSync(first, link)
  const mapping = mmapSync(link)
  const iterator = mapping.lines(FOLLOW)[Symbol.asyncIterator]()
  t.is((await iterator.next()).value, 'one')
  const two = iterator.next()
  await new Promise((resolve) => setTimeout(resolve, 20))
  appendFileSync(first, 'two\n')
  t.is((await two).value, 'two')
  const three = iterator.next()
  await new Promise((resolve) => setTimeout(resolve, 20))
  symlinkSync(second, `${link}.new`)
  renameSync(`${link}.new`, link)
  t.is((await three).value, 'three')
  const four = iterator.next()
  await new Promise((resolve) => setTimeout(resolve, 20))
  appendFileSync(second, 'four\n')
  t.is((await four).value, 'four')
  await iterator.return?.()
  mapping.closeSync()
})

test('a symbolic link to a directory in the path is followed to its current target', async (t) => {
  const top = tempDir(t)
  const version = (name: string, text: string) => {
    mkdirSync(path.join(top, name))
    writeFileSync(path.join(top, name, 'a.log'), text)
    symlinkSync(name, path.join(top, 'new'))
    renameSync(path.join(top, 'new'), path.join(top, 'now'))
  }
  version('1', 'one\n')
  symlinkSync('now/a.log', path.join(top, 'a.log'))
  const mapping = mmapSync(path.join(top, 'a.log'))
  const lines = mapping.lines(FOLLOW)[Symbol.asyncIterator]()
  t.is((await lines.next()).value, 'one')
  for (const [name, text] of [['2', 'two'], ['3', 'three']] as const) {
    const next = lines.next()
    await new Promise((resolve) => setTimeout(resolve, 20))
    version(name, `${text}\n`)
    t.is((await next).value, text)
  }
  await lines.return?.()
  mapping.closeSync()
}) // prettier-ignore

test('an unreadable object that temporarily has the name of the file is waited out', async (t) => {
  const { directory, file, sees, end } = followed(t, 'one\n')
  await sees('one')
  const expected = ['one']
  const ways: Record<string, () => void> = {
    loop: () => symlinkSync('a.log', file),
    directory: () => mkdirSync(file),
    pipe: () => spawnSync('mkfifo', [file]),
  }
  for (const [name, take] of Object.entries(ways)) {
    unlinkSync(file)
    take()
    await new Promise((resolve) => setTimeout(resolve, 50))
    rmSync(file, { recursive: true, force: true })
    writeFileSync(path.join(directory, 'next'), `${name}\n`)
    renameSync(path.join(directory, 'next'), file)
    expected.push(name)
    await sees(...expected)
  }
  await end()
})

test('a loop can end while a pipe has the name of the file', async (t) => {
  const { file, sees, end } = followed(t, 'one\n')
  await sees('one')
  unlinkSync(file)
  if (spawnSync('mkfifo', [file]).status !== 0) t.log('Left out: there is no mkfifo')
  await new Promise((resolve) => setTimeout(resolve, 50))
  await end()
})

test('with an offset at the end of the file, only appended lines come', async (t) => {
  const { file, sees, end } = followed(t, 'one\ntwo\n', { offset: 8 })
  appendFileSync(file, 'three\n')
  await sees('three')
  await end()
})

test('the options encoding and keepEnd apply to followed lines', async (t) => {
  for (const options of [{ encoding: 'buffer' }, { encoding: 'latin1', keepEnd: true }]) {
    const { file, sees, end } = followed(t, 'one\n', options)
    appendFileSync(file, 'two\n')
    await ('keepEnd' in options ? sees('one\n', 'two\n') : sees('one', 'two'))
    await end()
  }
})

test('offsets count in the file that is followed', async (t) => {
  const { file, mapping, end } = followed(t, 'one\r\ntwo\n')
  const ranges: { offset: number; length: number }[] = []
  const iterator = mapping.lines({ follow: true, offsets: true })[Symbol.asyncIterator]()
  const take = async () => ranges.push((await iterator.next()).value)
  await take()
  await take()
  appendFileSync(file, 'three\n')
  await take()
  truncateSync(file)
  appendFileSync(file, 'four\n')
  await take()
  t.deepEqual(ranges, [
    { offset: 0, length: 3 },
    { offset: 5, length: 3 },
    { offset: 9, length: 5 },
    { offset: 0, length: 4 },
  ])
  await iterator.return?.()
  await end()
})

test('a line may be longer than one read and end anywhere in it', async (t) => {
  const block = 2 ** 16
  const lengths = [block - 2, 3 * block - 3, 0, block - 1, block, 5, 2 * block + 1, block - 4]
  const lines = lengths.map((length, index) => String.fromCodePoint(97 + index).repeat(length))
  const ends = lines.map((_, index) => (index % 3 === 0 ? '\n' : '\r\n'))
  const text = lines.map((line, index) => line + ends[index]).join('')
  const ways: [object, (line: unknown) => string][] = [
    [{}, String],
    [{ encoding: 'latin1' }, String],
    [{ encoding: 'buffer' }, String],
    [{ offsets: true }, (line) => text.slice((line as ByteRange).offset).slice(0, (line as ByteRange).length)],
  ]
  for (const keepEnd of [false, true]) {
    const expected = lines.map((line, index) => (keepEnd ? line + ends[index] : line))
    for (const [options, textOf] of ways) {
      const mapping = mmapSync(tempFile(t, text))
      const found: string[] = []
      for await (const line of mapping.lines({ ...FOLLOW, keepEnd, ...options })) {
        found.push(textOf(line))
        if (found.length === expected.length) break
      }
      t.deepEqual(found, expected)
      const columns: number[] = []
      for await (const batch of mapping.lines({ ...FOLLOW, keepEnd, offsets: true }).batches()) {
        columns.push(...batch.lengths)
        if (columns.length === expected.length) break
      }
      t.deepEqual(columns, expected.map((line) => line.length)) // prettier-ignore
      mapping.closeSync()
    }
  }
})

test('a batch has the lines that were read at once', async (t) => {
  const { file, mapping, end } = followed(t, 'one\ntwo\n')
  const strings = mapping.lines(FOLLOW).batches()[Symbol.asyncIterator]()
  t.deepEqual((await strings.next()).value, ['one', 'two'])
  const ranges = mapping.lines({ follow: true, offsets: true }).batches()[Symbol.asyncIterator]()
  t.deepEqual((await ranges.next()).value, { offsets: Float64Array.of(0, 4), lengths: Float64Array.of(3, 3) })
  const next = [strings.next(), ranges.next()] as const
  appendFileSync(file, 'three\n')
  t.deepEqual((await next[0]).value, ['three'])
  t.deepEqual((await next[1]).value.offsets, Float64Array.of(8))
  await Promise.all([strings.return?.(), ranges.return?.()])
  await end()
})

test('each appended line comes once and in order, whatever the size of the writes', async (t) => {
  const { file, sees, end } = followed(t, '')
  const fd = openSync(file, 'a')
  const expected: string[] = []
  for (let n = 0; n < 3000; n++) {
    const line = `${n} ${'x'.repeat((n * 7919) % 700)}`
    expected.push(line)
    writeFileSync(fd, `${line}\n`)
    if (n % 100 === 0) await new Promise(setImmediate)
  }
  closeSync(fd)
  await sees(...expected)
  await end()
})

// Refused calls.

test('a loop without await is refused', (t) => {
  const { mapping, end } = followed(t, '')
  const dropping = { ...FOLLOW, dropBehind: true }
  t.throws(() => mapping.lines(dropping), { code: 'ERR_INVALID_ARG_VALUE', message: /options\.dropBehind.*follow/ })
  t.throws(() => [...mapping.lines(FOLLOW)], { code: 'ERR_MEMMAP_UNSUPPORTED', message: /for await/ })
  t.throws(() => [...mapping.lines(FOLLOW).batches()], { code: 'ERR_MEMMAP_UNSUPPORTED' })
  return end()
})

test('a mapping without a path is refused', (t) => {
  const memory = mmapAnonymous(10)
  t.throws(() => memory.lines(FOLLOW), { code: 'ERR_MEMMAP_UNSUPPORTED', message: /no path/ })
  memory.closeSync()
})

test('a length and a mapping that begins after the start of the file are refused', async (t) => {
  const { file, mapping, end } = followed(t, 'one\ntwo\n')
  t.throws(() => mapping.lines({ follow: true, length: 4 }), { code: 'ERR_INVALID_ARG_VALUE' })
  const part = mmapSync(file, { offset: 4 })
  t.throws(() => part.lines(FOLLOW), { code: 'ERR_INVALID_ARG_VALUE', message: /starts at 4/ })
  part.closeSync()
  await end()
})

test('a follow that is not a boolean is refused', async (t) => {
  const { mapping, end } = followed(t, '')
  t.throws(() => mapping.lines({ follow: 1 } as object), { code: 'ERR_INVALID_ARG_TYPE' })
  await end()
})
