import assert from 'node:assert/strict'
import test from 'node:test'
import { countAva, countCargo, countCheck, countOwn, countTests, failures, sum } from './count.mjs'

const cargo = [
  'running 2 tests',
  'test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s',
  'test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s',
].join('\n')

test('cargo: all binaries are added up', () => {
  assert.deepEqual(countCargo({ code: 101, output: cargo }), { passed: 5, failed: 1 })
})

test('cargo: a build that fails is a failure', () => {
  assert.deepEqual(countCargo({ code: 101, output: 'error: could not compile' }), { passed: 0, failed: 1 })
})

test('cargo: no test at all is a failure', () => {
  const output = 'test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out'
  assert.deepEqual(countCargo({ code: 0, output }), { passed: 0, failed: 1 })
})

test('ava: the closing lines are read', () => {
  const output = 'ok 1 - a › # pass 99\n\n1..9\n# tests 9\n# pass 7\n# skip 1\n# fail 2\n'
  assert.deepEqual(countAva({ code: 1, output }), { passed: 7, failed: 2 })
})

test('ava: failures that it did not count are one', () => {
  assert.deepEqual(countAva({ code: 1, output: '# pass 7\n# fail 0\n' }), { passed: 7, failed: 1 })
})

test('ava: a start that fails is a failure, and so is no test', () => {
  assert.deepEqual(countAva({ code: 1, output: 'Error: cannot find module' }), { passed: 0, failed: 1 })
  assert.deepEqual(countAva({ code: 0, output: '# pass 0\n# fail 0\n' }), { passed: 0, failed: 1 })
})

test('npm test: both are added up', () => {
  const ava = '# pass 7\n# fail 2\n'
  assert.deepEqual(countTests({ code: 1, output: `${cargo}\n${ava}` }), { passed: 12, failed: 3 })
  assert.deepEqual(countTests({ code: 0, output: cargo }), { passed: 5, failed: 2 }, 'ava never ran')
  assert.deepEqual(countTests({ code: 0, output: ava }), { passed: 7, failed: 3 }, 'cargo never ran')
})

test('failures are told by name', () => {
  const output = [
    'test core::a::tests::holds ... ok',
    'test core::a::tests::breaks ... FAILED',
    'ok 1 - a › holds',
    'not ok 2 - a › breaks',
    '  at: not ok, as it says',
  ].join('\n')
  assert.deepEqual(failures(output), ['core::a::tests::breaks', 'a › breaks'])
})

test('own runners: the last such line is read', () => {
  const output = '5 passed, 5 failed\nmore\n12 passed, 3 failed\n'
  assert.deepEqual(countOwn({ code: 1, output }), { passed: 12, failed: 3 })
})

test('own runners: one that dies before it counted is a failure', () => {
  assert.deepEqual(countOwn({ code: 1, output: '' }), { passed: 0, failed: 1 })
  assert.deepEqual(countOwn({ code: 0, output: 'ok' }), { passed: 0, failed: 1 })
})

test('a check is one', () => {
  assert.deepEqual(sum([countCheck({ code: 0 }), countCheck({ code: 2 })]), { passed: 1, failed: 1 })
})
