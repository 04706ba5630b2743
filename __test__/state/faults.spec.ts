import { readFileSync, truncateSync } from 'node:fs'
import test from 'ava'
import { type MemmapError, mmapSync } from '../../index.js'
import { runCode } from '../helpers/child.js'
import { tempFile } from '../helpers/temp.js'

// Faults.

test('after the file shrank, every use of the mapping throws until it is closed', async (t) => {
  const file = tempFile(t, 100_000)
  const { code, signal, stdout, stderr } = await runCode(
    `
      import assert from 'node:assert'
      import { truncateSync } from 'node:fs'
      import { subscribe } from 'node:diagnostics_channel'
      import { inspect } from 'node:util'
      import { mmapSync } from 'memmap'
      const file = process.argv.at(-1)
      process.on('warning', ({ name, code, message }) => console.log(name, code, message.includes(file)))
      subscribe('memmap:fault', ({ mapping: told, faults, path }) => {
        console.log(told === mapping, path === file, faults[0].reason)
      })
      const mapping = mmapSync(file)
      const view = mapping.buffer()
      const pin = mapping.pin()
      const windows = mapping.windows({ size: 10 })[Symbol.iterator]()
      truncateSync(file, 10)
      assert.equal(view[0], 0)
      assert.equal(view[9], 9)
      assert.deepEqual(mapping.faults, [])
      assert.equal(view[90_000], 0)
      const faulted = { name: 'MemmapError', code: 'ERR_MEMMAP_FAULT', reason: 'truncated', path: file }
      for (const use of [
        () => mapping.assertHealthy(), () => mapping.buffer(), () => mapping.read(), () => mapping.pin(),
        () => mapping.windows(), () => windows.next(), () => mapping.flushSync(), () => mapping.advise('normal'),
      ]) assert.throws(use, faulted)
      await assert.rejects(mapping.flush(), faulted)
      assert.equal(mapping.faults.length, 1)
      assert(inspect(mapping).includes('truncated'))
      await new Promise((resolve) => setTimeout(resolve, 100))
      view.at(95_000)
      await new Promise((resolve) => setTimeout(resolve, 50))
      pin.release()
      await mapping.close()
      assert.equal(mapping.faults[0].reason, 'truncated')
      assert.throws(() => mapping.buffer(), { code: 'ERR_MEMMAP_CLOSED' })
    `,
    { args: [file], node: ['--no-warnings'] },
  )
  t.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
  t.deepEqual(stdout.split('\n').slice(0, -1).toSorted(), ['MemmapWarning MEMMAP_FAULT true', 'true true truncated'])
})

test('a copy that faults throws the same error as every later use', (t) => {
  const file = tempFile(t, 100_000)
  const mapping = mmapSync(file)
  truncateSync(file, 0)
  const target = new Uint8Array(10)
  const first = t.throws<MemmapError>(() => mapping.readInto(target, 50_000), { code: 'ERR_MEMMAP_FAULT' })
  const second = t.throws<MemmapError>(() => mapping.read(), { code: 'ERR_MEMMAP_FAULT' })
  t.is(first?.message, second?.message)
  t.is(first?.reason, 'truncated')
  t.true(first?.message.includes(file))
  mapping.closeSync()
})

test('a store into a strict mapping is reported, does not end the process and does not reach the file', async (t) => {
  const file = tempFile(t, 'abc')
  const { code, stdout, stderr } = await runCode(
    `
      import { mmapSync } from 'memmap'
      const mapping = mmapSync(process.argv.at(-1), { strict: true })
      const view = mapping.buffer()
      view[1] = 88
      console.log(view.toString())
      try { mapping.read() } catch ({ code, reason }) { console.log(code, reason) }
    `,
    { args: [file] },
  )
  t.is(stdout, 'aXc\nERR_MEMMAP_FAULT readonly\n', stderr)
  t.is(code, 0)
  t.is(readFileSync(file, 'utf8'), 'abc')
})

test('a later listener of SIGBUS does not displace the fault handler', async (t) => {
  const { code, signal, stdout, stderr } = await runCode(
    `
      import { truncateSync } from 'node:fs'
      import { mmapSync } from 'memmap'
      const file = process.argv.at(-1)
      const mapping = mmapSync(file)
      const view = mapping.buffer()
      let heard
      const hearing = new Promise((resolve) => (heard = resolve))
      const listener = () => {
        console.log('signal')
        heard()
      }
      process.on('SIGBUS', listener)
      truncateSync(file, 0)
      console.log(view[50_000])
      process.kill(process.pid, 'SIGBUS')
      const alive = setInterval(() => {}, 1000)
      await hearing
      clearInterval(alive)
      process.off('SIGBUS', listener)
      await new Promise((resolve) => setTimeout(resolve, 20))
      console.log(mapping.faults.length)
    `,
    // A process that hangs, as on Bun, is killed before the time-out of this test.
    { args: [tempFile(t, 100_000)], timeout: 40_000, node: ['--no-warnings'] },
  )
  t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
  t.is(stdout, '0\nsignal\n1\n')
})
