import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import * as library from '../index.js'
import { runCode } from './helpers/child.js'
import { methodNames } from './helpers/methods.js'
import { tempDir } from './helpers/temp.js'

// Every example in a doc comment is run unchanged in an empty directory.

const root = path.join(import.meta.dirname, '..')
const modules = readdirSync(path.join(root, 'lib'), { encoding: 'utf8', recursive: true }).filter((name) =>
  name.endsWith('.ts'),
)
const files = ['index.ts', ...modules.map((name) => `lib/${name}`)]
const subjects = new Set<string>()

for (const file of files) {
  const text = readFileSync(path.join(root, file), 'utf8')
  for (const { index, 1: block = '' } of text.matchAll(/@example\n\s*\* ```ts\n([\s\S]*?)\n\s*\* ```/g)) {
    const line = text.slice(0, index).split('\n').length
    const subject = /^(?:\s|\b(?:export|async|function|class|const)\b)*([\w$]+)/.exec(
      text.slice(text.indexOf('*/', index) + 2),
    )?.[1]
    subjects.add(subject ?? file)
    const code = block.replaceAll(/^ *\* ?/gm, '')

    test(`${file}:${line}: the example of ${subject} runs, and asserts`, async (t) => {
      t.regex(code, /from 'memmap'/)
      t.regex(code, /\bassert\b|advise/)
      const { code: status, stderr } = await runCode(code, { cwd: tempDir(t), node: ['--trace-warnings'] })
      t.is(stderr, '')
      t.is(status, 0)
    })
  }
}

test('every public function and method has an example', (t) => {
  const functions = Object.keys(library).filter((name) => name !== 'Mapping')
  t.deepEqual(
    [...functions, ...methodNames()].filter((name) => !subjects.has(name)),
    [],
  )
})
