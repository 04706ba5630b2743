import test, { type ExecutionContext } from 'ava'
import { runFixture } from '../helpers/child.js'
import { tempDir } from '../helpers/temp.js'

const [major] = process.versions.node.split('.')

// 64 MiB each; the mapping is closed ten times at once and ten times after 5 ms.
const closesDuring = test.macro(async (t: ExecutionContext, work: string) => {
  const options = { cwd: tempDir(t), args: [work], node: ['--no-warnings', '--expose-gc'], timeout: 110_000 }
  const outcome = await runFixture('close/in-flight.ts', options)
  // The zlib of Node 20 ends the process when its input is detached; later versions throw.
  if (major === '20' && outcome.signal === 'SIGABRT' && outcome.stderr.includes('CompressionStream')) {
    t.log('Ended by an assertion in the zlib of Node 20')
    t.regex(work, /zip|deflate|brotli/)
    return
  }
  t.deepEqual(outcome, { code: 0, signal: null, stdout: 'closed\n', stderr: '' })
})

const works = [
  'fs.write',
  'fs.promises.writeFile',
  'fs.read',
  'createReadStream',
  'gzip',
  'deflate',
  'a gzip stream',
  'brotli',
  'subtle.digest',
  'randomFill',
  'socket.write',
]

for (const work of works) test.serial(`closing during ${work} neither crashes nor corrupts data`, closesDuring, work)
