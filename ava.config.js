// How ava runs the specs, and which native binary they test. The environment variable MEMMAP_TEST_BINARY chooses it:
//
//     dev (the default)   the build for development, built here if it is older than its sources
//     release             the build that is published, built here if it is older than its sources
//     given               the binary in `native/` as it is, such as one that another machine has built
//
// A path in NAPI_RS_NATIVE_LIBRARY_PATH is used as it is. ava reads this file before it starts a spec, so `npx ava` never tests
// a binary that is older than its sources.
//
// Without a spec in the arguments all specs are run. Then their child processes run compiled code, which starts three times as
// fast as TypeScript; `npx ava SPEC` does without the compilation, unless
// MEMMAP_TEST_COMPILE is set.

import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { compileProject } from './lab/runtimes/compile.mjs'
import { findBinary } from './scripts/native.mjs'

const build = process.env.MEMMAP_TEST_BINARY ?? 'dev'

function prepareBinary() {
  const chosen = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  if (chosen) return { NAPI_RS_NATIVE_LIBRARY_PATH: chosen }
  if (build === 'given') return { NAPI_RS_NATIVE_LIBRARY_PATH: findBinary('release') }
  try {
    const setup = path.join(import.meta.dirname, 'scripts', 'setup.mjs')
    // The standard output may be TAP, which a program reads.
    execFileSync(process.execPath, [setup, '--tests', '--no-install'], { stdio: ['ignore', 2, 2] })
  } catch {
    throw new Error('the native binary could not be built; the message of scripts/setup.mjs is above')
  }
  // Child processes inherit it.
  return { NAPI_RS_NATIVE_LIBRARY_PATH: findBinary(build) }
}

/** Compiles the programs of child processes if all specs are run, or if MEMMAP_TEST_COMPILE is set. */
function compileChildren() {
  const namesSpecs = process.argv.slice(2).some((argument) => /__test__|\.spec\.|[*:/]/.test(argument))
  if (namesSpecs && !process.env.MEMMAP_TEST_COMPILE) return {}
  const folder = compileProject(`children-${process.pid}`)
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return { MEMMAP_TEST_COMPILED: folder }
}

// oxlint-disable-next-line import/no-default-export -- ava reads the default export
export default {
  extensions: { ts: 'module' },
  files: ['__test__/**/*.spec.ts'],
  nodeArguments: ['--import=tsx'],
  environmentVariables: { ...prepareBinary(), ...compileChildren() },
  workerThreads: false,
  concurrency: 2,
  timeout: '2m',
}
