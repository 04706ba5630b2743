import test, { type ExecutionContext } from 'ava'
import { mmapSync } from '../../index.js'
import { stateOf } from '../../lib/state/mapping-state.js'
import { coldMapping, drop, MIB } from '../helpers/cold-mapping.js'
import { runCode } from '../helpers/child.js'
import { tempDir } from '../helpers/temp.js'
import { until } from '../helpers/iterations.js'

test('a large window is in memory as a whole when it is returned', async (t) => {
  const mapping = coldMapping(t, 96)
  if (mapping === undefined) return
  const { native } = stateOf(mapping)
  let found = false
  for (let attempt = 0; attempt < 5 && !found; attempt++) {
    const windows = mapping.windows({ size: 95 * MIB })
    const { value } = await windows[Symbol.asyncIterator]().next()
    found ||= native.isResident(value.offset, value.length)
    drop(mapping)
  }
  t.true(found)
})

test('while one chunk is used, the next ones are read into memory', async (t) => {
  const mapping = coldMapping(t, 128)
  if (mapping === undefined) return
  const { native } = stateOf(mapping)
  const iterator = mapping.chunks({ size: MIB })[Symbol.asyncIterator]()
  await iterator.next()
  const present = (from: number, to: number) => {
    let count = 0
    for (let at = from; at < to; at++) if (native.isResident(at * MIB, MIB)) count++
    return count
  }
  await until(() => present(0, 32) >= 28)
  t.is(present(112, 128), 0, 'the last chunks are not read yet')
  await iterator.return?.()
})

test('a missing page is an error only when the loop reaches it', async (t) => {
  const { code, signal, stdout } = await runCode(
    `
    import { truncateSync, writeFileSync } from 'node:fs'
    import { mmap } from 'memmap'
    writeFileSync('shrinks.bin', Buffer.alloc(2 ** 24))
    const mapping = await mmap('shrinks.bin')
    truncateSync('shrinks.bin', 2 ** 23)
    let seen = 0
    try {
      for await (const chunk of mapping.chunks({ size: 2 ** 20 })) seen += chunk.length
    } catch (error) {
      console.log(error.code, seen)
    }
    `,
    { cwd: tempDir(t), node: ['--no-warnings'] },
  )
  t.deepEqual({ code, signal, stdout }, { code: 0, signal: null, stdout: `ERR_MEMMAP_FAULT ${2 ** 23}\n` })
})

function hasProc(t: ExecutionContext): boolean {
  if (process.platform === 'linux') return true
  t.log('Left out: it needs /proc')
  t.pass()
  return false
}

// Prints the resident size of the mapping in MiB at 64 times, and the number of pages that were read.
const scan = (loop: string) => `
  import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
  import { mmapSync } from 'memmap'
  writeFileSync('huge.bin', '')
  truncateSync('huge.bin', 2 ** 30)
  const mapping = mmapSync('huge.bin')
  const resident = []
  let pages = 0
  function use(view) {
    for (let at = 0; at < view.length; at += 4096) pages += 1 - view[at]
    if (pages % 4096 !== 0) return
    const text = readFileSync('/proc/self/smaps', 'utf8')
    let sum = 0
    for (const part of text.split(/\\n(?=[0-9a-f]+-)/)) {
      if (part.includes('huge.bin')) sum += Number(/Rss: +(\\d+)/.exec(part)[1])
    }
    resident.push(sum / 1024)
  }
  ${loop}
  mapping.closeSync()
  console.log(JSON.stringify({ resident, pages }))
`

async function residentMemory(t: ExecutionContext, loop: string): Promise<number[]> {
  const { code, signal, stdout, stderr } = await runCode(scan(loop), { cwd: tempDir(t) })
  t.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
  const { resident, pages } = JSON.parse(stdout)
  t.is(pages, 2 ** 18)
  return resident
}

const loops = {
  'for await': 'for await (const chunk of mapping.chunks({ dropBehind })) use(chunk)',
  for: 'for (const chunk of mapping.chunks({ dropBehind })) use(chunk)',
  'records in batches': 'for await (const [record] of mapping.records(2 ** 20, { dropBehind }).batches()) use(record)',
}

for (const [name, loop] of Object.entries(loops)) {
  test(`with dropBehind at most 128 MiB of 1 GiB stay resident: ${name}`, async (t) => {
    if (!hasProc(t)) return
    const resident = await residentMemory(t, loop.replace('dropBehind', 'dropBehind: true'))
    // The thread that drops pages may be late a few times.
    const above = resident.filter((size) => size >= 128)
    t.true(resident.length === 64 && above.length <= 3, `${above} MiB`)
  })
}

test('without dropBehind pages stay resident', async (t) => {
  if (!hasProc(t)) return
  const resident = await residentMemory(t, loops.for.replace('dropBehind', 'dropBehind: false'))
  // All pages, unless the system is short of memory or reclaims idle pages.
  t.true(Math.max(...resident) > 200, `${resident} MiB`)
})

for (const end of ['closeSync', 'close'] as const)
  test(`with dropBehind a file is not resident after ${end}() right after the loop`, async (t) => {
    const mapping = coldMapping(t, 200)
    if (mapping === undefined) return
    const { path } = mapping
    for await (const batch of mapping.lines({ dropBehind: true }).batches()) t.is(batch[0]?.slice(0, 4), 'some')
    await mapping[end]()
    const again = mmapSync(path as string)
    t.teardown(() => again.close())
    const { residentPages = 0, pageSize } = await again.residency()
    t.true(residentPages * pageSize <= 2 * MIB, `${residentPages} pages`)
  })
