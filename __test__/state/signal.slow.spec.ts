import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test from 'ava'
import { runFixture } from '../helpers/child.js'
import { survives } from '../helpers/survive.js'
import { tempDir } from '../helpers/temp.js'

const source = path.join(import.meta.dirname, '..', 'fixtures', 'signal', 'crash.c')
const linking = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : []

// An add-on that crashes. Without a compiler only the cases that send a signal are run.
const directory = mkdtempSync(path.join(tmpdir(), 'memmap-crash-'))
test.after.always('the add-on goes', () => rmSync(directory, { recursive: true }))
const output = path.join(directory, 'crash.node')
const compiler = spawnSync(process.env['CC'] ?? 'cc', [
  '-shared',
  '-fPIC',
  '-pthread',
  ...linking,
  '-o',
  output,
  source,
])
const addon = compiler.status === 0 ? output : undefined

const crashes = {
  'store to null': 'SIGSEGV',
  'store into foreign read-only memory': 'SIGSEGV',
  'store to null in a foreign thread': 'SIGSEGV',
  'load from a foreign truncated file': 'SIGBUS',
  // An access to a mapped page that no remedy of the page can repair.
  execute: 'SIGSEGV',
  'kill SIGSEGV': 'SIGSEGV',
  'kill SIGBUS': 'SIGBUS',
} as const

for (const [how, expected] of Object.entries(crashes)) {
  for (const when of ['with a mapping', 'after a fault']) {
    test.serial(`a crash outside the library still ends the process, ${when}: ${how}`, async (t) => {
      if (addon === undefined && !how.startsWith('kill')) {
        t.log('Left out: it needs a C compiler')
        t.pass()
        return
      }
      const args = [how, when, addon ?? '']
      const outcome = await runFixture('signal/crash.ts', { cwd: tempDir(t), args })
      t.deepEqual({ ...outcome, stderr: '' }, { code: null, signal: expected, stdout: 'crashing\n', stderr: '' })
    })
  }
}

const handlers = { leaves: { code: 7, signal: null }, 'passes on': { code: null, signal: 'SIGSEGV' } } as const

for (const [how, end] of Object.entries(handlers)) {
  test.serial(`a foreign signal handler that ${how} receives only foreign faults`, async (t) => {
    if (addon === undefined) {
      t.log('Left out: it needs a C compiler')
      t.pass()
      return
    }
    const options = { cwd: tempDir(t), args: [how, addon], node: ['--no-warnings'] }
    const outcome = await runFixture('signal/handler.ts', options)
    t.deepEqual({ ...outcome, stderr: '' }, { ...end, stdout: 'survived\n', stderr: '' })
  })
}

// The parent learns of a core dump, whatever the system does with it. Only the headers are dumped.
const waiting = 'system { $ARGV[0] } @ARGV; print "signal ", $? & 127, $? & 128 ? ", core dumped\\n" : "\\n"'
const limits = 'ulimit -c unlimited && echo 0x10 > /proc/self/coredump_filter && exec perl -e "$0" "$@"'

for (const how of ['store to null', 'load from a foreign truncated file', 'kill SIGSEGV', 'kill SIGBUS']) {
  test.serial(`a crash outside the library dumps core as it does without the library: ${how}`, async (t) => {
    if (process.platform !== 'linux' || spawnSync('perl', ['-v']).status !== 0 || addon === undefined) {
      t.log('Left out: it needs Linux, Perl and a C compiler')
      t.pass()
      return
    }
    const through = ['sh', '-c', limits, waiting]
    const said: string[] = []
    for (const when of ['without the library', 'with a mapping', 'after a fault']) {
      const { stdout } = await runFixture('signal/crash.ts', { cwd: tempDir(t), args: [how, when, addon], through })
      said.push(stdout)
    }
    t.regex(said[0]!, /^crashing\nsignal \d+/)
    t.deepEqual(
      said,
      said.map(() => said[0]),
    )
    if (!said[0]!.includes('core dumped')) t.log('This machine writes no core dumps')
  })
}

for (const tier of ['--liftoff-only', '--no-liftoff']) {
  const options = { node: ['--no-warnings', tier] }
  test.serial(
    `an access out of bounds in WebAssembly throws a RuntimeError: ${tier}`,
    survives,
    'signal/wasm.ts',
    'trapped',
    [],
    options,
  )
}
test.serial(
  'WebAssembly traps in many threads at once throw RuntimeErrors',
  survives,
  'signal/wasm-crowd.ts',
  'trapped',
)

const orders = [
  'before',
  'after',
  'after, some turns ago',
  'once, twice',
  'events.once',
  'removed again',
  'faults in a thread',
]
for (const signal of ['SIGBUS', 'SIGSEGV']) {
  for (const order of orders) {
    const options = { node: ['--no-warnings'] }
    const args = [signal, order]
    test.serial(
      `process.on('${signal}') and faults work together: ${order}`,
      survives,
      'signal/listener.ts',
      'survived',
      args,
      options,
    )
  }
  test.serial(`process.on('${signal}') and faults work together: removed again, then killed`, async (t) => {
    const args = [signal, 'removed again, then killed']
    const outcome = await runFixture('signal/listener.ts', { cwd: tempDir(t), args, node: ['--no-warnings'] })
    t.deepEqual(outcome, { code: null, signal: signal as NodeJS.Signals, stdout: 'survived\n', stderr: '' })
  })
}
