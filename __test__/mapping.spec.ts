import { setTimeout } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { type Mapping, mmap, mmapAnonymous, mmapSync } from '../index.js'
import { methodNames } from './helpers/methods.js'
import { tempFile } from './helpers/temp.js'

const closed = { code: 'ERR_MEMMAP_CLOSED' }

// Ways to close.

const ends = test.macro(async (t: ExecutionContext, end: (mapping: Mapping) => unknown) => {
  const mapping = mmapAnonymous(4096)
  const views = [mapping.buffer(), mapping.array(Float64Array, 8), mapping.buffer(100, 10).subarray(1)]
  const data = mapping.dataView()
  t.false(mapping.closed)
  const ending = end(mapping)
  t.true(mapping.closed)
  t.deepEqual(
    views.map((view) => view.length),
    [0, 0, 0],
  )
  t.throws(() => data.getUint8(0), { instanceOf: TypeError })
  await ending
  t.throws(() => mapping.buffer(), closed)
})

test('close() detaches every view at once', ends, (mapping: Mapping) => mapping.close())
test('closeSync() detaches every view at once', ends, (mapping: Mapping) => mapping.closeSync())
test('Symbol.dispose closes the mapping', ends, (mapping: Mapping) => mapping[Symbol.dispose]())
test('Symbol.asyncDispose closes the mapping', ends, (mapping: Mapping) => mapping[Symbol.asyncDispose]())

test('close() always returns the same promise', async (t) => {
  const mapping = mmapAnonymous(16)
  const promise = mapping.close()
  t.is(mapping.close(), promise)
  await promise
  t.is(mapping.close(), promise)
})

test('closing again has no effect', async (t) => {
  const first = mmapAnonymous(16)
  first.closeSync()
  first.closeSync()
  await first.close()
  await first[Symbol.asyncDispose]()

  const second = mmapAnonymous(16)
  const promise = second.close()
  second.closeSync()
  second[Symbol.dispose]()
  await promise
  t.true(first.closed && second.closed)
})

test('a mapping without views can be closed', async (t) => {
  const file = tempFile(t, 100)
  mmapSync(file).closeSync()
  await (await mmap(file)).close()
  t.pass()
})

const methods: Record<string, (mapping: Mapping) => unknown> = {
  buffer: (mapping) => mapping.buffer(),
  array: (mapping) => mapping.array(Uint8Array),
  dataView: (mapping) => mapping.dataView(),
  read: (mapping) => mapping.read(),
  readInto: (mapping) => mapping.readInto(new Uint8Array(1)),
  write: (mapping) => mapping.write('x'),
  fill: (mapping) => mapping.fill(1),
  copyWithin: (mapping) => mapping.copyWithin(0, 1),
  windows: (mapping) => mapping.windows(),
  indexOfSync: (mapping) => mapping.indexOfSync('x'),
  lastIndexOfSync: (mapping) => mapping.lastIndexOfSync('x'),
  includesSync: (mapping) => mapping.includesSync('x'),
  countSync: (mapping) => mapping.countSync('x'),
  matches: (mapping) => mapping.matches('x'),
  matchesSync: (mapping) => mapping.matchesSync('x'),
  gather: (mapping) => mapping.gather([0], 1, new Uint8Array(1)),
  chunks: (mapping) => mapping.chunks(),
  lines: (mapping) => mapping.lines(),
  split: (mapping) => mapping.split(','),
  records: (mapping) => mapping.records(1),
  createReadStream: (mapping) => mapping.createReadStream(),
  createWriteStream: (mapping) => mapping.createWriteStream(),
  readableStream: (mapping) => mapping.readableStream(),
  advise: (mapping) => mapping.advise('normal'),
  discard: (mapping) => mapping.discard('dontneed'),
  protect: (mapping) => mapping.protect('r'),
  flushSync: (mapping) => mapping.flushSync(),
  resizeSync: (mapping) => mapping.resizeSync(1),
  refreshSync: (mapping) => mapping.refreshSync(),
  residencySync: (mapping) => mapping.residencySync(),
  evictSync: (mapping) => mapping.evictSync(),
  lockMemorySync: (mapping) => mapping.lockMemorySync(),
  unlockMemory: (mapping) => mapping.unlockMemory(),
  verifySync: (mapping) => mapping.verifySync(),
  assertHealthy: (mapping) => mapping.assertHealthy(),
  lockSync: (mapping) => mapping.lockSync(),
  tryLock: (mapping) => mapping.tryLock(),
  testLock: (mapping) => mapping.testLock(),
  pin: (mapping) => mapping.pin(),
}

for (const [name, use] of Object.entries(methods)) {
  test(`${name}() of a closed mapping throws an error with its path`, (t) => {
    const file = tempFile(t, 100)
    const mapping = mmapSync(file, { mode: 'r+' })
    mapping.closeSync()
    const error = t.throws(() => use(mapping), closed)
    t.true(error?.message.includes(file))
  })
}

const rejecting: Record<string, (mapping: Mapping) => Promise<unknown>> = {
  flush: (mapping) => mapping.flush(),
  lock: (mapping) => mapping.lock(),
  indexOf: (mapping) => mapping.indexOf('x'),
  lastIndexOf: (mapping) => mapping.lastIndexOf('x'),
  includes: (mapping) => mapping.includes('x'),
  count: (mapping) => mapping.count('x'),
  lineIndex: (mapping) => mapping.lineIndex(),
  prefetch: (mapping) => mapping.prefetch(),
  residency: (mapping) => mapping.residency(),
  evict: (mapping) => mapping.evict(),
  lockMemory: (mapping) => mapping.lockMemory(),
  verify: (mapping) => mapping.verify(),
  resize: (mapping) => mapping.resize(1),
  refresh: (mapping) => mapping.refresh(),
}

