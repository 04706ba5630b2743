// A stand-in for ava, with the part of its interface that the specs use. It runs on any runtime: ava itself needs Node's own
// process and worker interfaces. Tests run one after another. The output is TAP, as from `ava --tap`.
//
// `node:test` does not serve here. Bun 1.4.5 refuses it outside `bun test`, which does not run a file in a process of its own with
// `--expose-gc`. Deno 2.9.6 prints no result of it under `deno run`. So this file has a runner of its own.
//
// `lab/runtimes/compile.mjs` puts it in the place of ava.

import assert from 'node:assert/strict'
import process from 'node:process'
import { inspect, isDeepStrictEqual } from 'node:util'

/** A test that throws this cannot run on this runtime. It is counted as skipped, with the message as its reason. */
export class LeftOut extends Error {}

const HANGS_AFTER = 60_000 * Number(process.env.MEMMAP_TEST_PATIENCE ?? 2)

/** The titles of tests that are not run. */
const leftOut = JSON.parse(process.env.MEMMAP_TEST_LEAVE_OUT ?? '[]')

const tests = []
const before = []
const after = []

// oxlint-disable-next-line import/no-default-export -- ava has one
export default function test(...args) {
  tests.push(define(args))
}
test.serial = test
test.skip = () => {}
test.before = (...args) => before.push(define(args))
test.after = (...args) => after.push(define(args))
test.after.always = test.after
test.before.always = test.before
test.macro = (macro) => (typeof macro === 'function' ? { exec: macro } : macro)

function define(args) {
  const title = typeof args[0] === 'string' ? args.shift() : undefined
  const [body, ...rest] = args
  const exec = typeof body === 'function' ? body : body.exec
  return { title: title ?? body.title?.(undefined, ...rest) ?? '', run: (t) => exec(t, ...rest) }
}

function context() {
  const teardowns = []
  let assertions = 0
  const that =
    (assertion) =>
    (...args) => {
      assertions++
      return assertion(...args)
    }
  const t = {
    context: {},
    title: '',
    log: (...args) => console.log('#', ...args),
    timeout: () => {},
    teardown: (work) => teardowns.unshift(work),
    pass: that(() => {}),
    fail: that((message = 'failed') => assert.fail(message)),
    is: that((actual, expected, message) =>
      hold(Object.is(actual, expected), message ?? (() => `${show(actual)} is not ${show(expected)}`)),
    ),
    not: that((actual, expected, message) =>
      hold(!Object.is(actual, expected), message ?? (() => `both are ${show(actual)}`)),
    ),
    true: that((value, message) => hold(value === true, message ?? (() => `${show(value)} is not true`))),
    false: that((value, message) => hold(value === false, message ?? (() => `${show(value)} is not false`))),
    truthy: that((...args) => assert.ok(...args)),
    falsy: that((value, message) => assert.ok(!value, message)),
    // The arguments are passed on as they are: Node 26 refuses a message that is undefined.
    deepEqual: that((...args) => assert.deepStrictEqual(...args)),
    notDeepEqual: that((...args) => assert.notDeepStrictEqual(...args)),
    like: that((actual, expected, message) =>
      hold(isLike(actual, expected), message ?? (() => `${show(actual)} is not like ${show(expected)}`)),
    ),
    regex: that((...args) => assert.match(...args)),
    notRegex: that((...args) => assert.doesNotMatch(...args)),
    throws: that((work, expected, message) => {
      try {
        work()
      } catch (error) {
        return thrown(error, expected)
      }
      return assert.fail(message ?? 'nothing was thrown')
    }),
    throwsAsync: that(async (work, expected, message) => {
      try {
        await (typeof work === 'function' ? work() : work)
      } catch (error) {
        return thrown(error, expected)
      }
      return assert.fail(message ?? 'nothing was rejected')
    }),
    notThrows: that((work) => void work()),
    notThrowsAsync: that(async (work) => void (await (typeof work === 'function' ? work() : work))),
  }
  return {
    t,
    assertions: () => assertions,
    finish: async () => {
      for (const work of teardowns) await work()
    },
  }
}

