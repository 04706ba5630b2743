// How ava runs the specs, and which native binary they test. The environment variable MEMMAP_TEST_BINARY chooses it:
//
//     dev (the default)   the build for development, built here if it is older than its sources
//     release             the build that is published, built here if it is older than its sources
//     given               the binary in `native/` as it is, such as one that another machine has built
//
// A path in NAPI_RS_NATIVE_LIBRARY_PATH is used as it is. ava reads this file before it starts a spec, so `npx ava` never tests
// a binary that is older than its sources.

import { execFileSync } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'
import { findBinary } from './scripts/native.mjs'

const build = process.env.MEMMAP_TEST_BINARY ?? 'dev'

function prepareBinary() {
  const chosen = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  if (chosen) return { NAPI_RS_NATIVE_LIBRARY_PATH: chosen }
  if (build === 'given') return {}
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

// oxlint-disable-next-line import/no-default-export -- ava reads the default export
export default {
  extensions: { ts: 'module' },
  files: ['__test__/**/*.spec.ts'],
  nodeArguments: ['--import=tsx'],
  environmentVariables: prepareBinary(),
  workerThreads: false,
  concurrency: 2,
  timeout: '2m',
}
