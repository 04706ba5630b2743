import path from 'node:path'
import test from 'ava'
import { runCode } from '../helpers/child.js'
import { tempFile } from '../helpers/temp.js'

test('mappings() lists the mappings of other threads with their thread', async (t) => {
  const worker = path.join(import.meta.dirname, '..', 'fixtures', 'hold.worker.cjs')
  const { stdout, stderr } = await runCode(`
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    import { mappings } from 'memmap'
    const worker = new Worker(${JSON.stringify(worker)}, { execArgv: [] })
    await once(worker, 'message')
    const { thread, label } = mappings()[0]
    console.log(thread === worker.threadId, label)
    await worker.terminate()
  `)
  t.is(stdout, 'true worker\n', stderr)
})

test('a collected mapping causes one warning with its path and the stack of its opening', async (t) => {
  const file = tempFile(t, 'abc')
  const code = `
    import { mappings, mmapSync } from 'memmap'
    process.on('warning', ({ name, code, message }) => console.log(name, code, message))
    mmapSync(process.argv.at(-1)).buffer()
    mmapSync(process.argv.at(-1)).closeSync()
    for (let i = 0; i < 50 && mappings().length > 0; i++) {
      globalThis.gc()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
    console.log(mappings().length)
  `
  const plain = await runCode(code, { args: [file], node: ['--expose-gc', '--no-warnings'] })
  t.regex(plain.stdout, /^ResourceWarning MEMMAP_LEAK [^\n]*'[^\n]*file\.bin'[^\n]*MEMMAP_TRACE=1[^\n]*\n0\n$/)

  const traced = await runCode(code, {
    args: [file],
    env: { MEMMAP_TRACE: '1' },
    node: ['--expose-gc', '--no-warnings'],
  })
  t.is(traced.stdout.split('MEMMAP_LEAK').length, 2)
  t.regex(traced.stdout, /it was opened here:\n\s+at /)
})

test('mappings open at exit cause no leak warning', async (t) => {
  const { code, stdout, stderr } = await runCode(`
    import { mmapAnonymous } from 'memmap'
    globalThis.held = [mmapAnonymous(64), mmapAnonymous(64)]
    globalThis.held[0].buffer()
    globalThis.held[1].pin()
  `)
  t.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '', stderr: '' })
})

test('with MEMMAP_TRACE=1 errors and the registry contain the stacks of opening and closing', async (t) => {
  const { stdout, stderr } = await runCode(
    `
      import { mappings, mmap, mmapAnonymous } from 'memmap'
      async function opener() { return await mmap(process.argv.at(-1)) }
      function closer(mapping) { mapping.closeSync() }
      const mapping = await opener()
      console.log(mappings()[0].stack.includes('opener'))
      closer(mapping)
      try { mapping.buffer() } catch (error) { console.log(/it was closed here:\\n.*closer/s.test(error.message)) }
    `,
    { args: [tempFile(t, 'abc')], env: { MEMMAP_TRACE: '1' } },
  )
  t.is(stdout, 'true\ntrue\n', stderr)
})
