import { readFileSync, truncateSync } from 'node:fs'
import { constants } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { getSystemErrorMap } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { MemmapError, mmap, mmapAnonymous, mmapSync } from '../../index.js'
import { translate } from '../../lib/base/native.js'
import { runCode } from '../helpers/child.js'
import { tempDir, tempFile } from '../helpers/temp.js'

// Their shape.

test('a system error is the one that fs throws', async (t) => {
  const file = path.join(tempDir(t), 'none')
  const expected = t.throws<NodeJS.ErrnoException>(() => readFileSync(file))
  for (const error of [t.throws<MemmapError>(() => mmapSync(file)), await t.throwsAsync<MemmapError>(mmap(file))]) {
    t.true(error instanceof MemmapError)
    t.is(error?.name, 'MemmapError')
    t.is(error?.code, expected?.code as string)
    t.is(error?.errno, expected?.errno)
    t.is(error?.path, expected?.path)
    t.is(error?.syscall, 'open')
    t.is(error?.message, expected?.message)
  }
})

test('an error of ours has its code at the head of its stack, as Node’s own', (t) => {
  const memory = mmapAnonymous(16)
  memory.closeSync()
  const error = t.throws<MemmapError>(() => memory.buffer())
  t.is(error?.code, 'ERR_MEMMAP_CLOSED')
  t.true(error?.stack?.startsWith('MemmapError [ERR_MEMMAP_CLOSED]: The mapping of '))
  t.is(String(error), `MemmapError: ${error?.message}`)
  t.deepEqual(Object.keys(error ?? {}), ['code'])
})

test('a wrong argument is a plain TypeError or RangeError', (t) => {
  const error = t.throws<NodeJS.ErrnoException>(() => mmapAnonymous('1' as unknown as number))
  t.is(error?.constructor, TypeError)
  t.is(error?.name, 'TypeError')
  t.true(error?.stack?.startsWith('TypeError [ERR_INVALID_ARG_TYPE]: The "length" argument must be '))
  t.false(error instanceof MemmapError)
})

test('a range that is not within a file is a RangeError with its path', (t) => {
  const file = tempFile(t, 'abc')
  const error = t.throws<NodeJS.ErrnoException>(() => mmapSync(file, { length: 4 }))
  t.is(error?.constructor, RangeError)
  t.is(error?.path, file)
})

const stackFrom = test.macro(async (t: ExecutionContext, fail: (file: string) => unknown) => {
  const file = path.join(tempDir(t), 'none')
  async function userOfTheLibrary() {
    await fail(file)
  }
  const error = await t.throwsAsync(userOfTheLibrary())
  const frames = error?.stack?.split('\n').slice(1) ?? []
  t.true(frames.some((frame) => frame.includes('userOfTheLibrary')))
  t.false(frames.slice(0, 1).some((frame) => frame.includes('lib/native')))
})

test('the stack of a thrown error leads to the user', stackFrom, (file: string) => mmapSync(file))
test('the stack of a rejection leads to the user', stackFrom, (file: string) => mmap(file))

test('instanceof holds for errors of another copy of the library', (t) => {
  const foreign = Object.assign(new Error('x'), { [Symbol.for('memmap.MemmapError')]: true })
  t.true((foreign as unknown) instanceof MemmapError)
  t.false((new Error('x') as unknown) instanceof MemmapError)
  t.false((null as unknown) instanceof MemmapError)
})

// What comes from the native half. Its numbers are those of libuv, positive: of C, but on Windows.

const errnoOf = (name: string) => [...getSystemErrorMap()].find(([, [known]]) => known === name)?.[0] as number

const translates = test.macro((t: ExecutionContext, failure: object, expected: object) => {
  const error = translate(Object.assign(new Error('said below'), failure)) as Error
  t.like(error, expected)
})

