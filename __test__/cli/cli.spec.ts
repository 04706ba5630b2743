import { readFileSync, truncateSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { constants } from '../../index.js'
import type { Command } from '../../lib/cli/command.js'
import { count } from '../../lib/cli/count.js'
import { find } from '../../lib/cli/find.js'
import { lines } from '../../lib/cli/lines.js'
import { resident } from '../../lib/cli/resident.js'
import { runProgram } from '../helpers/child.js'
import { called } from '../helpers/command.js'
import { tempFile } from '../helpers/temp.js'

const LOG = 'INFO start\nERROR no disk\nwarn\nERROR again ERROR\nlast'

const prints = test.macro(
  async (t: ExecutionContext, command: Command, contents: string, args: string[], code: number, expected: string) => {
    const file = tempFile(t, contents)
    const outcome = await called(command, [file, ...args])
    t.deepEqual({ ...outcome, bytes: outcome.bytes.toString() }, { code, bytes: expected })
  },
)

test('count prints how often each word occurs', prints, count, LOG, ['ERROR', 'x', 'a'], 0, '3\tERROR\n0\tx\n5\ta\n')
test('count without a match exits with 1', prints, count, LOG, ['x', 'zzz'], 1, '0\tx\n0\tzzz\n')
test('count in an empty file finds nothing', prints, count, '', ['x'], 1, '0\tx\n')
test('count searches for words as UTF-8', prints, count, 'é😀é', ['é', '😀'], 0, '2\té\n1\t😀\n')
test('count takes words literally', prints, count, 'a.b.axb', ['a.b', '.'], 0, '1\ta.b\n2\t.\n')
test('count -r takes words as regular expressions', prints, count, LOG, ['-r', '^E.*$', 'o+'], 0, '2\t^E.*$\n1\to+\n')
test('count -i ignores case', prints, count, 'Éa éA [x] [X]', ['-i', 'éa', '[x]'], 0, '2\téa\n2\t[x]\n')
test('count accepts a number of threads', prints, count, LOG, ['--threads', '3', 'a'], 0, '5\ta\n')
test('count accepts words that begin with a dash after --', prints, count, 'a-b', ['--', '-b'], 0, '1\t-b\n')

test('lines prints the number of lines', prints, lines, 'a\n\nb\n', [], 0, '3\n')
test('lines counts a last line without an end', prints, lines, LOG, [], 0, '5\n')
test('lines of an empty file exits with 1', prints, lines, '', [], 1, '0\n')
test('lines -p prints one line', prints, lines, LOG, ['-p', '3'], 0, 'warn\n')
test('lines --print prints a range of lines', prints, lines, LOG, ['--print', '2:3'], 0, 'ERROR no disk\nwarn\n')
test(
  'lines --print prints from one line to the last',
  prints,
  lines,
  LOG,
  ['--print=4:'],
  0,
  'ERROR again ERROR\nlast\n',
)
test('lines -p ignores line numbers after the last line', prints, lines, 'a\r\nb\r\n', ['-p', '2:100'], 0, 'b\r\n')
test('lines -p without such lines exits with 1', prints, lines, LOG, ['-p', '6:7'], 1, '')

test('find prints matching lines', prints, find, LOG, ['ERROR'], 0, 'ERROR no disk\nERROR again ERROR\n')
test('find without a match exits with 1', prints, find, LOG, ['x'], 1, '')
test('find in an empty file finds nothing', prints, find, '', ['-r', '^'], 1, '')
test('find -b prints the offset of each line', prints, find, LOG, ['-b', 'a'], 0, '5:INFO start\n25:warn\n30:ERROR again ERROR\n48:last\n'.replace('5:INFO', '0:INFO')) // prettier-ignore
test('find -n prints line numbers', prints, find, LOG, ['-n', 'ERROR'], 0, '2:ERROR no disk\n4:ERROR again ERROR\n')
test(
  'find -o prints only the matches',
  prints,
  find,
  LOG,
  ['-bno', '-i', 'error'],
  0,
  '2:11:ERROR\n4:30:ERROR\n4:42:ERROR\n',
)
test('find -m stops after the given number of lines', prints, find, LOG, ['-m', '2', 'a'], 0, 'INFO start\nwarn\n')
test('find prints no line after the last one', prints, find, 'a\n\n', ['-rn', '$'], 0, '1:a\n2:\n')
test('find -o prints no empty matches but exits with 0', prints, find, 'a\nb', ['-ro', 'x*'], 0, '')
test('find finds no match after the last line', prints, find, 'a\n', ['-ro', '^$'], 1, '')
test('find prints a last line that has no end once', prints, find, 'a\nb', ['-rn', 'b*'], 0, '1:a\n2:b\n')
test('find matches an empty range at the end of a line', prints, find, 'a\nb', ['-rn', '$'], 0, '1:a\n2:b\n')
test('find prints all lines that a match touches', prints, find, LOG, ['-r', 'disk\\nwa'], 0, 'ERROR no disk\nwarn\n')
test('find reports a match in a binary file', async (t) => {
  const file = tempFile(t, '\0a\na\n')
  t.deepEqual(await called(find, [file, 'a']), {
    code: 0,
    bytes: Buffer.from(`memmap: ${file}: binary file matches (-a prints its lines)\n`),
  })
  t.deepEqual(await called(find, [file, 'a', '-a']), { code: 0, bytes: Buffer.from('\0a\na\n') })
  t.deepEqual(await called(find, [file, 'b']), { code: 1, bytes: Buffer.alloc(0) })
})

test('find and lines print bytes unchanged', async (t) => {
  const contents = Buffer.from([0x61, 0xff, 0xfe, 0x0a, 0xc3, 0x61, 0x0d, 0x0a, 0x80])
  const file = tempFile(t, contents)
  t.deepEqual((await called(find, [file, 'a'])).bytes, contents.subarray(0, 8))
  t.deepEqual((await called(lines, [file, '-p', '3'])).bytes, Buffer.from([0x80, 0x0a]))
})

const json = async (command: Command, args: string[]): Promise<unknown[]> => {
  const { bytes } = await called(command, [...args, '--json'])
  const text = bytes.toString()
  return text === '' ? [] : text.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown) // prettier-ignore
}

