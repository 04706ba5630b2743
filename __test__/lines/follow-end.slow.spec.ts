import test from 'ava'
import { entry, runCode } from '../helpers/child.js'
import { tempDir } from '../helpers/temp.js'

// How following loops end, and what they cost while they wait.

test('a waiting loop does not poll, and a program that stops following ends by itself', async (t) => {
  const outcome = await runCode(
    `
    import { setTimeout } from 'node:timers/promises'
    import { appendFileSync, writeFileSync } from 'node:fs'
    import { mmapSync } from 'memmap'
    writeFileSync('a.log', 'one\\n')
    const mapping = mmapSync('a.log')
    let count = 0
    async function appendWhenWaited() {
      while (!process.getActiveResourcesInfo().includes('FSEventWrap')) await setTimeout(5)
      console.log(process.getActiveResourcesInfo().includes('Timeout'))
      appendFileSync('a.log', 'next\\n')
    }
    for await (const line of mapping.lines({ follow: true })) {
      console.log(line)
      if (++count === 3) break
      void appendWhenWaited()
    }
    console.log(mapping.closed)
    `,
    { cwd: tempDir(t), node: ['--no-warnings'] },
  )
  const stdout = 'one\nfalse\nnext\nfalse\nnext\nfalse\n'
  t.deepEqual(outcome, { code: 0, signal: null, stdout, stderr: '' })
})

test('a waiting step keeps the process alive, an idle iterator does not', async (t) => {
  const outcome = await runCode(
    `
    import { appendFileSync, writeFileSync } from 'node:fs'
    import { mmapSync } from 'memmap'
    writeFileSync('a.log', 'one\\n')
    // Otherwise the garbage collector may free it before the end and warn.
    globalThis.mapping = mmapSync('a.log')
    const iterator = mapping.lines({ follow: true })[Symbol.asyncIterator]()
    console.log(await iterator.next())
    setTimeout(() => appendFileSync('a.log', 'two\\n'), 500).unref()
    setTimeout(() => {}, 100)
    console.log(await iterator.next())
    setInterval(() => {}, 10).unref()
    `,
    { cwd: tempDir(t) },
  )
  const stdout = "{ done: false, value: 'one' }\n{ done: false, value: 'two' }\n"
  t.deepEqual(outcome, { code: 0, signal: null, stdout, stderr: '' })
})

test('an abandoned iterator is collected and closes its file and watcher', async (t) => {
  const outcome = await runCode(
    `
    import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
    import { mmapSync } from 'memmap'
    writeFileSync('a.log', 'one\\n')
    const opened = () => readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        const target = readlinkSync('/proc/self/fd/' + fd)
        if (target.endsWith('/a.log')) return [target]
        return target.includes('inotify') ? readFileSync('/proc/self/fdinfo/' + fd, 'utf8').match(/^inotify wd/gm) ?? [] : []
      } catch {
        return []
      }
    }).length
    const count = existsSync('/proc/self/fdinfo') ? opened : () => 0
    const mapping = mmapSync('a.log')
    const before = count()
    const leaveAlone = async () => {
      const iterator = mapping.lines({ follow: true })[Symbol.asyncIterator]()
      await iterator.next()
      // The step waits by now, so that the directory is watched.
      const waiting = iterator.next()
      await new Promise((resolve) => setTimeout(resolve, 50))
      writeFileSync('a.log', 'two\\n', { flag: 'a' })
      await waiting
    }
    for (let i = 0; i < 5; i++) await leaveAlone()
    const during = count()
    for (let i = 0; i < 200 && count() > before; i++) {
      globalThis.gc()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    console.log(process.platform !== 'linux' || during > before, count() - before)
    await mapping.close()
    `,
    { cwd: tempDir(t), node: ['--expose-gc'] },
  )
  t.deepEqual(outcome, { code: 0, signal: null, stdout: 'true 0\n', stderr: '' })
})

test('without file notifications the loop polls', async (t) => {
  const outcome = await runCode(
    `
    import fs, { appendFileSync, writeFileSync } from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    fs.watch = () => {
      throw new Error('ENOSPC')
    }
    syncBuiltinESMExports()
    const { mmapSync } = await import('ENTRY')
    writeFileSync('a.log', 'one\\n')
    const mapping = mmapSync('a.log')
    for await (const line of mapping.lines({ follow: true })) {
      console.log(line)
      if (line === 'two') break
      setTimeout(() => appendFileSync('a.log', 'two\\n'), 50)
    }
    mapping.closeSync()
    `.replace('ENTRY', entry),
    { cwd: tempDir(t) },
  )
  t.deepEqual(outcome, { code: 0, signal: null, stdout: 'one\ntwo\n', stderr: '' })
})

test('an unreadable file is read once its permissions allow it', async (t) => {
  const outcome = await runCode(
    `
    import { setTimeout } from 'node:timers/promises'
    import { chmodSync, chownSync, renameSync, writeFileSync } from 'node:fs'
    import { mmapSync } from 'memmap'
    // Root may read everything.
    if (process.getuid?.() === 0) {
      chownSync('.', 65534, 65534)
      process.chdir('.')
      process.setuid(65534)
    }
    writeFileSync('a.log', 'one\\n')
    const mapping = mmapSync('a.log')
    async function replace() {
      await setTimeout(20)
      writeFileSync('next', 'two\\n', { mode: 0o200 })
      renameSync('next', 'a.log')
      await setTimeout(100)
      chmodSync('a.log', 0o600)
    }
    for await (const line of mapping.lines({ follow: true })) {
      console.log(line)
      if (line === 'two') break
      void replace()
    }
    `,
    { cwd: tempDir(t), node: ['--no-warnings'] },
  )
  t.deepEqual(outcome, { code: 0, signal: null, stdout: 'one\ntwo\n', stderr: '' })
})
