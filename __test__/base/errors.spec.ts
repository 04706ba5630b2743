import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { getSystemErrorMap } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { MemmapError, mmap, mmapAnonymous, mmapSync } from '../../index.js'
import { translate } from '../../lib/base/native.js'
import { runCode } from '../helpers/child.js'
import { tempDir, tempFile } from '../helpers/temp.js'

// Properties of errors.

test('a system error has the properties and the message of the error that fs throws', async (t) => {
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

test('the stack of a MemmapError begins with its name and code, as in Node’s own errors', (t) => {
  const memory = mmapAnonymous(16)
  memory.closeSync()
  const error = t.throws<MemmapError>(() => memory.buffer())
  t.is(error?.code, 'ERR_MEMMAP_CLOSED')
  t.true(error?.stack?.startsWith('MemmapError [ERR_MEMMAP_CLOSED]: The mapping of '))
  t.is(String(error), `MemmapError: ${error?.message}`)
  t.deepEqual(Object.keys(error ?? {}), ['code'])
})

test('a wrong argument throws a plain TypeError or RangeError', (t) => {
  const error = t.throws<NodeJS.ErrnoException>(() => mmapAnonymous('1' as unknown as number))
  t.is(error?.constructor, TypeError)
  t.is(error?.name, 'TypeError')
  t.true(error?.stack?.startsWith('TypeError [ERR_INVALID_ARG_TYPE]: The "length" argument must be '))
  t.false(error instanceof MemmapError)
})

test('a range outside the file throws a RangeError with the path of the file', (t) => {
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

test('the stack of a thrown error contains the caller', stackFrom, (file: string) => mmapSync(file))
test('the stack of a rejection contains the caller', stackFrom, (file: string) => mmap(file))

test('instanceof MemmapError holds for errors of another copy of the library', (t) => {
  const foreign = Object.assign(new Error('x'), { [Symbol.for('memmap.MemmapError')]: true })
  t.true((foreign as unknown) instanceof MemmapError)
  t.false((new Error('x') as unknown) instanceof MemmapError)
  t.false((null as unknown) instanceof MemmapError)
})

// Errors from the native code. Its errno is that of libuv as a positive number: the errno of C, except on Windows.

const errnoOf = (name: string) => [...getSystemErrorMap()].find(([, [known]]) => known === name)?.[0] as number

const translates = test.macro((t: ExecutionContext, failure: object, expected: object) => {
  const error = translate(Object.assign(new Error('native message'), failure)) as Error
  t.like(error, expected)
})

test(
  'a native failure with an errno and a path becomes a system error',
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
  'a native failure with an errno and a hint has the hint in its message',
  translates,
  { errno: -errnoOf('ENOMEM'), syscall: 'mmap', hint: 'try less' },
  {
    code: 'ENOMEM',
    message: 'ENOMEM: not enough memory, mmap: try less',
  },
)
test(
  'a system error that libuv does not know keeps the name of its errno',
  translates,
  { errno: constants.errno.EDEADLK, syscall: 'fcntl' },
  {
    code: 'EDEADLK',
    message: 'EDEADLK: native message, fcntl',
  },
)
test(
  'a system error with an unknown errno has the code UNKNOWN',
  translates,
  { errno: 9999, syscall: 'mmap' },
  { code: 'UNKNOWN', errno: -9999 },
)
test(
  'a native failure with a code of the library becomes a MemmapError',
  translates,
  { code: 'ERR_MEMMAP_FLUSH_LOST', path: '/x' },
  {
    name: 'MemmapError',
    code: 'ERR_MEMMAP_FLUSH_LOST',
    path: '/x',
    message: 'native message',
  },
)
test(
  'a native failure about a wrong value becomes a TypeError',
  translates,
  { code: 'ERR_INVALID_ARG_VALUE' },
  { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' },
)
test(
  'a native failure about a wrong range becomes a RangeError',
  translates,
  { code: 'ERR_OUT_OF_RANGE' },
  { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' },
)
test(
  'an unexpected native error stays as it is',
  translates,
  { code: 'GenericFailure' },
  {
    name: 'Error',
    code: 'GenericFailure',
    message: 'native message',
  },
)

// Codes that need a special situation.

test('a mapping larger than the address space throws ERR_MEMMAP_ADDRESS_SPACE', (t) => {
  const noReserve = process.platform !== 'win32'
  t.throws(() => mmapAnonymous(2 ** 52, { noReserve }), { code: 'ERR_MEMMAP_ADDRESS_SPACE' })
})

test('the error for a missing binary says what to do, and has a cause', async (t) => {
  const { code, stderr } = await runCode(`export { mmap } from 'memmap'`, {
    env: { NAPI_RS_NATIVE_LIBRARY_PATH: '/none/such.node', NAPI_RS_FORCE_WASI: '' },
  })
  t.is(code, 1)
  t.regex(stderr, /MemmapError \[ERR_MEMMAP_NO_BINARY\]: No native binary of memmap could be loaded on /)
  t.regex(stderr, /cause/)
})
