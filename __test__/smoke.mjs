// What must work wherever the package loads, Bun and Deno included: plain JavaScript, node: modules and the package as users
// get it. `lab/smoke-runtimes.mjs` runs it.
//
//     smoke.mjs            lists the checks
//     smoke.mjs NAME       makes one

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import * as memmap from 'memmap'

const { capabilities, constants, mapArray, mapBuffer, MemmapError, mappings, mmap, mmapAnonymous, mmapSync, unmap } =
  memmap

const folder = mkdtempSync(path.join(os.tmpdir(), 'memmap-smoke-'))
const file = path.join(folder, 'file.bin')
const page = constants.PAGE_SIZE
const counting = (length) => Buffer.from(Uint8Array.from({ length }, (_, index) => index))

const checks = {
  'a file is mapped from a path, a URL, a descriptor and a FileHandle': async () => {
    const handle = await open(file)
    const fd = openSync(file, 'r')
    for (const source of [file, pathToFileURL(file), fd, handle]) {
      for (const mapping of [mmapSync(source), await mmap(source)]) {
        assert.deepEqual(mapping.buffer(), counting(4 * page))
        mapping.closeSync()
      }
    }
    closeSync(fd)
    await handle.close()
  },
  'views of every kind are slices of the same memory': () => {
    const mapping = mmapSync(file, { mode: 'c' })
    mapping.array(Float64Array, 8, 1)[0] = 1.5
    assert.equal(mapping.dataView(8, 8).getFloat64(0, os.endianness() === 'LE'), 1.5)
    assert.equal(mapping.buffer(8, 8).readDoubleLE(0), 1.5)
    assert.equal(mapping.buffer().buffer, mapping.array(Int8Array).buffer)
    mapping.closeSync()
  },
  'any offset and length': () => {
    const mapping = mmapSync(file, { offset: page + 3, length: 10n })
    assert.deepEqual([...mapping.buffer()], [3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    mapping.closeSync()
  },
  'copies, fills and writes': () => {
    const mapping = mmapSync(file, { mode: 'r+' })
    mapping.write('grüße', 1)
    mapping.copyWithin(100, 1, 8)
    mapping.fill(7, { offset: 200, length: 3 })
    assert.equal(mapping.read({ offset: 100, length: 7 }).toString(), 'grüße')
    assert.equal(mapping.readInto(new Uint8Array(2), 200), 2)
    mapping.closeSync()
    const bytes = readFileSync(file)
    assert.equal(bytes.toString('utf8', 1, 8), 'grüße')
    assert.deepEqual([...bytes.subarray(199, 204)], [199, 7, 7, 7, 203])
  },
  'windows and chunks': () => {
    const mapping = mmapSync(file)
    const windows = [...mapping.windows({ size: 5000, overlap: 100 })]
    assert.deepEqual(windows.at(-1)?.view, counting(4 * page).subarray(windows.at(-1)?.offset))
    assert.deepEqual(Buffer.concat([...mapping.chunks({ size: 999 })]), counting(4 * page))
    mapping.closeSync()
  },
  'flushing, at once and on another thread': async () => {
    const mapping = mmapSync(file, { mode: 'r+' })
    mapping.buffer()[0] = 99
    assert.equal(mapping.flushSync().bytes, 4 * page)
    const { bytes, level } = await mapping.flush({ offset: 10, length: 20 })
    assert.deepEqual([bytes, level], [20, 'data'])
    mapping.closeSync()
  },
  'closing empties views, and methods say so': async () => {
    for (const close of ['close', 'closeSync']) {
      const mapping = mmapSync(file)
      const view = mapping.buffer()
      const data = mapping.dataView()
      const closing = mapping[close]()
      assert.deepEqual([view.length, view[0], mapping.closed], [0, undefined, true])
      assert.throws(() => data.getInt8(0), TypeError)
      assert.throws(() => mapping.read(), { code: 'ERR_MEMMAP_CLOSED' })
      await closing
    }
    assert.deepEqual(
      mappings().filter(({ state }) => state === 'open'),
      [],
    )
  },
  'a pin keeps close() waiting': async () => {
    const memory = mmapAnonymous(page)
    const pin = memory.pin()
    const written = writeFile(path.join(folder, 'copy'), memory.fill(5).buffer()).finally(() => pin.release())
    assert.throws(() => memory.closeSync(), { code: 'ERR_MEMMAP_BUSY' })
    await Promise.all([memory.close(), written])
    assert.deepEqual(readFileSync(path.join(folder, 'copy')), Buffer.alloc(page, 5))
  },
  'a store into a read-only mapping neither kills nor reaches the file': () => {
    const mapping = mmapSync(file)
    mapping.buffer()[0] = 77
    assert.equal(mapping.buffer()[0], 77)
    assert.throws(() => mapping.write('x'), { code: 'ERR_MEMMAP_READ_ONLY' })
    mapping.closeSync()
    assert.equal(readFileSync(file)[0], 0)
  },
  'a store into a strictly read-only mapping is reported': () => {
    const mapping = mmapSync(file, { strict: true })
    mapping.buffer()[0] = 77
    assert.deepEqual(mapping.faults, [{ offset: 0, reason: 'readonly' }])
    mapping.closeSync()
    assert.equal(readFileSync(file)[0], 0)
  },
  'a file cut by another process is zeros, a warning and an error': async () => {
    const mapping = mmapSync(file)
    const view = mapping.buffer()
    const warned = new Promise((resolve) => process.once('warning', resolve))
    cutElsewhere(file, page + 10)
    let sum = 0
    for (let index = 0; index < view.length; index++) sum += view[index]
    assert.equal(
      sum,
      counting(page + 10).reduce((total, byte) => total + byte, 0),
    )
    assert.throws(() => mapping.assertHealthy(), { code: 'ERR_MEMMAP_FAULT', reason: 'truncated', path: file })
    assert.equal((await warned).code, 'MEMMAP_FAULT')
    mapping.closeSync()
  },
  'a cut file under a native copy, a search and a decoder': () => {
    for (const use of [
      (view) => Buffer.concat([view]).subarray(page),
      (view) => Buffer.from(view.toString('latin1'), 'latin1').subarray(page),
      (view) => Buffer.from(new TextDecoder('latin1').decode(view), 'latin1').subarray(page),
      (view) => Buffer.alloc(3 * page, view.indexOf(Buffer.from('no such bytes')) + 1),
    ]) {
      writeFileSync(file, counting(4 * page))
      const mapping = mmapSync(file)
      const view = mapping.buffer()
      truncateSync(file, page)
      assert.deepEqual(use(view), Buffer.alloc(3 * page))
      assert.throws(() => mapping.read(), { code: 'ERR_MEMMAP_FAULT' })
      mapping.closeSync()
    }
  },
  'drop-ins': () => {
    const bytes = mapBuffer(file)
    assert.deepEqual(bytes, readFileSync(file))
    bytes[0] = 1
    assert.equal(readFileSync(file)[0], 0)
    const numbers = mapArray(Uint16Array, file, { offset: 2, length: 4 })
    assert.equal(numbers.length, 2)
    assert.deepEqual([unmap(bytes), unmap(numbers), unmap(bytes)], [true, true, false])
    assert.equal(bytes.length, 0)
  },
  'errors are shaped as those of fs': async () => {
    const missing = path.join(folder, 'missing')
    const shape = { name: 'MemmapError', code: 'ENOENT', syscall: 'open', path: missing }
    assert.throws(() => mmapSync(missing), shape)
    await assert.rejects(mmap(missing), shape)
    assert.throws(
      () => mmapSync(missing),
      (error) =>
        error instanceof MemmapError &&
        error.errno < 0 &&
        error.message.startsWith('ENOENT: no such file or directory'),
    )
    assert.throws(() => mmapSync(folder), { code: 'ERR_MEMMAP_NOT_MAPPABLE', kind: 'directory' })
  },
  'wrong arguments are TypeErrors and RangeErrors': () => {
    const mapping = mmapSync(file)
    const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }
    const range = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }
    assert.throws(() => mapping.buffer('1'), type)
    assert.throws(() => mapping.buffer(-1), range)
    assert.throws(() => mapping.buffer(0, 4 * page + 1), range)
    assert.throws(() => mmapSync(true), type)
    assert.throws(() => mmapSync(file, { lenght: 1 }), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => mapping.array(Int32Array, 1, 1), { code: 'ERR_MEMMAP_MISALIGNED' })
    mapping.closeSync()
  },
  'an empty file': () => {
    writeFileSync(file, '')
    const mapping = mmapSync(file)
    assert.deepEqual([mapping.length, mapping.buffer().length, mapping.read().length], [0, 0, 0])
    mapping.closeSync()
  },
  'memory of 5 GiB, by views of its parts': () => {
    const memory = mmapAnonymous(5 * 2 ** 30, { noReserve: true })
    const far = 2 ** 32 - 4
    memory.buffer(far, 8).write('far away')
    assert.equal(memory.read({ offset: far, length: 8 }).toString(), 'far away')
    assert.equal([...memory.windows({ size: 2 ** 30 })].length, 5)
    assert.throws(() => memory.buffer(), { code: 'ERR_MEMMAP_VIEW_TOO_LARGE' })
    memory.closeSync()
  },
  'shared: a SharedArrayBuffer where the runtime can, an error where it cannot': () => {
    const share = () => mmapSync(file, { shared: true })
    if (capabilities().sharedArrayBuffer !== true) return assert.throws(share, { code: 'ERR_MEMMAP_UNSUPPORTED' })
    const mapping = share()
    const view = mapping.buffer()
    assert.ok(view.buffer instanceof SharedArrayBuffer)
    assert.equal(view[5], 5)
    mapping.closeSync()
    assert.equal(view[5], 0)
  },
  'what is dropped is collected': async () => {
    for (let round = 0; round < 200; round++) mapBuffer(file)
    for (let round = 0; round < 100 && mappings().length > 0; round++) {
      collect()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    assert.equal(mappings().length, 0)
  },
  'buffers moved away by the user survive closing': async () => {
    const mapping = mmapSync(file)
    const { buffer } = mapping.buffer()
    const moved =
      typeof buffer.transfer === 'function' ? buffer.transfer() : structuredClone(buffer, { transfer: [buffer] })
    await mapping.close()
    assert.equal(typeof new Uint8Array(moved)[0], 'number')
  },
}

function cutElsewhere(victim, size) {
  const { status } = spawnSync('truncate', ['-s', String(size), victim])
  if (status !== 0) truncateSync(victim, size)
}

// Node and Deno need a flag to have gc(); Bun has its own.
function collect() {
  if (typeof globalThis.gc === 'function') globalThis.gc()
  else if (globalThis.Bun !== undefined) globalThis.Bun.gc(true)
  else throw new Error('this check needs gc()')
}

try {
  const [name] = process.argv.slice(2)
  if (name === undefined) console.log(Object.keys(checks).join('\n'))
  else {
    writeFileSync(file, counting(4 * page))
    await checks[name]()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
