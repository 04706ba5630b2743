import test from 'ava'
import { PAGE } from '../fixtures/fixture.js'
import { runFixture } from '../helpers/child.js'
import { survives } from '../helpers/survive.js'
import { tempDir } from '../helpers/temp.js'

const { serial } = test

serial('copies by the library throw when a page is missing', survives, 'fault/copies.ts', 'copied 28')
serial(
  'memory without a free huge page becomes ordinary memory, and the fault is reported',
  survives,
  'fault/huge.ts',
  'huge',
)
serial('a fault is reported by one warning, a diagnostics message and errors', survives, 'fault/report.ts', 'told')

const stories = [
  'several truncations',
  'growing again in between',
  'two mappings of one file',
  'a truncation within a chunk',
  'an odd length',
  'pages that were stored into privately',
]
for (const story of stories)
  serial(`bytes before the fault stay right: ${story}`, survives, 'fault/story.ts', 'told', [story])

const cut = `(truncated) at offset ${2 * PAGE} of 'aborts.bin', which has ${PAGE + 1} bytes now`
const aborts = {
  loop: ['SIGBUS', cut],
  builtin: ['SIGBUS', cut],
  'native copy': ['SIGBUS', cut],
  store: ['SIGSEGV', `(readonly) at offset ${PAGE} of 'strict.bin', which has ${4 * PAGE} bytes now`],
} as const

for (const [access, [expected, what]] of Object.entries(aborts)) {
  serial(`onFault 'abort' ends the process by ${expected} and prints the location: ${access}`, async (t) => {
    const { signal, code, stdout, stderr } = await runFixture('fault/abort.ts', { cwd: tempDir(t), args: [access] })
    // Windows has exit codes instead of signals: STATUS_ACCESS_VIOLATION.
    const end = process.platform === 'win32' ? [null, 0xc000_0005] : [expected, null]
    t.deepEqual([signal, code], end)
    t.is(stdout, `${(PAGE % 251) + 1}\n`)
    t.true(stderr.startsWith(`memmap: fault ${what}; onFault is 'abort'\n`), stderr)
  })
}
