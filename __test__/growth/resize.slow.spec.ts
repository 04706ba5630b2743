import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { mmapSync } from '../../index.js'
import { canMountDisks, inExt4, inTmpfs } from '../helpers/failing-disks.js'
import { survives } from '../helpers/survive.js'
import { counting, tempDir } from '../helpers/temp.js'

const MiB = 2 ** 20
test('a collected view does not prevent shrinking', survives, 'torture/resize.ts', 'through', ['collected'], {
  node: ['--expose-gc', '--no-warnings'],
})

test('resizes, writes and reads in any order agree with a plain Buffer', (t) => {
  const size = fc.nat({ max: 40_000 })
  const step = fc.oneof(
    fc.record({ kind: fc.constant('resize' as const), size }),
    fc.record({ kind: fc.constant('outside' as const), size }),
    fc.record({ kind: fc.constant('write' as const), at: size, bytes: fc.uint8Array({ maxLength: 5000 }) }),
    fc.record({ kind: fc.constant('view' as const), at: size, size }),
  )
  const directory = tempDir(t)
  const property = fc.property(
    fc.array(step, { maxLength: 30 }),
    fc.constantFrom(0, 20_000, MiB),
    fc.nat({ max: 5000 }),
    (steps, reserve, offset) => {
      const file = `${directory}/file`
      let model = counting(offset + 100)
      writeFileSync(file, model)
      const mapping = mmapSync(file, { mode: 'r+', offset, reserve })
      try {
        for (const each of steps) {
          const length = model.length - offset
          if (each.kind === 'resize' || each.kind === 'outside') {
            const total = offset + each.size
            model = Buffer.concat([model.subarray(0, total), Buffer.alloc(Math.max(0, total - model.length))])
            if (each.kind === 'resize') mapping.resizeSync(total, { force: true })
            else {
              truncateSync(file, total)
              mapping.refreshSync()
            }
            t.is(mapping.length, each.size)
          } else if (each.kind === 'write' && each.at + each.bytes.length <= length) {
            mapping.write(each.bytes, each.at)
            model.set(each.bytes, offset + each.at)
          } else if (each.kind === 'view' && each.at + each.size <= length) {
            const view = mapping.buffer(each.at, each.size)
            t.true(view.equals(model.subarray(offset + each.at, offset + each.at + each.size)))
            if (each.size > 0) model[offset + each.at] = view[0] = (view[0]! + 1) & 255
          }
          t.true(mapping.buffer().equals(model.subarray(offset)))
        }
        t.true(readFileSync(file).equals(model))
        t.deepEqual(mapping.faults, [])
      } finally {
        mapping.closeSync()
      }
    },
  )
  t.notThrows(() => fc.assert(property, { numRuns: 300 }))
})

const rigged = test.macro(async (t: ExecutionContext, through: readonly string[]) => {
  if (canMountDisks(t))
    await survives.exec(t, 'torture/resize.ts', 'through', ['full'], { through, node: ['--no-warnings'] })
})
test.serial('on a full disk the file is unchanged (tmpfs)', rigged, inTmpfs)
test.serial('on a full disk the file is unchanged (ext4)', rigged, inExt4)
test('the limit of the file size causes an ordinary error', survives, 'torture/resize.ts', 'through', ['limited'])
test(
  'a worker and another process grow one file, and all see the new bytes',
  survives,
  'torture/resize.ts',
  'through',
  ['shared'],
)
test('using views after a truncation of the file does not crash', survives, 'torture/resize.ts', 'through', ['stale'])
