// As much of ava's interface as the specs use, in one small file that runs on any runtime: ava itself is made of Node's
// process and worker interfaces. Tests run one after another. What it prints is TAP, as `ava --tap` does.
//
// `lab/runtimes/compile.mjs` puts it in ava's place.

import assert from 'node:assert/strict'
import process from 'node:process'
import { inspect, isDeepStrictEqual } from 'node:util'

/** A test that throws this can't be made on this runtime. It is counted, and says why. */
export class LeftOut extends Error {}

const HANGS_AFTER = 60_000 * Number(process.env.MEMMAP_TEST_PATIENCE ?? 2)

/** Titles of tests that are not run. */
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
    // As they come: Node 26 takes no message that is undefined.
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

// What ava lets one expect of an error.
function thrown(error, expected) {
  if (error instanceof LeftOut) throw error
  if (expected === undefined) return error
  const { any, instanceOf, is, code, message, name } = expected
  if (!any) hold(error instanceof Error, () => `${show(error)} is no error`)
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

// A promise that was rejected and that nobody looked at by the end is a failure, as in ava.
const rejections = new Map()
process.on('unhandledRejection', (reason, promise) => rejections.set(promise, reason))
// Deno tells the reason first.
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
    console.log(`not ok ${++number} - nobody handled a rejection`)
    console.log(String(reason?.stack ?? reason).replaceAll(/^/gm, '  # '))
  }
  for (const [name, count] of Object.entries(counts)) console.log(`# ${name} ${count}`)
  process.exit(counts.fail === 0 ? 0 : 1)
}

async function runOne(title, run) {
  if (leftOut.includes(title)) return new LeftOut('it is on the list')
  const { t, assertions, finish } = context()
  const outcome = await outcomeOf(() => attempt(run, t, assertions))
  const end = await outcomeOf(finish)
  return outcome ?? end
}

/** What was thrown, or nothing. */
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
      timer = setTimeout(() => reject(new Error(`not done after ${HANGS_AFTER / 1000} s`)), HANGS_AFTER)
    })
    await Promise.race([run(t), hang])
    if (assertions() === 0) throw new Error('nothing was asserted')
  } finally {
    clearTimeout(timer)
  }
}

// When the spec, which imports this, has been read to its end. It may wait for a module before it has its first test.
const LATEST = performance.now() + 60_000
setTimeout(function start() {
  if (tests.length > 0 || performance.now() > LATEST) void runAll()
  else setTimeout(start, 1)
}, 0)
