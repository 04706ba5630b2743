/** The child process of `apart.ts`: prepares a job, and runs it at each request. */
import type { Works } from './apart.js'
import { keep } from './run.js'

const [module = '', name = '', values = '[]'] = process.argv.slice(2)
const { works } = (await import(module)) as { works: Works }
const work = await works[name]!(...(JSON.parse(values) as never[]))

process.on('message', () => void measure())
process.on('disconnect', () => process.exit())
process.send!('ready')

async function measure(): Promise<void> {
  globalThis.gc?.()
  const cpu = process.cpuUsage()
  const start = process.hrtime.bigint()
  let result = work()
  if (result instanceof Promise) result = await result
  const nanoseconds = Number(process.hrtime.bigint() - start)
  const { user, system } = process.cpuUsage(cpu)
  keep(result)
  const more = typeof result === 'object' && result !== null ? result : { result }
  process.send!({ nanoseconds, cpu: (user + system) * 1000, ...more })
}
