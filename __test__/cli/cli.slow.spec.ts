import { spawnSync } from 'node:child_process'
import { truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { mmapAnonymous, mmapSync } from '../../index.js'
import type { Command } from '../../lib/cli/command.js'
import { find } from '../../lib/cli/find.js'
import { TextReader } from '../../lib/cli/text-reader.js'
import { runProgram } from '../helpers/child.js'
import { called } from '../helpers/command.js'
import { tempDir, tempFile } from '../helpers/temp.js'

const LOG = 'INFO start\nERROR no disk\nwarn\nERROR again ERROR\nlast'

const json = async (command: Command, args: string[]): Promise<unknown[]> => {
  const { bytes } = await called(command, [...args, '--json'])
  const text = bytes.toString()
  return text === '' ? [] : text.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown) // prettier-ignore
}

test('a line of many MiB is printed whole, and has no text in JSON', async (t) => {
  const long = Buffer.alloc(17 * 2 ** 20, 'ab')
  const file = tempFile(t, Buffer.concat([Buffer.from('one\n'), long, Buffer.from('needle\ntwo\n')]))
  const { bytes } = await called(find, [file, 'needle'])
  t.true(bytes.equals(Buffer.concat([long, Buffer.from('needle\n')])))
  t.deepEqual(await json(find, [file, 'needle', '-n']), [{ line: 2, offset: 4, length: long.length + 7 }])
})

test('find prints what a loop over the lines prints', async (t) => {
  const text = fc.string({ unit: fc.constantFrom(...'ab\n'), maxLength: 40 })
  const property = fc.asyncProperty(text, fc.constantFrom('a', 'ab', 'ba', 'aa'), async (contents, word) => {
    const file = path.join(directory, 'property')
    writeFileSync(file, contents)
    const all = contents.split('\n').map((line, index) => `${index + 1}:${line}\n`)
    const expected = all.filter((line) => line.includes(word)).join('')
    const { code, bytes } = await called(find, [file, word, '-n'])
    t.deepEqual({ code, text: bytes.toString() }, { code: expected === '' ? 1 : 0, text: expected })
  })
  const directory = tempDir(t)
  await fc.assert(property, { numRuns: 300 })
})

test('lines are found in blocks of any size from one byte', async (t) => {
  const memory = mmapAnonymous(64)
  const property = fc.asyncProperty(
    fc.string({ unit: fc.constantFrom(...'ab\n'), minLength: 64, maxLength: 64 }),
    fc.integer({ min: 1, max: 70 }),
    fc.array(fc.nat(63), { minLength: 1, maxLength: 8 }),
    async (contents, size, offsets) => {
      memory.write(contents)
      const text = new TextReader(memory, size)
      for (const offset of offsets) {
        const start = contents.lastIndexOf('\n', offset - 1) + 1
        t.is(text.startOfLine(offset, 0), offset === 0 ? 0 : start)
        const end = contents.indexOf('\n', offset)
        t.is(text.endOfLine(offset), end === -1 ? 64 : end + 1)
        const from = Math.floor(offset / 2)
        t.is(await text.countLineFeeds(from, offset), contents.slice(from, offset).split('\n').length - 1)
        t.is(text.isAfterLineFeed(offset), contents[offset - 1] === '\n')
      }
    },
  )
  await fc.assert(property, { numRuns: 300 })
  memory.closeSync()
})

// The program in a process of its own.

const ends = test.macro(async (t: ExecutionContext, args: string[], code: number, stdout: RegExp, stderr: RegExp) => {
  const cwd = path.dirname(tempFile(t, LOG, 'a.log'))
  const outcome = await runProgram(args, { cwd })
  t.like(outcome, { code, signal: null })
  t.regex(outcome.stdout, stdout)
  t.regex(outcome.stderr, stderr)
})

