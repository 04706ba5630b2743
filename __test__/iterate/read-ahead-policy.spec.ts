import test from 'ava'
import { mmapAnonymous, mmapSync } from '../../index.js'
import { stateOf } from '../../lib/memory.js'
import { planWalk } from '../../lib/iterate/read-ahead-policy.js'
import { runCode } from '../helpers/child.js'
import { tempDir, tempFile } from '../helpers/temp.js'

const MIB = 2 ** 20

test('a file is fetched ahead for who can wait, and for nobody else', (t) => {
  const mapping = mmapSync(tempFile(t, 100))
  const plan = (isBlocking: boolean) => planWalk(stateOf(mapping), 0, 100, { isBlocking, dropBehind: false })
  t.deepEqual(plan(false), { window: 32 * MIB, reach: 64 * MIB, drop: 0 })
  t.deepEqual(plan(true), { window: 0, reach: 0, drop: 0 })
  mapping.closeSync()
})

test('pages behind are dropped where that is asked for and loses nothing', (t) => {
  const drop = (mode: 'r' | 'r+' | 'c') => {
    const mapping = mmapSync(tempFile(t, 100), { mode })
    const plan = planWalk(stateOf(mapping), 0, 100, { isBlocking: true, dropBehind: true })
    mapping.closeSync()
    return plan.drop
  }
  t.deepEqual([drop('r'), drop('r+'), drop('c')], [16 * MIB, 16 * MIB, 0])
})

test('memory without a file is neither fetched nor dropped', (t) => {
  const memory = mmapAnonymous(100)
  const plan = planWalk(stateOf(memory), 0, 100, { isBlocking: false, dropBehind: true })
  t.deepEqual(plan, { window: 0, reach: 0, drop: 0 })
  memory.closeSync()
})

test('a window can be smaller, but not larger', (t) => {
  const mapping = mmapSync(tempFile(t, 100))
  const window = (bytes: number) =>
    planWalk(stateOf(mapping), 0, 100, { isBlocking: false, dropBehind: false, window: bytes }).window
  t.deepEqual([window(MIB), window(2 ** 40)], [MIB, 32 * MIB])
  mapping.closeSync()
})

test('NODE_DEBUG=memmap says what was chosen, and why', async (t) => {
  const code = `
    import { writeFileSync } from 'node:fs'
    import { mmapAnonymous, mmapSync } from 'memmap'
    writeFileSync('some.txt', 'some text')
    const mapping = mmapSync('some.txt')
    for (const line of mapping.lines({ dropBehind: true })) console.log(line)
    for await (const line of mapping.lines()) console.log(line)
    const scratch = mmapAnonymous(10, { label: 'scratch' })
    for await (const chunk of scratch.chunks()) console.log(chunk.length)
    // Else the garbage collector may come before the end and warn.
    await mapping.close()
    await scratch.close()
  `
  const outcome = await runCode(code, { cwd: tempDir(t), env: { NODE_DEBUG: 'memmap' } })
  t.is(outcome.code, 0)
  t.is(outcome.stdout, 'some text\nsome text\n10\n')
  const said = outcome.stderr.replaceAll(/^MEMMAP \d+: /gm, '').trim().split('\n') // prettier-ignore
  t.deepEqual(said, [
    "'some.txt', bytes 0 to 9: a blocking loop, nothing is fetched ahead, pages behind are dropped each 16 MiB",
    "'some.txt', bytes 0 to 9: what is not in memory is fetched 64 MiB ahead, pages behind stay",
    "'scratch', bytes 0 to 10: no file, nothing to fetch",
  ])
  t.is((await runCode(code, { cwd: tempDir(t) })).stderr, '')
})
