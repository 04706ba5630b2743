import { spawnSync } from 'node:child_process'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { runCode } from '../helpers/child.js'
import { tempDir } from '../helpers/temp.js'

test.serial('without range locks, flock locks whole files, and the API reports it', async (t) => {
  if (!canRefuse(t)) return
  const code = `
    import { capabilities, fileLock, fileLockSync, locks, mmapSync, testFileLock, tryFileLock } from 'memmap'
    const lock = await fileLock('file', { create: true })
    const mapping = mmapSync('file', { mode: 'r+' })
    const codes = [() => fileLockSync('file', { length: 5 }), () => testFileLock('file'), () => lock.downgrade()]
      .map((act) => { try { act() } catch ({ code, message }) { return [code, /flock|whole/.test(message)].join() } })
    const busy = [tryFileLock('file'), mapping.tryLock({ mode: 'shared' })]
    const wait = mapping.lock({ mode: 'shared' })
    lock.unlock()
    const next = await wait
    console.log(JSON.stringify([capabilities()['lock:range'], lock.method, locks()[0].method, busy, next.held, codes]))`
  const { stdout, stderr, code: status } = await runCode(code, { cwd: tempDir(t), through: refusing('EINVAL') })
  const refused = 'ERR_MEMMAP_UNSUPPORTED,true'
  t.deepEqual(
    [JSON.parse(stdout || '[]'), stderr, status],
    [[false, 'flock', 'flock', [null, null], true, [refused, refused, refused]], '', 0],
  )
})

for (const [errno, word] of [
  ['ENOLCK', 'no more locks'],
  ['EIO', 'file server'],
] as const) {
  test.serial(`${errno} is reported as a system error with an explanation`, async (t) => {
    if (!canRefuse(t)) return
    const code = `
      import { fileLock } from 'memmap'
      await fileLock('file', { create: true }).catch(({ code, syscall, path, message }) =>
        console.log([code, syscall, path, message.includes('${word}')].join()))`
    const { stdout, stderr, code: status } = await runCode(code, { cwd: tempDir(t), through: refusing(errno) })
    t.deepEqual([stdout, stderr, status], [`${errno},fcntl,file,true\n`, '', 0])
  })
}

test.serial('without procfs a file is reopened by its path, if it is still the same file', async (t) => {
  const hide = ['unshare', '--mount', 'sh', '-ec', 'mount -t tmpfs none /proc; exec "$@"', 'sh']
  if (spawnSync(hide[0]!, [...hide.slice(1), 'true']).status !== 0) {
    t.log('Left out: it needs root on Linux')
    t.pass()
    return
  }
  const code = `
    import { renameSync, writeFileSync } from 'node:fs'
    import { mmapSync } from 'memmap'
    writeFileSync('file', 'old')
    const [one, other] = [mmapSync('file', { mode: 'r+' }), mmapSync('file', { mode: 'r+' })]
    const lock = one.lockSync()
    const busy = other.tryLock()
    lock.unlock()
    writeFileSync('new', 'new')
    renameSync('new', 'file')
    const replaced = mmapSync('new2', { mode: 'w+', size: 1 })
    renameSync('file', 'new2')
    try { replaced.lockSync() } catch ({ code }) { console.log([busy, code].join()) }
    for (const mapping of [one, other, replaced]) mapping.closeSync()`
  const { stdout, stderr, code: status } = await runCode(code, { cwd: tempDir(t), through: hide })
  t.deepEqual([stdout, stderr, status], [',ERR_MEMMAP_LOCK_REPLACED\n', '', 0])
})

test.serial('a lock lost by a file server is reported and no longer held', async (t) => {
  if (spawnSync('strace', ['-e', 'inject=fcntl:error=EIO:when=9999', 'true']).status !== 0) {
    t.log('Left out: it needs strace')
    t.pass()
    return
  }
  // Nearly all calls of fcntl change the lock, so the call that fails is one of these.
  const code = `
    import { fileLockSync } from 'memmap'
    const lock = fileLockSync('file', { create: true })
    try {
      for (let round = 0; round < 5000; round++) { lock.downgrade(); lock.tryUpgrade() }
    } catch ({ code }) {
      console.log([code, lock.held].join())
    }
    lock.unlock()`
  const through = ['strace', '-f', '-o', '/dev/null', '-e', 'trace=fcntl', '-e', 'inject=fcntl:error=EIO:when=3000']
  const outcome = await runCode(code, { cwd: tempDir(t), through })
  t.deepEqual(outcome, { code: 0, signal: null, stdout: 'ERR_MEMMAP_LOCK_LOST,false\n', stderr: '' })
})

function refusing(errno: string): string[] {
  return ['python3', path.join(import.meta.dirname, '..', 'fixtures', 'lock', 'refuse.py'), errno]
}

function canRefuse(t: ExecutionContext): boolean {
  const [command = '', ...args] = refusing('EINVAL')
  if (spawnSync(command, [...args, 'true']).status === 0) return true
  t.log('Left out: it needs Linux on x86-64 or arm64, and Python 3')
  t.pass()
  return false
}
