// How loops share the time of a thread with the event loop.
import test from 'ava'
import { mmapAnonymous, mmapSync } from '../../index.js'
import { runCode } from '../helpers/child.js'
import { tempDir, tempFile } from '../helpers/temp.js'
import { countTurns, work } from '../helpers/turns.js'

const text = 'ab\n'.repeat(30_000)

test('a loop that takes time for each item yields to the event loop between items', async (t) => {
  const mapping = mmapSync(tempFile(t, text))
  const loops: Record<string, AsyncIterable<unknown>> = {
    lines: mapping.lines(),
    offsets: mapping.lines({ offsets: true }),
    matches: mapping.matches('b'),
  }
  for (const [name, loop] of Object.entries(loops)) {
    const turns = countTurns()
    let items = 0
    for await (const _ of loop) {
      work(0.1)
      if (++items === 1000) break
    }
    turns.stop()
    // 64 items take 6.4 ms, and a loop yields after at most 2 ms.
    t.true(turns.count >= 7, `${name}: ${turns.count}`)
  }
  const asked = mapping.lines()[Symbol.asyncIterator]()
  const turns = countTurns()
  await Promise.all(Array.from({ length: 1000 }, () => asked.next().then(() => work(0.1))))
  turns.stop()
  t.true(turns.count >= 7, `asked for at once: ${turns.count}`)
  await asked.return?.()
  mapping.closeSync()
})

test('concurrent loops share one time budget, and all make progress', async (t) => {
  const mapping = mmapSync(tempFile(t, text))
  const steps = new Map<number, number>()
  const ends: number[] = []
  const turns = countTurns()
  const loop = async (number: number) => {
    for await (const _ of mapping.chunks({ size: 3000 })) {
      work(1)
      steps.set(turns.count, (steps.get(turns.count) ?? 0) + 1)
    }
    ends.push(number)
  }
  await Promise.all(Array.from({ length: 20 }, (_, number) => loop(number)))
  turns.stop()
  t.is(ends.length, 20)
  // The first loop runs for 2 ms, and each other loop makes one step.
  t.true(Math.max(...steps.values()) <= 25, [...steps.values()].join())
  mapping.closeSync()
})

test('a loop over resident memory lets timers run', async (t) => {
  const memory = mmapAnonymous(100 * 2 ** 20)
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  for await (const chunk of memory.chunks()) {
    t.is(chunk.length, 2 ** 20)
    for (const start = performance.now(); performance.now() - start < 1;);
  }
  clearInterval(timer)
  t.true(turns > 10, `${turns} turns`)
  memory.closeSync()
})

test('a loop continues after the functions of node:timers were replaced', async (t) => {
  const outcome = await runCode(
    `
    import { writeFileSync } from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    import timers from 'node:timers'
    import promises from 'node:timers/promises'
    import { mmapSync } from 'memmap'
    writeFileSync('lines.txt', 'a line\\n'.repeat(100_000))
    const mapping = mmapSync('lines.txt')
    timers.setImmediate = globalThis.setImmediate = () => {}
    promises.setImmediate = () => new Promise(() => {})
    syncBuiltinESMExports()
    let count = 0
    for await (const line of mapping.lines()) {
      if (++count % 1000 === 0) for (const end = performance.now() + 1; performance.now() < end;);
    }
    mapping.closeSync()
    console.log(count)`,
    { cwd: tempDir(t), node: ['--no-warnings'] },
  )
  t.deepEqual(outcome, { code: 0, signal: null, stdout: '100000\n', stderr: '' })
})
