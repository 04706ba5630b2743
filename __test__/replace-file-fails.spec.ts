import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { symlinkSync, truncateSync } from 'node:fs'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { type Mapping, mappings, replaceFile, replaceFileSync, type ReplaceOptions } from '../index.js'
import { tempDir, tempFile } from './helpers/temp.js'

type Content = Parameters<typeof replaceFile>[1]
type Replace = (file: string, content: Content, options?: Omit<ReplaceOptions, 'signal'>) => unknown

const both: readonly [string, Replace][] = [
  ['replaceFile', replaceFile],
  ['replaceFileSync', replaceFileSync],
]

// A failure leaves the old file and no temporary file.

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
  throw new Error('no content')
}
test('a function that throws leaves the old file', fails, throwing, 100, { message: 'no content' })
test(
  'a function that closes its mapping leaves the old file',
  fails,
  (mapping: Mapping): void => {
    mapping.write('new')
    mapping.closeSync()
  },
  100,
  { code: 'ERR_MEMMAP_CLOSED' },
)
test('a function that writes too much leaves the old file', fails, (mapping: Mapping) => mapping.write('too much'), 3, {
  code: 'ERR_OUT_OF_RANGE',
})
test(
  'a function whose file is truncated leaves the old file',
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
test('a size larger than the disk leaves the old file', fails, () => undefined, 2 ** 53 - 1, {
  message: /fallocate|ftruncate/,
})
test('an unknown kind of content is refused', fails, 5 as never, undefined, { code: 'ERR_INVALID_ARG_TYPE' })
test('a function without a size is refused', fails, () => undefined, undefined, { code: 'ERR_INVALID_ARG_TYPE' })
test('data with a size is refused', fails, 'new', 3, { code: 'ERR_INVALID_ARG_VALUE' })
test('a negative size is refused', fails, () => undefined, -1, { code: 'ERR_OUT_OF_RANGE' })

test('replaceFileSync() refuses a function that returns a promise, replaceFile() waits for it', async (t) => {
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

test('replaceFileSync() refuses a function that leaves a pin', (t) => {
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

test('a missing directory throws ENOENT', async (t) => {
  const file = path.join(tempDir(t), 'missing', 'file')
  const expected = { code: 'ENOENT', syscall: 'open', path: file }
  t.like(await t.throwsAsync(replaceFile(file, 'new')), expected)
  t.like(
    t.throws(() => replaceFileSync(file, 'new')),
    expected,
  )
})

test('invalid paths and options are refused', async (t) => {
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
