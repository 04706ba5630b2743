import test from 'ava'
import { runFixture } from '../helpers/child.js'
import { canRig, inTmpfs } from '../helpers/rig.js'
import { survives } from '../helpers/survive.js'
import { tempDir } from '../helpers/temp.js'

const readers = ['data', 'for await', 'read', 'pipe', 'encoding', 'web', 'byob']
for (const reader of readers) {
  test.serial(`a cut of the file is an error, never zeros: ${reader}`, survives, 'stream/cut.ts', 'cut 60', [reader])
}

test('after a cut under a chunk in hand there is no end, but an error', survives, 'stream/in-hand.ts', 'in hand')

const caged = { env: { MEMMAP_NO_EXTERNAL_BUFFERS: '1' } }
test('chunks are copies where views are refused', survives, 'stream/caged.ts', 'caged', [], caged)

test('with dropBehind little of a file stays in memory', survives, 'stream/drop.ts', 'dropped')

for (const target of ['file', 'hash', 'gzip', 'socket', 'http', 'web', 'write stream']) {
  test.serial(`closing in the middle neither crashes nor corrupts: ${target}`, async (t) => {
    const options = { cwd: tempDir(t), args: [target], node: ['--no-warnings'], timeout: 110_000 }
    const outcome = await runFixture('stream/close.ts', options)
    // Node 20's own zlib ends the process when its input is taken away; later ones throw.
    if (target === 'gzip' && outcome.signal === 'SIGABRT' && outcome.stderr.includes('CompressionStream')) {
      t.regex(process.version, /^v20\./)
      return
    }
    t.deepEqual(outcome, { code: 0, signal: null, stdout: 'closed\n', stderr: '' })
  })
}

test('a cut of the file is an error, also in the middle of a page', survives, 'stream/write-cut.ts', 'cut 18')

test('a full disk is an error', async (t) => {
  if (!canRig(t)) return
  await survives.exec(t, 'stream/full.ts', 'full', [], { through: inTmpfs })
})
