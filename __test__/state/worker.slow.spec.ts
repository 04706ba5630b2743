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
  const title = `terminate() in the middle of ${work} harms nobody else`
  test.serial(title, survives, 'life/terminate.ts', 'went on', [work, rounds], { node })
}

const title = 'a process whose workers alone loaded the library goes on after them'
test.serial(title, survives, 'life/only-workers.ts', 'went on')

for (const signal of ['SIGSEGV', 'SIGBUS']) {
  test.serial(`a process whose workers alone loaded the library dies of ${signal} as ever`, async (t) => {
    const outcome = await runFixture('life/only-workers.ts', { cwd: tempDir(t), args: [signal] })
    // Windows has no signals: a process is ended, with a code.
    const end = process.platform === 'win32' ? { code: 1, signal: null } : { code: null, signal }
    t.deepEqual({ ...outcome, stderr: '' }, { ...end, stdout: 'went on\n', stderr: '' })
  })
}

test.serial(
  'two threads see one file, each its own mapping or both one',
  survives,
  'life/two-threads.ts',
  'shared',
  [],
  {
    node,
  },
)
