// Makes a copy of this project as plain JavaScript: sources and specs compiled, lab/runtimes/ava.mjs in the place of ava, and
// lab/runtimes/child.mjs in the place of the helper that starts child processes. The copy runs without any tool.

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { freshBinary } from '../../scripts/native.mjs'
import { root } from '../../scripts/run.mjs'
import { home } from './runtimes.mjs'

/** Returns the folder. Callers that may run at the same time need different names. */
export function compileSpecs(name) {
  const made = compileProject(name)
  // A copy, so that a build at the same time does not change the binary under test.
  const binary = freshBinary()
  cpSync(binary, path.join(made, 'native', path.basename(binary)))
  cpSync(path.join(root, 'lab', 'runtimes', 'child.mjs'), path.join(made, '__test__', 'helpers', 'child.js'))
  mkdirSync(path.join(made, 'node_modules', 'ava'), { recursive: true })
  cpSync(path.join(root, 'lab', 'runtimes', 'ava.mjs'), path.join(made, 'node_modules', 'ava', 'index.js'))
  const manifest = { name: 'ava', version: '0.0.0', type: 'module', exports: './index.js' }
  writeFileSync(path.join(made, 'node_modules', 'ava', 'package.json'), JSON.stringify(manifest))
  return made
}

/** Compiles the sources, the fixtures and the specs into a folder, without a native binary. Returns the folder. */
export function compileProject(name) {
  const made = path.join(home, name)
  rmSync(made, { recursive: true, force: true })
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  execFileSync(process.execPath, [tsc, '-p', root, '--noEmit', 'false', '--outDir', made], { stdio: 'inherit' })
  for (const file of ['package.json', 'README.md', '__test__/package.json'])
    cpSync(path.join(root, file), path.join(made, file))
  mkdirSync(path.join(made, 'native'))
  for (const file of ['binding.cjs', 'binding.d.cts']) {
    cpSync(path.join(root, 'native', file), path.join(made, 'native', file))
  }
  for (const each of ['docs', 'npm']) {
    symlinkSync(path.join(root, each), path.join(made, each), 'junction')
  }
  cpSync(path.join(root, '__test__', 'fixtures'), path.join(made, '__test__', 'fixtures'), { recursive: true })
  nameCompiled(path.join(made, '__test__', 'fixtures'))
  return made
}

/** Changes the file extension of modules that fixtures name, such as the module of a worker. */
function nameCompiled(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  for (const { parentPath, name } of entries.filter((entry) => /\.c?js$/.test(entry.name))) {
    const file = path.join(parentPath, name)
    const text = readFileSync(file, 'utf8')
    const linked = text.replaceAll(/((?:new URL|require)\('[^']*)\.ts'/g, "$1.js'")
    // Hooks that load TypeScript are not needed any more.
    writeFileSync(file, linked.replaceAll(/^(?:const tsx = .*|tsx\.register\(\))$/gm, ''))
  }
}