test(
  'a system failure with a path',
  translates,
  { errno: -errnoOf('EACCES'), syscall: 'open', path: '/x' },
  {
    name: 'MemmapError',
    code: 'EACCES',
    errno: errnoOf('EACCES'),
    syscall: 'open',
    path: '/x',
    message: "EACCES: permission denied, open '/x'",
  },
)
test(
  'a system failure with a hint',
  translates,
  { errno: -errnoOf('ENOMEM'), syscall: 'mmap', hint: 'try less' },
  {
    code: 'ENOMEM',
    message: 'ENOMEM: not enough memory, mmap: try less',
  },
)
test(
  'a system failure that libuv does not know',
  translates,
  { errno: constants.errno.EDEADLK, syscall: 'fcntl' },
  {
    code: 'EDEADLK',
    message: 'EDEADLK: said below, fcntl',
  },
)
test(
  'a system failure that nobody knows',
  translates,
  { errno: 9999, syscall: 'mmap' },
  { code: 'UNKNOWN', errno: -9999 },
)
test(
  'a failure of a rule',
  translates,
  { code: 'ERR_MEMMAP_FLUSH_LOST', path: '/x' },
  {
    name: 'MemmapError',
    code: 'ERR_MEMMAP_FLUSH_LOST',
    path: '/x',
    message: 'said below',
  },
)
test(
  'a wrong value',
  translates,
  { code: 'ERR_INVALID_ARG_VALUE' },
  { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' },
)
test('a wrong range', translates, { code: 'ERR_OUT_OF_RANGE' }, { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
test(
  'what was not meant to be thrown stays as it is',
  translates,
  { code: 'GenericFailure' },
  {
    name: 'Error',
    code: 'GenericFailure',
    message: 'said below',
  },
)

// Codes that need circumstances.

test('no address space is ERR_MEMMAP_ADDRESS_SPACE', (t) => {
  const noReserve = process.platform !== 'win32'
  t.throws(() => mmapAnonymous(2 ** 52, { noReserve }), { code: 'ERR_MEMMAP_ADDRESS_SPACE' })
})

test('a missing binary says what to do, and why', async (t) => {
  const { code, stderr } = await runCode(`export { mmap } from 'memmap'`, {
    env: { NAPI_RS_NATIVE_LIBRARY_PATH: '/none/such.node', NAPI_RS_FORCE_WASI: '' },
  })
  t.is(code, 1)
  t.regex(stderr, /MemmapError \[ERR_MEMMAP_NO_BINARY\]: No native binary of memmap could be loaded on /)
  t.regex(stderr, /cause/)
})

test('too many mappings are an error with numbers, not a crash', async (t) => {
  const { code, signal, stdout, stderr } = await runCode(
    `
      import { mmapSync } from 'memmap'
      const held = []
      try {
        for (let i = 0; i < 100_000; i++) held.push(mmapSync(process.argv.at(-1), { offset: (i % 2) * 4096, length: 1 }))
      } catch ({ code, message }) {
        console.log(code, message, held.length)
      }
      for (const mapping of held) mapping.closeSync()
      mmapSync(process.argv.at(-1)).closeSync()
    `,
    { args: [tempFile(t, 10_000)], timeout: 110_000 },
  )
  t.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
  if (stdout !== '') t.regex(stdout, /^ERR_MEMMAP_MAP_COUNT .*max_map_count.* \d{5,}\n$/)
})

// Faults.

test('after the file shrank every use says so, until it is closed', async (t) => {
  const file = tempFile(t, 100_000)
  const { code, signal, stdout, stderr } = await runCode(
    `
      import assert from 'node:assert'
      import { truncateSync } from 'node:fs'
      import { subscribe } from 'node:diagnostics_channel'
      import { inspect } from 'node:util'
      import { mmapSync } from 'memmap'
      const file = process.argv.at(-1)
      process.on('warning', ({ name, code, message }) => console.log(name, code, message.includes(file)))
      subscribe('memmap:fault', ({ mapping: told, faults, path }) => {
        console.log(told === mapping, path === file, faults[0].reason)
      })
      const mapping = mmapSync(file)
      const view = mapping.buffer()
      const pin = mapping.pin()
      const windows = mapping.windows({ size: 10 })[Symbol.iterator]()
      truncateSync(file, 10)
      assert.equal(view[0], 0)
      assert.equal(view[9], 9)
      assert.deepEqual(mapping.faults, [])
      assert.equal(view[90_000], 0)
      const faulted = { name: 'MemmapError', code: 'ERR_MEMMAP_FAULT', reason: 'truncated', path: file }
      for (const use of [
        () => mapping.assertHealthy(), () => mapping.buffer(), () => mapping.read(), () => mapping.pin(),
        () => mapping.windows(), () => windows.next(), () => mapping.flushSync(), () => mapping.advise('normal'),
      ]) assert.throws(use, faulted)
      await assert.rejects(mapping.flush(), faulted)
      assert.equal(mapping.faults.length, 1)
      assert(inspect(mapping).includes('truncated'))
      await new Promise((resolve) => setTimeout(resolve, 100))
      view.at(95_000)
      await new Promise((resolve) => setTimeout(resolve, 50))
      pin.release()
      await mapping.close()
      assert.equal(mapping.faults[0].reason, 'truncated')
      assert.throws(() => mapping.buffer(), { code: 'ERR_MEMMAP_CLOSED' })
    `,
    { args: [file], node: ['--no-warnings'] },
  )
  t.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
  t.deepEqual(stdout.split('\n').slice(0, -1).toSorted(), ['MemmapWarning MEMMAP_FAULT true', 'true true truncated'])
})

test('a copy that meets a fault throws what every later use throws', (t) => {
  const file = tempFile(t, 100_000)
  const mapping = mmapSync(file)
  truncateSync(file, 0)
  const target = new Uint8Array(10)
  const first = t.throws<MemmapError>(() => mapping.readInto(target, 50_000), { code: 'ERR_MEMMAP_FAULT' })
  const second = t.throws<MemmapError>(() => mapping.read(), { code: 'ERR_MEMMAP_FAULT' })
  t.is(first?.message, second?.message)
  t.is(first?.reason, 'truncated')
  t.true(first?.message.includes(file))
  mapping.closeSync()
})

test('a strictly read-only mapping reports a store, and neither dies nor writes', async (t) => {
  const file = tempFile(t, 'abc')
  const { code, stdout, stderr } = await runCode(
    `
      import { mmapSync } from 'memmap'
      const mapping = mmapSync(process.argv.at(-1), { strict: true })
      const view = mapping.buffer()
      view[1] = 88
      console.log(view.toString())
      try { mapping.read() } catch ({ code, reason }) { console.log(code, reason) }
    `,
    { args: [file] },
  )
  t.is(stdout, 'aXc\nERR_MEMMAP_FAULT readonly\n', stderr)
  t.is(code, 0)
  t.is(readFileSync(file, 'utf8'), 'abc')
})

test('listeners of SIGBUS that come later do not displace the guard', async (t) => {
  const { code, signal, stdout, stderr } = await runCode(
    `
      import { truncateSync } from 'node:fs'
      import { mmapSync } from 'memmap'
      const file = process.argv.at(-1)
      const mapping = mmapSync(file)
      const view = mapping.buffer()
      let heard
      const hearing = new Promise((resolve) => (heard = resolve))
      const listener = () => {
        console.log('signal')
        heard()
      }
      process.on('SIGBUS', listener)
      truncateSync(file, 0)
      console.log(view[50_000])
      process.kill(process.pid, 'SIGBUS')
      const alive = setInterval(() => {}, 1000)
      await hearing
      clearInterval(alive)
      process.off('SIGBUS', listener)
      await new Promise((resolve) => setTimeout(resolve, 20))
      console.log(mapping.faults.length)
    `,
    // Where it hangs, as on Bun, it is to be killed before this test is given up.
    { args: [tempFile(t, 100_000)], timeout: 40_000, node: ['--no-warnings'] },
  )
  t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
  t.is(stdout, '0\nsignal\n1\n')
})
