import { appendFileSync, truncateSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { mmapSync } from '../../index.js'
import { survives } from '../helpers/survive.js'
import { tempFile } from '../helpers/temp.js'

// Making large views triggers many collections, which take time.
const patient = { timeout: 300_000 }
const through = test.macro(async (t: ExecutionContext, ...args: string[]) => {
  t.timeout(patient.timeout)
  await survives.exec(t, 'torture/large.ts', 'through', args, patient)
})

for (const size of ['3', '5']) {
  const title = `a file of ${size} GiB is read and written beyond 2^31 and 2^32`
  test.serial(title, through, 'whole', size)
}
test.serial('a mapping may begin at any byte of a file of 5 GiB', through, 'offsets')
test.serial('a view may be anywhere in a file of 10 TiB', through, 'terabytes')

test.serial('a followed line may be longer than any Buffer, and causes an error as a string', async (t) => {
  t.timeout(patient.timeout)
  const file = tempFile(t, 'one\n')
  truncateSync(file, 2 ** 31 + 2 ** 20)
  const mapping = mmapSync(file)
  const strings = mapping.lines({ follow: true })[Symbol.asyncIterator]()
  t.is((await strings.next()).value, 'one')
  await t.throwsAsync(strings.next(), {
    code: 'ERR_STRING_TOO_LONG',
    message: /at offset 4 .*\(offsets: true\)/,
  })

  appendFileSync(file, '\ntwo\n')
  const ranges = mapping.lines({ follow: true, offsets: true })[Symbol.asyncIterator]()
  t.deepEqual((await ranges.next()).value, { offset: 0, length: 3 })
  t.deepEqual((await ranges.next()).value, { offset: 4, length: 2 ** 31 + 2 ** 20 - 4 })
  t.deepEqual((await ranges.next()).value, { offset: 2 ** 31 + 2 ** 20 + 1, length: 3 })
  await ranges.return?.()
  mapping.closeSync()
})