test('with --json each command prints JSON', async (t) => {
  const file = tempFile(t, Buffer.from([...Buffer.from('é1\nxx1\n'), 0xff, 0x31]))
  const [counted] = await json(count, [file, '1', 'é'])
  t.like(counted, { file, size: 10 })
  t.like(counted, { words: [{ word: '1', count: 3 }, { word: 'é', count: 1 }] }) // prettier-ignore
  const [total] = await json(lines, [file])
  t.like(total, { file, size: 10, lines: 3 })
  t.deepEqual(await json(find, [file, '1', '-n']), [
    { line: 1, offset: 0, length: 4, text: 'é1\n' },
    { line: 2, offset: 4, length: 4, text: 'xx1\n' },
    { line: 3, offset: 8, length: 2, bytes: '/zE=' },
  ])
  t.deepEqual(await json(find, [file, 'x', '-o']), [
    { offset: 4, length: 1, text: 'x' },
    { offset: 5, length: 1, text: 'x' },
  ])
  t.deepEqual(await json(lines, [file, '-p2']), [{ line: 2, offset: 4, length: 4, text: 'xx1\n' }])
  t.deepEqual(await json(find, [file, 'nowhere']), [])
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
test('the program runs count', ends, ['count', 'a.log', 'ERROR'], 0, /^3\tERROR\n$/, none)
test('resident draws the resident parts of a file', async (t) => {
  const { PAGE_SIZE: page } = constants
  const file = tempFile(t, new Uint8Array(30 * page))
  t.deepEqual(await called(resident, [file]), {
    code: 0,
    bytes: Buffer.from(`${file}: 120.0 KiB of 120.0 KiB in memory, 100 %\n[${'O'.repeat(30)}]\n`),
  })
  const [found] = await json(resident, [file])
  t.like(found, { file, size: 30 * page, resident: 'yes', pages: 30, residentPages: 30, bucket: page })
  const empty = await called(resident, [tempFile(t, '')])
  t.is(empty.code, 1)
  t.regex(empty.bytes.toString(), /: 0 bytes of 0 bytes in memory, 0 %\n\[\]\n$/)
  // Pages that were never read or written are not resident, and resident() does not read them.
  truncateSync(file, 60 * 8 * page)
  const half = (await called(resident, [file])).bytes.toString()
  t.regex(half, new RegExp(`: 120\\.0 KiB of .* in memory, 6 %\\n\\[OOOo {56}\\]\\n$`))
  t.is((await called(resident, [file])).bytes.toString(), half)
})

test('the package installs the built program', (t) => {
  const { bin } = JSON.parse(readFileSync(path.join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')) as {
    bin: { memmap: string }
  }
  t.is(bin.memmap, './dist/lib/cli/main.js')
  t.regex(
    readFileSync(path.join(import.meta.dirname, '..', '..', 'lib', 'cli', 'main.ts'), 'utf8'),
    /^#!\/usr\/bin\/env node\n/,
  )
})
