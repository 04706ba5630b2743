import assert from 'node:assert/strict'
import test from 'node:test'
import { findExamples } from './doc-examples.mjs'

const fenced = (text, margin) => ['```ts', "import { mmap } from 'memmap'", text, '```'].map((line) => margin + line)

test('examples of doc comments lose their stars', () => {
  const text = ['/**', ' * Maps.', ' *', ...fenced('await mmap(1 * 2)', ' * '), ' */'].join('\n')
  assert.deepEqual(findExamples('a.ts', text), [
    { file: 'a.ts', line: 4, code: "import { mmap } from 'memmap'\nawait mmap(1 * 2)\n" },
  ])
})

test('examples of pages are found, and what is no program is not', () => {
  const text = ['# Page', ...fenced('first', ''), '```ts', 'mapping.close()', '```', ...fenced('second', '')].join('\n')
  assert.deepEqual(
    findExamples('a.md', text).map(({ line }) => line),
    [2, 9],
  )
})
