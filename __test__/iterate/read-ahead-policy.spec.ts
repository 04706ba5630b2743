import test from 'ava'
import { mmapAnonymous, mmapSync } from '../../index.js'
import { stateOf } from '../../lib/state/mapping-state.js'
import { chooseReadAheadPolicy } from '../../lib/iterate/read-ahead-policy.js'
import { runCode } from '../helpers/child.js'
import { tempDir, tempFile } from '../helpers/temp.js'

const MIB = 2 ** 20

test('read-ahead is used for asynchronous loops only', (t) => {
  const mapping = mmapSync(tempFile(t, 100))
  const policy = (isBlocking: boolean) =>
    chooseReadAheadPolicy(stateOf(mapping), 0, 100, { isBlocking, dropBehind: false })
  t.deepEqual(policy(false), { maxStep: 32 * MIB, distance: 64 * MIB, dropInterval: 0 })
  t.deepEqual(policy(true), { maxStep: 0, distance: 0, dropInterval: 0 })
  mapping.closeSync()
})

test('drop-behind is used on request if no stored bytes can be lost', (t) => {
  const drop = (mode: 'r' | 'r+' | 'c') => {
    const mapping = mmapSync(tempFile(t, 100), { mode })
    const policy = chooseReadAheadPolicy(stateOf(mapping), 0, 100, { isBlocking: true, dropBehind: true })
    mapping.closeSync()
    return policy.dropInterval
  }
  t.deepEqual([drop('r'), drop('r+'), drop('c')], [16 * MIB, 16 * MIB, 0])
})

test('anonymous memory has neither read-ahead nor drop-behind', (t) => {
  const memory = mmapAnonymous(100)
  const policy = chooseReadAheadPolicy(stateOf(memory), 0, 100, { isBlocking: false, dropBehind: true })
  t.deepEqual(policy, { maxStep: 0, distance: 0, dropInterval: 0 })
  memory.closeSync()
})

test('the read-ahead window can be smaller than the default, not larger', (t) => {
  const mapping = mmapSync(tempFile(t, 100))
  const maxStep = (bytes: number) =>
    chooseReadAheadPolicy(stateOf(mapping), 0, 100, { isBlocking: false, dropBehind: false, maxStep: bytes }).maxStep
  t.deepEqual([maxStep(MIB), maxStep(2 ** 40)], [MIB, 32 * MIB])
  mapping.closeSync()
})

test('NODE_DEBUG=memmap prints the chosen policy and the reason', async (t) => {
  const code = `
    import { writeFileSync } from 'node:fs'
    import { mmapAnonymous, mmapSync } from 'memmap'
    writeFileSync('some.txt', 'some text')
    const mapping = mmapSync('some.txt')
    for (const line of mapping.lines({ dropBehind: true })) console.log(line)
    for await (const line of mapping.lines()) console.log(line)
    const scratch = mmapAnonymous(10, { label: 'scratch' })
    for await (const chunk of scratch.chunks()) console.log(chunk.length)
    // Otherwise the garbage collector may free them before the end and warn.
    await mapping.close()
    await scratch.close()
  `
  const outcome = await runCode(code, { cwd: tempDir(t), env: { NODE_DEBUG: 'memmap' } })
  t.is(outcome.code, 0)
  t.is(outcome.stdout, 'some text\nsome text\n10\n')
  const said = outcome.stderr.replaceAll(/^MEMMAP \d+: /gm, '').trim().split('\n') // prettier-ignore
  t.deepEqual(said, [
    "'some.txt', bytes 0 to 9: no read-ahead (blocking loop), drop-behind every 16 MiB",
    "'some.txt', bytes 0 to 9: read-ahead of 64 MiB, no drop-behind",
    "'scratch', bytes 0 to 10: no file, no read-ahead",
  ])
  t.is((await runCode(code, { cwd: tempDir(t) })).stderr, '')
})
