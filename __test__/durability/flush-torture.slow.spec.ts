import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { constants } from '../../index.js'
import { runFixture } from '../helpers/child.js'
import { tempDir } from '../helpers/temp.js'

interface Call {
  readonly address: bigint
  readonly length: bigint
  readonly flags: string
}

// One file for each thread, since threads that share a file interleave their lines.
const trace = (directory: string) =>
  ['strace', '-f', '-ff', '-y', '-e', 'trace=mmap,msync', '-o', path.join(directory, 'trace')] as const

const canTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0

/** Returns the calls of msync, and for each mapping of the file its [address, offset in the file]. */
function readTrace(directory: string): { calls: Call[]; starts: [bigint, bigint][] } {
  const text = readdirSync(directory)
    .filter((name) => name.startsWith('trace.'))
    .map((name) => readFileSync(path.join(directory, name), 'utf8'))
    .join('')
  const calls = [...text.matchAll(/^msync\((0x\w+), (\d+), ([\w|]+)\)\s+= 0$/gm)]
  const maps = [...text.matchAll(/^mmap\(.*, MAP_SHARED\w*, \d+<.*\/flushed>, (\w+)\)\s+= (0x\w+)$/gm)]
  return {
    calls: calls.map(([, address = '', length = '', flags = '']) => ({
      address: BigInt(address),
      length: BigInt(length),
      flags,
    })),
    starts: maps.map(([, offset = '', address = '']) => [BigInt(address), BigInt(offset)]),
  }
}

const flushes = test.macro(async (t: ExecutionContext, name: string) => {
  if (!canTrace) {
    t.log('Left out: it needs strace and the permission to trace')
    t.pass()
    return
  }
  const cwd = tempDir(t)
  const node = ['--no-warnings']
  const options = { cwd, node, args: [name], through: trace(cwd), timeout: 110_000 }
  const { code, signal, stdout, stderr } = await runFixture('torture/flush.ts', options)
  t.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
  const [said = '', last] = stdout.trim().split('\n')
  t.is(last, 'through')
  const wanted = JSON.parse(said) as [number, number][]

  const { calls, starts } = readTrace(cwd)
  t.is(calls.length, wanted.length)
  const page = BigInt(constants.PAGE_SIZE)
  for (const { address, flags } of calls) {
    t.is(flags, 'MS_SYNC')
    t.is(address % page, 0n)
  }
  for (const [offset, length] of wanted) {
    const first = BigInt(offset)
    const covering = calls.filter((call) =>
      starts.some(([address, byte]) => {
        const from = call.address - address + byte
        // At most the pages of the range; otherwise a flush of one byte might write the whole file.
        const [lowest, highest] = [(first / page) * page, ((first + BigInt(length) - 1n) / page + 1n) * page]
        return (
          from >= lowest &&
          from <= first &&
          from + call.length >= first + BigInt(length) &&
          from + call.length <= highest
        )
      }),
    )
    t.true(covering.length > 0, `bytes ${offset} to ${offset + length}`)
  }
})

/** Runs a case and counts its successful system calls. */
async function countCalls(
  t: ExecutionContext,
  name: string,
  calls: readonly string[],
): Promise<Record<string, number>> {
  const cwd = tempDir(t)
  const through = ['strace', '-f', '-ff', '-e', `trace=${calls.join()}`, '-o', path.join(cwd, 'trace')]
  const options = { cwd, node: ['--no-warnings'], args: [name], through, timeout: 110_000 }
  const { code, signal, stderr } = await runFixture('torture/flush.ts', options)
  t.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
  const lines = readdirSync(cwd)
    .filter((file) => file.startsWith('trace.'))
    .flatMap((file) => readFileSync(path.join(cwd, file), 'utf8').split('\n'))
  const count = (call: string) => lines.filter((line) => line.startsWith(`${call}(`) && line.endsWith(' = 0')).length
  return Object.fromEntries(calls.map((call) => [call, count(call)]))
}

const calls = test.macro(
  async (
    t: ExecutionContext,
    name: string,
    expected: Readonly<Record<string, readonly [min: number, max: number]>>,
  ) => {
    if (process.platform !== 'linux' || !canTrace) {
      t.log('Left out: it needs strace and the permission to trace')
      t.pass()
      return
    }
    const found = await countCalls(t, name, Object.keys(expected))
    for (const [call, [min, max]] of Object.entries(expected)) {
      const count = found[call] ?? -1
      t.true(count >= min && count <= max, `${call}: ${count}`)
    }
  },
)

// Of 98 flushes. How many wait when the first one ends depends on the machine.
test.serial('waiting flushes of neighbouring ranges are merged into one call', calls, 'joined', { msync: [1, 10] })
test.serial('flushes of distant ranges or of two files are not merged', calls, 'apart', { msync: [5, 5] })
test.serial("level 'schedule' only starts the writeback", calls, 'schedule', {
  msync: [0, 0],
  fsync: [0, 0],
  sync_file_range: [1, 1],
})
test.serial(
  "level 'all' also flushes the file, and once the directory if the mapping created the file",
  calls,
  'all',
  // The file twice, its directory once, and the other file once.
  { msync: [3, 3], fsync: [4, 4], sync_file_range: [0, 0] },
)

const loses = test.macro(async (t: ExecutionContext, call: string, code: string, level: string) => {
  if (process.platform !== 'linux' || !canTrace) {
    t.log('Left out: it needs strace and the permission to trace')
    t.pass()
    return
  }
  const through = [
    'strace',
    '-f',
    '-o',
    '/dev/null',
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${call}:error=${code}:when=1`,
  ]
  const options = { cwd: tempDir(t), node: ['--no-warnings'], args: [code, level], through }
  t.deepEqual(await runFixture('flush/lost.ts', options), { code: 0, signal: null, stdout: 'through\n', stderr: '' })
})

for (const code of ['EIO', 'ENOSPC', 'EDQUOT', 'ENODATA']) {
  test.serial(`after ${code} no later flush of the file succeeds`, loses, 'msync', code, 'data')
}
test.serial("after EIO at level 'all' no later flush of the file succeeds", loses, 'fsync', 'EIO', 'all')
test.serial(
  "after EIO at level 'schedule' no later flush of the file succeeds",
  loses,
  'sync_file_range',
  'EIO',
  'schedule',
)

test.serial('every flush of any range is an msync with MS_SYNC of the pages around it', flushes, 'shared')
test.serial('a flush of private memory or of no bytes makes no system call', flushes, 'nothing')
