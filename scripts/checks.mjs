// All that must hold: the one list behind `npm run check` and CI. Quick ones first.

import process from 'node:process'
import { countAva, countOwn, countTests } from './count.mjs'
import { findNode, majors } from './nodes.mjs'

const MINUTES = 60_000
const HOURS = 180 * MINUTES

/** @type {import('./steps.mjs').Step[]} */
export const checks = [
  { name: 'rustfmt', command: 'cargo fmt --check' },
  { name: 'prettier', command: 'prettier --check --log-level warn .' },
  { name: 'taplo', command: 'taplo format --check' },
  { name: 'oxlint', command: 'oxlint --deny-warnings' },
  { name: 'layers', command: 'node scripts/check-layers.mjs' },
  { name: 'workflows', command: 'node scripts/check-workflows.mjs' },
  { name: 'words', command: 'node scripts/check-words.mjs' },
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
 * In CI no test may leave itself out for want of a program.
 *
 * @type {import('./steps.mjs').Step}
 */
export const programs = { name: 'programs of the specs', command: 'node scripts/need-programs.mjs' }

/**
 * What users type: the Rust tests, and the specs on the Node that runs this.
 *
 * @type {import('./steps.mjs').Step}
 */
export const tests = { name: 'npm test', command: 'npm test --silent -- --tap', count: countTests }

/**
 * The specs on the Node of this major version.
 *
 * @returns {import('./steps.mjs').Step}
 */
export function specs(major) {
  return {
    name: `ava on Node ${major}`,
    command: 'node --version && node node_modules/ava/entrypoints/cli.mjs --tap',
    count: countAva,
    prepare: () => ({ path: findNode(major).directory }),
  }
}

const [running] = process.versions.node.split('.')

/**
 * What else CI runs first. The rehearsal is of a release, from the packages to a user's folder; it takes what the checks built.
 *
 * @type {import('./steps.mjs').Step[]}
 */
export const quick = [
  ...majors.filter((major) => major !== running).map(specs),
  { name: 'specs without views', command: 'node lab/test-cage.mjs', count: countOwn, timeout: 15 * MINUTES },
  { name: 'release rehearsal', command: 'node scripts/rehearse.mjs', count: countOwn },
  { name: 'linux-arm64', command: 'node lab/test-arm64.mjs --quick', count: countOwn, timeout: 20 * MINUTES },
]

/**
 * The other platforms, as much of each as fits into CI, which may take an hour: on a slow machine the last ones are left out,
 * and said to be. Each needs a Rust of its own, and most a system to run in.
 *
 * @type {import('./steps.mjs').Step[]}
 */
export const full = [
  limited({ name: 'linux-x64-musl', command: 'node lab/test-musl.mjs', count: countOwn }),
  limited({ name: 'linux-arm64, pages of 16 KiB', command: 'node lab/test-16k.mjs --quick', count: countOwn }),
  limited({ name: 'darwin-arm64, linked', command: 'node lab/cross-build.mjs darwin-arm64' }),
  limited({ name: 'win32-x64 under wine', command: 'node lab/test-windows.mjs --quick', count: countOwn }),
]

/** @param {import('./steps.mjs').Step} step */
function limited(step) {
  return { ...step, timeout: 15 * MINUTES, latest: 43 * MINUTES }
}

/**
 * All that can be built and run here of the platforms that this machine is not. Hours, where a processor is emulated.
 *
 * @type {import('./steps.mjs').Step[]}
 */
export const platforms = [
  { name: 'cross builds', command: 'node lab/cross-build.mjs --linkable' },
  { name: 'linux-x64-musl', command: 'node lab/test-musl.mjs', count: countOwn },
  { name: 'linux-arm64', command: 'node lab/test-arm64.mjs', count: countOwn, timeout: HOURS },
  { name: 'linux-arm64, pages of 16 KiB', command: 'node lab/test-16k.mjs', count: countOwn, timeout: HOURS },
  { name: 'win32-x64 under wine', command: 'node lab/test-windows.mjs', count: countOwn, timeout: HOURS },
  { name: 'Bun and Deno', command: 'node lab/test-runtimes.mjs', count: countOwn, timeout: HOURS },
]
