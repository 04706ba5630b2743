import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type FlushLevel, type FlushOptions, mmapAnonymous, mmapSync } from '../../index.js'
import { runCode } from '../helpers/child.js'
import { tempDir, tempFile } from '../helpers/temp.js'

const LEVELS = ['schedule', 'barrier', 'data', 'all'] as const
// Only macOS has a barrier that is weaker than level 'data'.
const reached = (level: FlushLevel) => (level === 'barrier' && process.platform !== 'darwin' ? 'data' : level)

const flushes = test.macro(async (t: ExecutionContext, options: FlushOptions | undefined, bytes: number) => {
  const file = tempFile(t, 10_000)
  const mapping = mmapSync(file, { mode: 'r+', offset: 3 })
  mapping.fill(7)
  for (const level of LEVELS) {
    for (const flush of [() => mapping.flush({ ...options, level }), () => mapping.flushSync({ ...options, level })]) {
      const result = await flush()
      t.is(result.level, level)
      t.is(result.bytes, bytes)
      t.true([reached(level), 'volatile'].includes(result.achieved), result.achieved)
    }
  }
  t.is(readFileSync(file)[9999], 7)
  await mapping.close()
})

test('flush() flushes the whole mapping', flushes, undefined, 9997)
test('flush() flushes any range of bytes', flushes, { offset: 4097, length: 2 }, 2)
test('flush() flushes to the end', flushes, { offset: 9000n }, 997)

test("the default level is 'data'", async (t) => {
  const mapping = mmapSync(tempFile(t, 10_000), { mode: 'r+' })
  for (const result of [await mapping.flush(), mapping.flushSync(), await mapping.flush({ level: undefined })]) {
    t.is(result.level, 'data')
    t.true(['data', 'volatile'].includes(result.achieved))
  }
  mapping.closeSync()
})

test("an empty range has nothing to flush, except at level 'all', which flushes the whole file", async (t) => {
  const mapping = mmapSync(tempFile(t, 10_000), { mode: 'r+' })
  const range = { offset: 10_000, length: 0 }
  for (const level of ['schedule', 'barrier', 'data'] as const) {
    const expected = { bytes: 0, level, achieved: 'none' } as const
    t.deepEqual(await mapping.flush({ ...range, level }), expected)
    t.deepEqual(mapping.flushSync({ ...range, level }), expected)
  }
  t.true(['all', 'volatile'].includes((await mapping.flush({ ...range, level: 'all' })).achieved))
  mapping.closeSync()
})

test("an empty mapping has nothing to flush, except its file at level 'all'", async (t) => {
  const mapping = mmapSync(path.join(tempDir(t), 'made'), { mode: 'wx+' })
  for (const level of LEVELS) {
    const { bytes, achieved } = await mapping.flush({ level })
    t.is(bytes, 0)
    t.true((level === 'all' ? ['all', 'volatile'] : ['none']).includes(achieved))
  }
  mapping.closeSync()
})

test("a flush of a file on tmpfs reports 'volatile'", async (t) => {
  if (!existsSync('/dev/shm')) {
    t.log('Left out: there is no /dev/shm')
    t.pass()
    return
  }
  const directory = mkdtempSync('/dev/shm/memmap-')
  t.teardown(() => rmSync(directory, { recursive: true }))
  const mapping = mmapSync(path.join(directory, 'file'), { mode: 'wx+', size: 10_000 })
  for (const level of LEVELS) {
    t.deepEqual(await mapping.flush({ level }), { bytes: 10_000, level, achieved: 'volatile' })
    t.deepEqual(mapping.flushSync({ level }), { bytes: 10_000, level, achieved: 'volatile' })
  }
  mapping.closeSync()
})

test("level 'all' finds the directory of a file that was moved or removed", async (t) => {
  const directory = tempDir(t)
  const [made, moved] = [path.join(directory, 'made'), path.join(directory, 'sub', 'moved')]
  const mapping = mmapSync(made, { mode: 'wx+', size: 100 })
  mkdirSync(path.dirname(moved))
  renameSync(made, moved)
  t.true(['all', 'volatile'].includes((await mapping.flush({ level: 'all' })).achieved))
  mapping.closeSync()

  const other = mmapSync(made, { mode: 'w+', size: 100 })
  rmSync(made)
  t.true(['all', 'volatile'].includes(other.flushSync({ level: 'all' }).achieved))
  other.closeSync()
})

test("level 'all' finds the directory of a relative path after the working directory changed", async (t) => {
  const { code, stderr } = await runCode(
    `import { mmapSync } from 'memmap'
     const mapping = mmapSync('made', { mode: 'w+', size: 100 })
     process.chdir('/')
     mapping.flushSync({ level: 'all' })
     mapping.closeSync()`,
    { cwd: tempDir(t) },
  )
  t.deepEqual({ code, stderr }, { code: 0, stderr: '' })
})

for (const mode of ['r', 'c'] as const) {
  test(`in mode '${mode}' there is nothing to flush`, async (t) => {
    const mapping = mmapSync(tempFile(t, 100), { mode })
    for (const level of LEVELS) {
      const expected = { bytes: 0, level, achieved: 'none' } as const
      t.deepEqual(await mapping.flush({ level }), expected)
      t.deepEqual(mapping.flushSync({ level }), expected)
    }
    mapping.closeSync()
  })
}

test('anonymous memory has nothing to flush', async (t) => {
  const memory = mmapAnonymous(100)
  t.is((await memory.flush()).achieved, 'none')
  t.is(memory.flushSync().achieved, 'none')
  memory.closeSync()
})

test('many concurrent flushes of several mappings and levels end, and close() waits for them', async (t) => {
  const file = tempFile(t, 1 << 20)
  const all = Array.from({ length: 10 }, () => mmapSync(file, { mode: 'r+' }))
  const flushing = all.map((mapping, which) =>
    Array.from({ length: 50 }, (_, at) =>
      mapping.flush({ offset: at * 20_000, length: at + 1, level: LEVELS[(at + which) % 4] }),
    ),
  )
  const closing = all.map((mapping) => mapping.close())
  for (const some of flushing) {
    t.deepEqual(
      (await Promise.all(some)).map(({ bytes }) => bytes),
      Array.from({ length: 50 }, (_, at) => at + 1),
    )
  }
  await Promise.all(closing)
})

test('a flush during close() rejects', async (t) => {
  const mapping = mmapSync(tempFile(t, 100), { mode: 'r+' })
  const closing = mapping.close()
  await t.throwsAsync(mapping.flush(), { code: 'ERR_MEMMAP_CLOSED' })
  await closing
})

const refuses = test.macro(async (t: ExecutionContext, options: object, code: string) => {
  const mapping = mmapSync(tempFile(t, 100), { mode: 'r+' })
  t.throws(() => mapping.flushSync(options), { code })
  await t.throwsAsync(mapping.flush(options), { code })
  mapping.closeSync()
})

test('an unknown level is refused', refuses, { level: 'most' }, 'ERR_INVALID_ARG_VALUE')
test('a level that is not a string is refused', refuses, { level: 1 }, 'ERR_INVALID_ARG_TYPE')
test('a range beyond the end is refused', refuses, { offset: 50, length: 51 }, 'ERR_OUT_OF_RANGE')
test('an unknown option is refused', refuses, { start: 1 }, 'ERR_INVALID_ARG_VALUE')
