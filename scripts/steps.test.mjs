import assert from 'node:assert/strict'
import test from 'node:test'
import { runSteps } from './steps.mjs'

test('a step that would begin too late is left out, and those after it are not', async () => {
  const results = await runSteps([
    { name: 'first', command: 'node --eval 0' },
    { name: 'late', command: 'node --eval 0', latest: 1 },
    { name: 'last', command: 'node --eval 0', latest: 60_000 },
  ])
  assert.deepEqual(
    results.map(({ name, passed, failed }) => ({ name, passed, failed })),
    [
      { name: 'first', passed: 1, failed: 0 },
      { name: 'last', passed: 1, failed: 0 },
    ],
  )
})
