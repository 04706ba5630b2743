import test, { type ExecutionContext } from 'ava'
import { runFixture } from './helpers/child.js'

// The model describes Linux: elsewhere private pages may stop following the file earlier.
const check = process.platform === 'linux' ? test.serial : test.serial.skip

const runModel = (...args: string[]) => runFixture('../../lab/model.mjs', { args, timeout: 300_000 })

const agrees = test.macro(async (t: ExecutionContext, seed: number) => {
  const { code, signal, stdout, stderr } = await runModel('--seed', String(seed), '--steps', '2500')
  t.log(stdout)
  t.deepEqual([code, signal, stderr], [0, null, ''])
  t.regex(stdout, /no difference/)
  t.regex(stdout, /\n2500 steps in 1 runs, 0 failed/)
})

for (const seed of [1, 2, 3, 4]) check(`2500 random steps agree with plain Buffers, seed ${seed}`, agrees, seed)

check('2500 steps from a random seed agree with plain Buffers', agrees, Math.floor(Math.random() * 2 ** 32))

check('a difference of one byte is found, and the command to repeat it is printed', async (t) => {
  const { code, signal, stdout } = await runModel('--seed', '5', '--steps', '400', '--spoil', '300')
  t.deepEqual([code, signal], [1, null])
  t.regex(stdout, /seed 5: a difference at step 3\d\d/)
  const again = /repeat it with: node lab\/model\.mjs (--seed 5 --steps 3\d\d)/.exec(stdout)?.[1]
  t.truthy(again)
  t.is((await runModel(...again!.split(' '))).code, 0) // without the spoiled byte there is no difference
})

check('a crash is found, and the command to repeat it is printed', async (t) => {
  const { code, signal, stdout } = await runModel('--seed', '6', '--steps', '400', '--crash', '200')
  t.deepEqual([code, signal], [1, null])
  t.regex(stdout, /seed 6 ended with SIGSEGV/)
  t.regex(stdout, /repeat it with: node lab\/model\.mjs --seed 6 --steps 200/)
})