const none = /^$/
test('--stats prints the duration and the rate', ends, ['count', 'a.log', 'a', '--stats'], 0, /^5\ta\n\nfile   a\.log\nsize   52 bytes\ntime .+\nrate .+\n$/, none) // prettier-ignore
test('--help prints the usage', ends, ['--help'], 0, /memmap count FILE WORD…[^]*memmap bench FILE/, none)
test(
  '--help of a command prints its options',
  ends,
  ['find', '-h'],
  0,
  /-b, --byte-offset +print the offset of each line/,
  none,
)
test('--version prints the version', ends, ['--version'], 0, /^\d+\.\d+\.\d+\n$/, none)
test('a missing command is an error', ends, [], 2, none, /^memmap: A command is missing\nTry 'memmap --help'\.\n$/)
test('an unknown command is an error', ends, ['conut'], 2, none, /^memmap: Unknown command 'conut'\n/)
test('an unknown option is an error', ends, ['count', '-q', 'a.log', 'x'], 2, none, /^memmap: Unknown option '-q'/)
test('an option of another command is an error', ends, ['lines', '-b', 'a.log'], 2, none, /Unknown option '-b'/)
test(
  'a missing word is an error',
  ends,
  ['count', 'a.log'],
  2,
  none,
  /^memmap: The operands of count are: FILE WORD…\n/,
)
test(
  'two patterns are an error',
  ends,
  ['find', 'a.log', 'a', 'b'],
  2,
  none,
  /^memmap: The operands of find are: FILE PATTERN\n/,
)
test('an empty word is an error', ends, ['count', 'a.log', 'a', ''], 2, none, /must not be empty/)
test('an empty pattern is an error', ends, ['find', 'a.log', ''], 2, none, /must not be empty/)
test('an invalid regular expression is an error', ends, ['find', '-r', 'a.log', '('], 2, none, /^memmap: Invalid regular expression: .*Unterminated group/) // prettier-ignore
test('an unsupported regular expression is an error', ends, ['find', '-r', 'a.log', 'a(?=b)'], 2, none, /a lookahead \(\?=…\) is not supported/) // prettier-ignore
test('a missing file is an error', ends, ['lines', 'none'], 2, none, /^memmap: ENOENT: no such file or directory, open 'none'\n$/) // prettier-ignore
test('a directory is an error', ends, ['lines', '.'], 2, none, /^memmap: A directory can't be mapped.*\('\.'\)\n/)
test('zero threads are an error', ends, ['lines', '--threads=0', 'a.log'], 2, none, /--threads must be an integer of at least 1\. Received '0'/) // prettier-ignore
test(
  'a fractional --max-count is an error',
  ends,
  ['find', '-m', '1.5', 'a.log', 'x'],
  2,
  none,
  /--max-count must be an integer/,
)
test('--print with a reversed range is an error', ends, ['lines', '-p', '3:2', 'a.log'], 2, none, /Received '3:2'/)
test('--print from line 0 is an error', ends, ['lines', '-p', '0:2', 'a.log'], 2, none, /--print must be an integer/)
test(
  'bench compares the ways to read a file',
  ends,
  ['bench', 'a.log'],
  0,
  /mmapSync[^]*fs\.readSync[^]*readline/,
  none,
)

test('bench accepts an empty file', async (t) => {
  const { code, stdout, stderr } = await runProgram(['bench', '--json', tempFile(t, '')])
  t.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  const { jobs } = JSON.parse(stdout) as { jobs: { way: string; seconds: number }[] }
  t.true(jobs.length === 7 && jobs.every(({ seconds }) => seconds > 0))
})

test('find stops reading a file of 10 GiB at the last requested match', async (t) => {
  const file = tempFile(t)
  truncateSync(file, 10 * 2 ** 30)
  const mapping = mmapSync(file, { mode: 'r+' })
  mapping.write('\nneedle\n', 2 ** 28)
  mapping.closeSync()
  const found = await runProgram(['find', '-a', '-b', '-m', '1', file, 'needle'])
  t.deepEqual(found, { code: 0, signal: null, stdout: `${2 ** 28 + 1}:needle\n`, stderr: '' })
})

test('npm start counts in the binary of Node, or in a given file', async (t) => {
  const script = path.join(import.meta.dirname, '..', '..', 'scripts', 'start.mjs')
  const start = (args: string[]) => spawnSync(process.execPath, ['--import=tsx', script, ...args], { encoding: 'utf8' })
  const anything = start([])
  t.is(anything.status, 0, anything.stderr)
  t.regex(anything.stdout, /^\d+\tfunction\n\nfile   .+\nsize   .+\ntime   .+\nrate   .+\n$/)
  const file = tempFile(t, LOG)
  t.regex(start([file, 'ERROR', 'x']).stdout, /^3\tERROR\n0\tx\n\nfile /)
  t.is(start(['lines', file]).stdout, '5\n')
  t.regex(start(['--help']).stdout, /^Usage: memmap/)
})
