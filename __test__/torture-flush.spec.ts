import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { constants } from '../index.js'
import { runFixture } from './helpers/child.js'
import { tempDir } from './helpers/temp.js'

interface Call {
  readonly address: bigint
  readonly length: bigint
  readonly flags: string
}

// A file for each thread: in one for all, the threads would cut each other's lines in two.
const trace = (directory: string) =>
  ['strace', '-f', '-ff', '-y', '-e', 'trace=mmap,msync', '-o', path.join(directory, 'trace')] as const

const canTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0

/** The calls of msync, and where mappings of the file began: [address, byte of the file]. */
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
    t.log('Left out: it needs strace, and the right to use it')
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
        // No more than the pages of the range, or a flush of a byte would write a whole file.
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

test.serial('every flush of any range is an msync with MS_SYNC of the pages around it', flushes, 'shared')
test.serial('a flush of private memory, or of no bytes, asks nothing of the system', flushes, 'nothing')
