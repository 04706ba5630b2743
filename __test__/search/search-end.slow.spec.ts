import test from 'ava'
import type { Mapping } from '../../index.js'
import { entry, runCode } from '../helpers/child.js'
import { drain, ends } from '../helpers/search-end.js'
import { tempFile } from '../helpers/temp.js'

const MIB = 2 ** 20

test('a file truncated during a search makes the search fail, not the process', async (t) => {
  const file = tempFile(t, new Uint8Array(64 * MIB))
  const code = `
    import assert from 'node:assert'
    import { truncateSync } from 'node:fs'
    import { mmapSync } from 'memmap'
    const mapping = mmapSync(process.argv[1])
    const iterator = mapping.matches('\\0')[Symbol.asyncIterator]()
    await iterator.next()
    truncateSync(process.argv[1], 4096)
    await assert.rejects(mapping.count('a'), { code: 'ERR_MEMMAP_FAULT', reason: 'truncated' })
    await assert.rejects(async () => { while (!(await iterator.next()).done); }, { code: 'ERR_MEMMAP_FAULT' })
    assert.throws(() => mapping.indexOfSync('a'), { code: 'ERR_MEMMAP_FAULT' })
    await mapping.close()
    console.log('alive')`
  const { code: exit, signal, stdout, stderr } = await runCode(code, { args: [file] })
  t.deepEqual({ exit, signal, stdout }, { exit: 0, signal: null, stdout: 'alive\n' }, stderr)
})

test('searching works without views', async (t) => {
  const code = `
    import { mmapAnonymous } from '${entry}'
    const memory = mmapAnonymous(20)
    memory.write('one two one')
    console.log(await memory.count('one'), memory.indexOfSync(/t./), (await memory.lineIndex()).count)
    for await (const { offset } of memory.matches('one')) console.log(offset)
    memory.closeSync()`
  const { code: exit, stdout } = await runCode(code, { env: { MEMMAP_NO_EXTERNAL_BUFFERS: '1' } })
  t.deepEqual({ exit, stdout }, { exit: 0, stdout: '2 4 1\n0\n8\n' })
})

test('an abandoned loop over matches causes no unhandled rejection', async (t) => {
  const code = `
    import { mmapAnonymous } from '${entry}'
    const memory = mmapAnonymous(2 ** 40, { noReserve: true })
    memory.write('a', 100)
    for await (const match of memory.matches('a')) break
    const left = memory.matches('a')[Symbol.asyncIterator]()
    await left.next()
    const abort = new AbortController()
    const aborted = memory.matches('a', { signal: abort.signal })[Symbol.asyncIterator]()
    await aborted.next()
    abort.abort()
    await memory.close()
    console.log('closed')`
  const { code: exit, signal, stdout, stderr } = await runCode(code)
  t.deepEqual({ exit, signal, stdout }, { exit: 0, signal: null, stdout: 'closed\n' }, stderr)
})

// Each of these begins to match at the first byte and might match to the last.
for (const expression of [/a[^]*b/, /a.*b/, /\ba[^]*c|\0d/]) {
  const starting = (memory: Mapping): Mapping => {
    memory.write('a')
    return memory
  }
  test(`an abort or a close ends count(${expression})`, ends, (memory, signal) =>
    starting(memory).count(expression, { signal }),
  )
  test(`an abort or a close ends indexOf(${expression})`, ends, (memory, signal) =>
    starting(memory).indexOf(expression, { signal }),
  )
  test(`an abort or a close ends lastIndexOf(${expression})`, ends, (memory, signal) =>
    starting(memory).lastIndexOf(expression, { signal }),
  )
  test(`an abort or a close ends matches(${expression})`, ends, (memory, signal) =>
    drain(starting(memory).matches(expression, { signal })),
  )
}
