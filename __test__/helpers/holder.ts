import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { ExecutionContext } from 'ava'
import { fixtureFile, typed } from './child.js'

const fixture = fixtureFile('lock/hold.ts')

/** Another process that holds a lock. */
export interface Holder {
  /** Sends a request and waits until it is done: `unlock`, `downgrade`. */
  tell(what: 'unlock' | 'downgrade'): Promise<void>
  /** Ends the process, and waits until it has ended. */
  end(signal: NodeJS.Signals): Promise<void>
}

/** Starts a process that takes a lock of a file, and waits until it holds the lock. */
export async function startHolder(
  t: ExecutionContext,
  file: string,
  options: object = {},
  how = 'mapping',
): Promise<Holder> {
  const child = spawn(process.execPath, [...typed, fixture, file, JSON.stringify(options), how], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const exited = once(child, 'exit')
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const hear = async (expected: string): Promise<void> => {
    const { value } = await lines.next()
    t.is(value, expected)
  }
  await hear('held')
  return {
    tell: async (what) => {
      child.stdin.write(`${what}\n`)
      await hear('done')
    },
    end: async (signal) => {
      child.kill(signal)
      t.deepEqual(await exited, [null, signal])
    },
  }
}
