import assert from 'node:assert/strict'
import test from 'node:test'
import { findBreaches, findMissingTargets } from './check-workflows.mjs'
import { targets } from './targets.mjs'

const pin = 'actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0'
const good = `name: x

permissions:
  contents: read

jobs:
  one:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: ${pin}
        with:
          persist-credentials: false
      - run: echo

  two:
    uses: ./.github/workflows/build.yml
`

test('a workflow that keeps the rules', () => {
  assert.deepEqual(findBreaches(good), [])
})

const cases = [
  ['an action by its tag', good.replace(pin, 'actions/checkout@v5'), /^11: actions\/checkout@v5 is not pinned/],
  ['a pin that does not say its version', good.replace(' # v5.0.0', ''), /^11: .* is not pinned/],
  ['a short commit', good.replace('08c6903cd8c0fde910a37f88322edcfb5dd907a8', '08c6903'), /^11: .* is not pinned/],
  ['no permissions', good.replace('permissions:\n  contents: read\n', ''), /does not set permissions/],
  ['no time limit', good.replace('    timeout-minutes: 5\n', ''), /^7: the job one has no time limit/],
  ['a token in the clone', good.replace('persist-credentials: false', 'fetch-depth: 0'), /^11: keeps its token/],
  ['a checkout without options', good.replace(/ {8}with:\n.*\n/, ''), /^11: keeps its token/],
  ['a value in a command', good.replace('run: echo', 'run: echo ${{ github.ref_name }}'), /^14: a value is inserted/],
]
for (const [what, text, message] of cases) {
  test(`refused: ${what}`, () => {
    const found = findBreaches(text)
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(found[0], message)
  })
}

test('a target that nobody builds is found', () => {
  const built = targets.map(({ triple }) => `          - ${triple}\n`)
  assert.deepEqual(findMissingTargets(built.join('')), [])
  assert.deepEqual(findMissingTargets(built.slice(1).join('')), [targets[0].triple])
})
