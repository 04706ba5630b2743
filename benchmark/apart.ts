/**
 * Candidates that run in processes of their own: this library and others in JavaScript, so that the compiled code and the garbage of
 * one do not affect another; and command-line programs.
 */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Sample, Way } from './race.js'

/** Runs a job once, and returns its result. */
export type Work = () => unknown
/** Prepares a job, in the process that will run it. */
export type Works = Readonly<Record<string, (...values: never[]) => Work | Promise<Work>>>

/** The name and the properties of a candidate. */
export type Traits = Omit<Way, 'measure' | 'end'>

/**
 * A candidate from `works` of a module. Its process lives as long as the comparison, so that the engine has compiled the code. If it is
 * `fresh`, each measurement has a process of its own, so that nothing is mapped in between.
 */
export function apart(
  traits: Traits,
  module: string,
  work: string,
  values: readonly unknown[],
  { fresh = false, wrap = [] as readonly string[] } = {},
): Way {
  let child: ChildProcess | undefined
  const end = (): void => {
    if (child?.connected) child.disconnect()
    child = undefined
  }
  return {
    ...traits,
    end,
    async measure() {
      child ??= await launch(module, work, values, wrap)
      const sample = await ask(child)
      if (fresh) {
        const ended = once(child, 'exit')
        end()
        await ended
      }
      return sample
    },
  }
}

async function launch(
  module: string,
  work: string,
  values: readonly unknown[],
  wrap: readonly string[],
): Promise<ChildProcess> {
  const program = fileURLToPath(new URL('./apart-child.ts', import.meta.url))
  const args = [module, work, JSON.stringify(values)]
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const
  const [wrapper, ...rest] = wrap
  const child =
    wrapper === undefined
      ? fork(program, args, { stdio: [...stdio] })
      : spawn(wrapper, [...rest, process.execPath, ...process.execArgv, program, ...args], { stdio: [...stdio] })
  await answer(child)
  return child
}

async function ask(child: ChildProcess): Promise<Sample> {
  const answered = answer(child)
  child.send('go')
  return (await answered) as Sample
}

async function answer(child: ChildProcess): Promise<unknown> {
  const settled = new AbortController()
  const { signal } = settled
  try {
    const [value] = (await Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }).then(([code, by]) => {
        throw new Error(`A process that measures ended: ${String(by ?? code)}`)
      }),
    ])) as [unknown]
    return value
  } finally {
    settled.abort()
  }
}

/** A command-line program, from its start to its end. Its result is the first number in its output. */
export function command(traits: Traits, program: string, args: readonly string[]): Way {
  if (!isThere(program)) return { ...traits, missing: `no ${program} here`, measure: unmeasurable }
  return {
    ...traits,
    measure() {
      const start = process.hrtime.bigint()
      const { status, stdout } = spawnSync(program, args, { encoding: 'utf8' })
      const nanoseconds = Number(process.hrtime.bigint() - start)
      if (status !== 0) throw new Error(`${program} ended with ${status}`)
      return Promise.resolve({ nanoseconds, result: Number(/\d+/.exec(stdout)?.[0]) })
    },
  }
}

/** A program in Python, which prints its time in seconds and its result. */
export function python(traits: Traits, program: string, args: readonly string[]): Way {
  if (!isThere('python3')) return { ...traits, missing: 'no python3 here', measure: unmeasurable }
  return {
    ...traits,
    measure() {
      const { status, stdout, stderr } = spawnSync('python3', ['-c', program, ...args], { encoding: 'utf8' })
      if (status !== 0) throw new Error(stderr)
      const [seconds, result] = stdout.split(' ').map(Number)
      return Promise.resolve({ nanoseconds: seconds! * 1e9, result })
    },
  }
}

/** A candidate that is not available. */
export function absent(traits: Traits, missing: string): Way {
  return { ...traits, missing, measure: unmeasurable }
}

export function isThere(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined
}

function unmeasurable(): never {
  throw new Error('There is nothing to measure')
}
