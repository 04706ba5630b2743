/** Limits the memory of a process, including the pages of the files that it reads. */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** The way to start a process within a limit. */
export interface Limited {
  /** The command and the arguments that precede those of the process. */
  readonly wrap: readonly string[]
  end(): void
}

// The folders of control groups and the names of their limits: version 2, then 1.
const VERSIONS = [
  ['/sys/fs/cgroup', 'memory.max'],
  ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'],
] as const

/** Makes a control group with a limit, or returns why it cannot. */
export function limitMemory(bytes: number): Limited | string {
  for (const [root, limit] of VERSIONS) {
    const group = path.join(root, `memmap-bench-${process.pid}`)
    if (!attempt(() => mkdirSync(group))) continue
    // Only if it exists: outside of a control group the write would create the file.
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
