/** A process that may use so much memory and no more, the pages of files that it reads among it. */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** How a process is started within a limit. */
export interface Limited {
  /** The command and the arguments that come before the process's own. */
  readonly wrap: readonly string[]
  end(): void
}

// Where control groups lie, and what their limit is called: version 2, then 1.
const VERSIONS = [
  ['/sys/fs/cgroup', 'memory.max'],
  ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'],
] as const

/** A control group with such a limit, or why there is none. */
export function limitMemory(bytes: number): Limited | string {
  for (const [root, limit] of VERSIONS) {
    const group = path.join(root, `memmap-bench-${process.pid}`)
    if (!attempt(() => mkdirSync(group))) continue
    // Only if it is there: elsewhere than in a control group the file would be made.
    if (attempt(() => writeFileSync(path.join(group, limit), String(bytes), { flag: 'r+' }))) {
      const wrap = ['sh', '-c', `echo $$ > ${group}/cgroup.procs && exec "$@"`, 'sh']
      return { wrap, end: () => rmdirSync(group) }
    }
    rmdirSync(group)
  }
  return 'no control group for memory can be made here (it takes root, on Linux)'
}

function attempt(action: () => void): boolean {
  try {
    action()
    return true
  } catch {
    return false
  }
}
