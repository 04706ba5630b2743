import test from 'ava'
import { fileLock, fileLockSync, testFileLock } from '../../index.js'
import { runCode } from '../helpers/child.js'
import { startHolder } from '../helpers/holder.js'
import { tempDir, tempFile } from '../helpers/temp.js'

// Inspection.

test('with MEMMAP_TRACE=1 locks() has the stacks of the callers', async (t) => {
  const code = `
    import { fileLock, locks, mmapSync } from 'memmap'
    function here() { return fileLock('file', { create: true, length: 1 }) }
    await here()
    function there() { return mmapSync('file', { mode: 'r+' }).lock({ offset: 5 }) }
    await there()
    console.log(locks().map(({ stack }) => /here|there/.exec(stack)[0]).join())`
  const { stdout, code: status } = await runCode(code, { cwd: tempDir(t), env: { MEMMAP_TRACE: '1' } })
  t.deepEqual([stdout, status], ['here,there\n', 0])
})

test('the garbage collector releases no lock, even of an unreferenced mapping', async (t) => {
  const code = `
    import { fileLock, locks, mmapSync, testFileLock } from 'memmap'
    import { setTimeout } from 'node:timers/promises'
    await fileLock('file', { create: true, length: 1 })
    ;(() => mmapSync('file', { mode: 'r+' }).lockSync({ offset: 5 }))()
    for (let round = 0; round < 10; round++) { gc(); await setTimeout(5) }
    console.log(locks().length, testFileLock('file', { length: 1 }), testFileLock('file', { offset: 9 }))`
  const outcome = await runCode(code, { cwd: tempDir(t), node: ['--expose-gc'] })
  t.deepEqual(outcome, { code: 0, signal: null, stdout: '2 exclusive exclusive\n', stderr: '' })
})

test('a child process started while a lock is held neither inherits nor releases it', async (t) => {
  const file = tempFile(t, 10)
  const lock = fileLockSync(file, { length: 5 })
  const outcomes = await Promise.all([1, 2, 3].map(() => runCode('', {})))
  t.true(outcomes.every(({ code }) => code === 0))
  t.is(testFileLock(file), 'exclusive')
  const holder = await startHolder(t, file, { offset: 5 })
  lock.unlock()
  t.is(testFileLock(file, { length: 5 }), 'free')
  await holder.end('SIGKILL')
  const all = await fileLock(file)
  all.unlock()
})