for (const [name, use] of Object.entries(rejecting)) {
  test(`${name}() of a closed mapping rejects, and does not throw`, async (t) => {
    const mapping = mmapAnonymous(16)
    mapping.closeSync()
    await t.throwsAsync(use(mapping), closed)
  })
}

test('the lists of refused methods contain every method', (t) => {
  const listed = [...Object.keys(methods), ...Object.keys(rejecting), 'close', 'closeSync']
  t.deepEqual(methodNames(), listed.toSorted())
})

test('the properties of a closed mapping can be read', (t) => {
  const file = tempFile(t, 100)
  const mapping = mmapSync(file, { mode: 'c', offset: 10, label: 'it' })
  mapping.closeSync()
  const { path, mode, offset, length, label, faults } = mapping
  t.deepEqual(
    { path, mode, offset, length, label, faults },
    {
      path: file,
      mode: 'c',
      offset: 10,
      length: 90,
      label: 'it',
      faults: [],
    },
  )
})

// Arguments that close the mapping when they are read.

const closesDuring = test.macro((t: ExecutionContext, use: (mapping: Mapping, trap: <T>(value: T) => T) => unknown) => {
  const mapping = mmapAnonymous(4096)
  const trap = <T>(value: T): T => {
    mapping.closeSync()
    return value
  }
  t.throws(() => use(mapping, trap), closed)
})

test('read() refuses a getter that closes the mapping', closesDuring, (mapping, trap) =>
  mapping.read({
    get offset() {
      return trap(0)
    },
  }),
)
test('fill() refuses a getter that closes the mapping', closesDuring, (mapping, trap) =>
  mapping.fill(1, {
    get length() {
      return trap(8)
    },
  }),
)
test('windows() refuses a getter that closes the mapping', closesDuring, (mapping, trap) =>
  mapping.windows({
    get size() {
      return trap(8)
    },
  }),
)
test('flushSync() refuses a getter that closes the mapping', closesDuring, (mapping, trap) =>
  mapping.flushSync({
    get level() {
      return trap('data' as const)
    },
  }),
)
test('write() refuses bytes whose length closes the mapping', closesDuring, (mapping, trap) => {
  class Trap extends Uint8Array {
    override get byteLength() {
      return trap(4)
    }
  }
  return mapping.write(new Trap(8))
})

test('array() refuses a constructor that closes the mapping', (t) => {
  const mapping = mmapAnonymous(4096)
  class Trap extends Uint8Array {
    constructor(buffer: ArrayBuffer, byteOffset: number, length: number) {
      mapping.closeSync()
      super(buffer, byteOffset, length)
    }
  }
  t.throws(() => mapping.array(Trap as unknown as Uint8ArrayConstructor), { instanceOf: TypeError })
})

// Pins and pending operations.

test('close() waits for every pin and refuses new operations', async (t) => {
  const mapping = mmapAnonymous(16)
  const view = mapping.buffer()
  const pins = [mapping.pin(), mapping.pin()] as const
  let done = false
  const closing = mapping.close().then(() => (done = true))
  t.true(mapping.closed)
  t.throws(() => mapping.pin(), closed)
  pins[0].release()
  pins[0].release()
  await setTimeout(20)
  t.false(done)
  t.is(view.length, 16)
  pins[1][Symbol.dispose]()
  await closing
  t.is(view.length, 0)
})

test('closeSync() throws while pinned and leaves the mapping open', (t) => {
  const mapping = mmapAnonymous(16)
  const view = mapping.buffer()
  const pin = mapping.pin()
  t.throws(() => mapping.closeSync(), { code: 'ERR_MEMMAP_BUSY', message: /1 pins/ })
  t.throws(() => mapping[Symbol.dispose](), { code: 'ERR_MEMMAP_BUSY' })
  t.false(mapping.closed)
  t.is(view.length, 16)
  pin.release()
  mapping.closeSync()
  t.is(view.length, 0)
})

test('close() waits for a pending flush, and closeSync() refuses', async (t) => {
  const mapping = mmapSync(tempFile(t, 1 << 16), { mode: 'r+' })
  mapping.fill(3)
  const flushing = mapping.flush()
  t.throws(() => mapping.closeSync(), { code: 'ERR_MEMMAP_BUSY' })
  const closing = mapping.close()
  t.is((await flushing).bytes, 1 << 16)
  await closing
})

test('releasing a pin again after the close is harmless', async (t) => {
  const mapping = mmapAnonymous(16)
  const pin = mapping.pin()
  pin.release()
  await mapping.close()
  t.notThrows(() => pin.release())
})

// Views after the close.

test('a transferred buffer survives the close', async (t) => {
  const memory = mmapAnonymous(4096).fill(5)
  const { buffer } = memory.buffer()
  const { transfer } = buffer as { transfer?: () => ArrayBuffer } // missing on Node 20
  const moved = new Uint8Array(transfer === undefined ? new ArrayBuffer(1) : transfer.call(buffer))
  await memory.close()
  t.is(moved[0], 0)
})
