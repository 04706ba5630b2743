import assert from 'node:assert/strict'
import test from 'node:test'
import { Tally } from './outcome.mjs'

/** How many fail of what a spec printed, with these differences known. */
function failed(t, output, known) {
  t.mock.method(console, 'log', () => {})
  const tally = new Tally()
  tally.add('some', { output: `${output}# fail 0\n`, ending: 'code 0', seconds: 1 }, known)
  return tally.failed
}

test('a test that fails is a failure unless it is known to', (t) => {
  assert.equal(failed(t, 'not ok 1 - one (xfs)\nok 2 - two\n', {}), 1)
  assert.equal(failed(t, 'not ok 1 - one (xfs)\nok 2 - two\n', { 'one (*)': 'why' }), 0)
})

test('a known difference that is none is a failure', (t) => {
  assert.equal(failed(t, 'ok 1 - one\nok 2 - two\n', { one: 'why' }), 1)
  assert.equal(failed(t, 'ok 1 - one\nok 2 - two\n', { three: 'why' }), 1)
})

test('a known difference of a test that says it was left out is none', (t) => {
  for (const end of ['\n', '\r\n']) {
    const said = `# Left out: it needs a disk${end}`
    assert.equal(failed(t, `ok 1 - zero${end}${said}ok 2 - one${end}ok 3 - two${end}`, { one: 'why' }), 0)
    assert.equal(failed(t, `ok 1 - zero${end}${said}# and more${end}ok 2 - one${end}`, { one: 'why' }), 0)
    assert.equal(failed(t, `${said}ok 1 - zero${end}ok 2 - one${end}`, { one: 'why' }), 1)
  }
})

test('what does not come to its end is a failure', (t) => {
  t.mock.method(console, 'log', () => {})
  const tally = new Tally()
  tally.add('some', { output: 'ok 1 - one\n', ending: 'signal SIGSEGV', seconds: 1 })
  assert.equal(tally.failed, 1)
})