// Checks an error against the expectations that ava accepts.
function thrown(error, expected) {
  if (error instanceof LeftOut) throw error
  if (expected === undefined) return error
  const { any, instanceOf, is, code, message, name } = expected
  if (!any) hold(error instanceof Error, () => `${show(error)} is not an Error`)
  if (is !== undefined) assert.equal(error, is)
  if (instanceOf !== undefined) hold(error instanceof instanceOf, () => `${show(error)} is of another class`)
  if (code !== undefined) assert.equal(error.code, code)
  if (name !== undefined) assert.equal(error.name, name)
  if (typeof message === 'string') assert.equal(error.message, message)
  else if (message instanceof RegExp) assert.match(error.message, message)
  else if (typeof message === 'function') hold(message(error.message), `the message is: ${error.message}`)
  return error
}

function isLike(actual, expected) {
  if (typeof expected !== 'object' || expected === null) return Object.is(actual, expected)
  if (typeof actual !== 'object' || actual === null) return false
  if (Array.isArray(expected) ? actual.length !== expected.length : Object.keys(expected).length === 0) {
    return isDeepStrictEqual(actual, expected)
  }
  return Object.keys(expected).every((key) => isLike(actual[key], expected[key]))
}

function show(value) {
  return inspect(value, { depth: 1, breakLength: Infinity, maxArrayLength: 5, maxStringLength: 200 })
}

function hold(condition, message) {
  if (!condition) throw new Error(typeof message === 'function' ? message() : message)
}

// As in ava, a rejection that is still unhandled at the end is a failure.
const rejections = new Map()
process.on('unhandledRejection', (reason, promise) => rejections.set(promise, reason))
// On Deno the reason is the first argument, and the promise the second.
process.on('rejectionHandled', (...told) => told.forEach((each) => rejections.delete(each)))

async function runAll() {
  const counts = { pass: 0, fail: 0, skip: 0 }
  console.log('TAP version 13')
  for (const each of before) await each.run(context().t)
  let number = 0
  for (const { title, run } of tests) {
    number++
    const outcome = await runOne(title, run)
    if (outcome === undefined) {
      counts.pass++
      console.log(`ok ${number} - ${title}`)
    } else if (outcome instanceof LeftOut) {
      counts.skip++
      console.log(`ok ${number} - ${title} # SKIP ${outcome.message}`)
    } else {
      counts.fail++
      console.log(`not ok ${number} - ${title}`)
      console.log(String(outcome?.stack ?? outcome).replaceAll(/^/gm, '  # '))
    }
  }
  for (const each of after) await each.run(context().t)
  for (const reason of rejections.values()) {
    counts.fail++
    console.log(`not ok ${++number} - unhandled rejection`)
    console.log(String(reason?.stack ?? reason).replaceAll(/^/gm, '  # '))
  }
  for (const [name, count] of Object.entries(counts)) console.log(`# ${name} ${count}`)
  process.exit(counts.fail === 0 ? 0 : 1)
}

async function runOne(title, run) {
  if (leftOut.includes(title)) return new LeftOut('it is in the list of tests that are not run')
  const { t, assertions, finish } = context()
  const outcome = await outcomeOf(() => attempt(run, t, assertions))
  const end = await outcomeOf(finish)
  return outcome ?? end
}

/** Returns what `work` throws, or undefined. */
async function outcomeOf(work) {
  try {
    await work()
    return undefined
  } catch (error) {
    return error ?? new Error('undefined was thrown')
  }
}

async function attempt(run, t, assertions) {
  let timer
  try {
    const hang = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not finished after ${HANGS_AFTER / 1000} s`)), HANGS_AFTER)
    })
    await Promise.race([run(t), hang])
    if (assertions() === 0) throw new Error('the test made no assertion')
  } finally {
    clearTimeout(timer)
  }
}

// Starts after the spec, which imports this file, has been evaluated. A spec can await a module before it defines its first test.
const LATEST = performance.now() + 60_000
setTimeout(function start() {
  if (tests.length > 0 || performance.now() > LATEST) void runAll()
  else setTimeout(start, 1)
}, 0)
