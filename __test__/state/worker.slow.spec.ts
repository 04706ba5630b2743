import process from 'node:process'
import test from 'ava'
import { runFixture } from '../helpers/child.js'
import { survives } from '../helpers/survive.js'
import { tempDir } from '../helpers/temp.js'

const node = ['--no-warnings', '--expose-gc']

const works = {
  loop: '3',
  'a faulting loop': '3',
  'mmap()': '4',
  'flush()': '4',
  'close()': '4',
  'nothing, with all open': '3',
}
for (const [work, rounds] of Object.entries(works)) {
  const title = `terminate() in the middle of ${work} leaves the other threads unharmed`
  test.serial(title, survives, 'life/terminate.ts', 'went on', [work, rounds], { node })
}

const title = 'a process in which only workers loaded the library continues after they end'
test.serial(title, survives, 'life/only-workers.ts', 'went on')

for (const signal of ['SIGSEGV', 'SIGBUS']) {
  test.serial(`a process in which only workers loaded the library still ends by ${signal}`, async (t) => {
    const outcome = await runFixture('life/only-workers.ts', { cwd: tempDir(t), args: [signal] })
    // Windows has no signals: a process is ended with a code.
    const end = process.platform === 'win32' ? { code: 1, signal: null } : { code: null, signal }
    t.deepEqual({ ...outcome, stderr: '' }, { ...end, stdout: 'went on\n', stderr: '' })
  })
}

test.serial(
  'two threads see the same bytes through two mappings or a shared one',
  survives,
  'life/two-threads.ts',
  'shared',
  [],
  {
    node,
  },
)
