// The checks and tests of `npm run check` and of CI, in the order in which they run: short ones first.
//
// `.ci/run` may take 40 minutes on two cores. These runs of the same spec earn their time there:
//
// - All specs run once, on the Node that runs this and on the release binary. This includes the slow ones (`*.slow.spec.ts`),
//   which hold a short form of each long proof: locks, power cuts, leaks, the model.
// - The other Nodes run the specs that depend on Node: the engine, its collector, its streams, its errors. The rest calls the
//   same binary with the same arguments. Examples in docs and long runs do not depend on Node either.
// - Without views (Electron's memory cage) the fast specs run. A spec about views has nothing to show there.
// - arm64, 16 KiB pages, musl and Windows run the specs that depend on the processor, the kernel, the C library or the system.
// - The Rust tests run twice: with debug assertions in `npm test`, optimised on musl.
//
// `npm run prove` (scripts/prove.mjs) runs each of them in full, and the nightly workflow runs that.

import process from 'node:process'
import { nodeSpecs } from '../lab/platform-specs.mjs'
import { countAva, countOwn, countTests } from './count.mjs'
import { findNode, majors } from './nodes.mjs'

const MINUTES = 60_000

/** @type {import('./steps.mjs').Step[]} */
export const checks = [
  { name: 'rustfmt', command: 'cargo fmt --check && cargo fmt --check --manifest-path lab/inspect/Cargo.toml' },
  { name: 'prettier', command: 'prettier --check --log-level warn .' },
  { name: 'taplo', command: 'taplo format --check' },
  { name: 'oxlint', command: 'oxlint --deny-warnings' },
  { name: 'layers', command: 'node scripts/check-layers.mjs' },
  { name: 'workflows', command: 'node scripts/check-workflows.mjs' },
  { name: 'words', command: 'node scripts/check-words.mjs' },
  { name: 'lock file', command: 'node scripts/check-lock.mjs' },
  { name: 'scripts', command: 'node --test scripts/*.test.mjs lab/*/*.test.mjs' },
  { name: 'types', command: 'tsc --noEmit' },
  { name: 'generated binding', command: 'node scripts/check-generated.mjs' },
  { name: 'platform packages', command: 'node scripts/check-platforms.mjs' },
  { name: 'versions', command: 'node scripts/check-release.mjs' },
  { name: 'build', command: 'npm run --silent build:ts' },
  { name: 'API report', command: 'node scripts/check-api.mjs' },
  { name: 'package', command: 'node scripts/check-package.mjs' },
  { name: 'consumer', command: 'node scripts/check-consumer.mjs' },
  { name: 'publint', command: 'publint --strict' },
  { name: 'attw', command: 'attw --pack . --profile esm-only' },
  { name: 'examples', command: 'node scripts/check-examples.mjs' },
  { name: 'examples in docs', command: 'node scripts/check-docs.mjs' },
  { name: 'API page', command: 'node site/write-api.mjs --check' },
  { name: 'clippy', command: 'cargo clippy --all-targets --quiet -- -D warnings' },
]

/**
 * Installs the programs that some specs need. In CI no test may be skipped because a program is missing.
 *
 * @type {import('./steps.mjs').Step}
 */
export const programs = { name: 'programs of the specs', command: 'node scripts/need-programs.mjs' }

/**
 * The Rust tests with debug assertions, then all specs on the Node that runs this.
 *
 * @type {import('./steps.mjs').Step}
 */
export const tests = { name: 'npm test', command: 'npm test --silent -- --tap', count: countTests }

/** In CI the specs test the binary that is published. */
const release = { MEMMAP_TEST_BINARY: 'release' }

/**
 * Specs on the Node of a major version.
 *
 * @param {string} major
 * @param {{ files?: readonly string[], env?: Record<string, string> }} [options] all files if none are given
 * @returns {import('./steps.mjs').Step}
 */
export function specs(major, { files = [], env } = {}) {
  return {
    env,
    name: `ava on Node ${major}`,
    command: `node --version && node node_modules/ava/entrypoints/cli.mjs --tap ${files.join(' ')}`,
    count: countAva,
    prepare: () => ({ path: findNode(major).directory }),
  }
}

const [running] = process.versions.node.split('.')

/**
 * The further steps of CI on this platform. The rehearsal is of a release, from the packages to the folder of a user; it
 * takes the output of the checks.
 *
 * @type {import('./steps.mjs').Step[]}
 */
export const quick = [
  { ...tests, env: release },
  ...majors
    .filter((major) => major !== running)
    .map((major) => specs(major, { files: nodeSpecs, env: { ...release, MEMMAP_TEST_COMPILE: '1' } })),
  { name: 'specs without views', command: 'node lab/test-cage.mjs --quick', count: countOwn, timeout: 10 * MINUTES },
  { name: 'release rehearsal', command: 'node scripts/rehearse.mjs', count: countOwn },
  { name: 'linux-arm64', command: 'node lab/test-arm64.mjs --quick', count: countOwn, timeout: 20 * MINUTES },
]

/**
 * Other platforms and runtimes, and of each a sample. On a slow machine the last steps are left out, and the output says so.
 *
 * @type {import('./steps.mjs').Step[]}
 */
export const full = [
  limited({ name: 'Bun and Deno', command: 'node lab/test-runtimes.mjs mapping views/copy', count: countOwn }),
  limited({ name: 'linux-x64-musl', command: 'node lab/test-musl.mjs --quick', count: countOwn }),
  limited({ name: 'linux-arm64, pages of 16 KiB', command: 'node lab/test-16k.mjs --quick', count: countOwn }),
  limited({ name: 'darwin-arm64, linked', command: 'node lab/cross-build.mjs darwin-arm64' }),
  limited({ name: 'win32-x64 under wine', command: 'node lab/test-windows.mjs --quick', count: countOwn }),
]

/** @param {import('./steps.mjs').Step} step */
function limited(step) {
  return { ...step, timeout: 15 * MINUTES, latest: 43 * MINUTES }
}
