// Simulates power cuts of a disk, and checks what survives. No tool serves: it relates the log of the disk to what the library has
// acknowledged.
//
//     node lab/power-cut.mjs [--points 300] [--seed 1] [--only flush,replace,grow,schedule] [--on ext4,xfs]
//
// A disk in user space logs every write and every flush of a file system, while a program flushes pages, replaces a file or lets
// files grow. The same log records what the library acknowledges to the program. Then random points of the log are chosen. For each
// point, a fresh disk gets everything written up to the last flush before it, and a random part of the blocks of 4 KiB written after
// that flush. The file system is mounted from this disk, with its recovery. Everything that was acknowledged before the point must be
// there, and each file that is replaced must be complete. The level `schedule` promises nothing: with it the disk must show a loss,
// which proves that the method finds losses.
//
// It needs Linux, root, FUSE, loop devices, python3 and the tools that make the file systems. It names what is missing. All mounts are
// in a namespace that ends with the process.

import { spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { checks } from '../__test__/fixtures/power-cut/check.mjs'
import { root } from '../scripts/run.mjs'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: 'flush,replace,grow,schedule' },
    on: { type: 'string', default: 'ext4,xfs' },
    inside: { type: 'string' },
  },
})

const BLOCK = 4096
const fixtures = path.join(root, '__test__', 'fixtures', 'power-cut')
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
// xfs accepts no smaller disk.
const systems = {
  ext4: { size: '64M', make: 'mkfs.ext4 -q -F', options: 'loop' },
  xfs: { size: '300M', make: 'mkfs.xfs -q -f', options: 'loop,nouuid' },
}
const works = {
  flush: { work: 'flush', level: 'data', rounds: 150 },
  replace: { work: 'replace', level: 'all', rounds: 150 },
  grow: { work: 'grow', level: 'data', rounds: 30 },
  schedule: { work: 'flush', level: 'schedule', rounds: 150 },
}

if (values.inside === undefined) await runAll()
else runInside(values.inside)

/** Runs each file system in a namespace and a directory of its own. */
async function runAll() {
  const names = values.on.split(',').filter((name) => {
    const missing = obstacle(name)
    if (missing !== undefined) console.log(`Left out: ${name}: ${missing}`)
    return missing === undefined
  })
  const outcomes = await Promise.all(names.map((name) => runOn(name)))
  const rows = outcomes.flatMap(({ found }) => found)
  if (rows.length > 0) console.table(rows)
  if (outcomes.some(({ status }) => status !== 0) || rows.some((row) => !isGood(row))) process.exitCode = 1
}

function isGood({ workload, whole, mixed, torn, lost, points }) {
  if (workload === 'schedule') return lost > 0
  return lost === 0 && torn === 0 && whole + mixed === points
}

function runOn(name) {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'memmap-power-'))
  const args = [fileURLToPath(import.meta.url), '--inside', name, '--points', values.points, '--seed', values.seed]
  const command = ['--mount', process.execPath, ...args, '--only', values.only]
  const child = spawn('unshare', command, { cwd: scratch, stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part) => (text += part))
  return new Promise((resolve) => {
    child.on('close', (status) => {
      rmSync(scratch, { recursive: true, force: true })
      const lines = text.split('\n').filter((line) => line !== '')
      for (const line of lines) if (!line.startsWith('{')) console.log(line)
      const results = lines.filter((line) => line.startsWith('{'))
      resolve({ status, found: results.map((line) => JSON.parse(line)) })
    })
  })
}

function obstacle(name) {
  if (!(name in systems)) return `there are ${Object.keys(systems).join(' and ')}`
  if (process.platform !== 'linux') return 'it needs Linux'
  if (process.getuid() !== 0) return 'it needs root'
  const tool = systems[name].make.split(' ')[0]
  const test = `command -v python3 ${tool} && test -e /dev/fuse && mount -t tmpfs memmap-test /mnt && losetup --find`
  if (spawnSync('unshare', ['--mount', 'sh', '-ec', `${test} && command -v ${tool}`]).status === 0) return undefined
  return `it needs the right to mount, FUSE, a loop device, python3 and ${tool}`
}

/** Runs all workloads on one file system. Everything is in memory, and ends with the namespace. */
function runInside(name) {
  const { size, make } = systems[name]
  sh(`mkdir all; mount -t tmpfs -o size=4g memmap-test all`)
  process.chdir('all')
  sh(`mkdir mnt; truncate -s ${size} empty; ${make} empty`)
  for (const workload of values.only.split(',')) {
    const { work, level, rounds: most } = works[workload]
    // A few points need only a short log.
    const rounds = Math.ceil(most * Math.min(1, Math.max(Number(values.points), 10) / 50))
    const log = runWork(name, work, level, rounds)
    const counts = cutAll(name, work, log)
    console.log(JSON.stringify({ 'file system': name, workload, records: log.length, ...counts }))
  }
}

function runWork(name, work, level, rounds) {
  const node = `${process.execPath} --no-warnings --import ${loader} ${path.join(fixtures, 'work.ts')}`
  const script = [
    'here=$PWD',
    `mount -t ${name} -o loop disk/image mnt`,
    `(cd mnt && ${node} ${work} ${level} ${rounds} $here/disk/note)`,
    'umount mnt',
    'umount disk',
  ]
  sh('cp --sparse=always empty image')
  const said = sh(`python3 ${path.join(fixtures, 'disk.py')} image log sh -ec '${script.join('; ')}'`)
  if (!said.includes('through')) throw new Error(`The workload ended early: ${said}`)
  return readLog(readFileSync('log'))
}

function readLog(bytes) {
  const records = []
  for (let at = 0; at < bytes.length;) {
    const [kind, offset, length] = [bytes[at], Number(bytes.readBigUInt64LE(at + 1)), bytes.readUInt32LE(at + 9)]
    const data = bytes.subarray(at + 13, at + 13 + length)
    records.push({ kind, offset, data, ...(kind === 3 && { note: JSON.parse(data.toString()) }) })
    at += 13 + length
  }
  const [first, last] = [records.findIndex(({ note }) => note), records.findIndex(({ note }) => note?.end)]
  if (first < 0 || last < 0) throw new Error('The log has no start or no end')
  return Object.assign(records.slice(0, last), { first })
}

/** Cuts the power at the given number of points, and counts the results. */
function cutAll(name, work, log) {
  const random = randomOf(Number(values.seed))
  const points = Array.from({ length: Number(values.points) }, () => log.first + random(log.length - log.first))
  const counts = { points: points.length, whole: 0, mixed: 0, torn: 0, lost: 0 }
  sh('cp --sparse=always empty stable')
  let applied = 0
  for (const point of points.toSorted((a, b) => a - b)) {
    const flushed = log.findLastIndex(({ kind }, index) => kind === 2 && index < point)
    write('stable', log.slice(applied, Math.max(applied, flushed)))
    applied = Math.max(applied, flushed)
    sh('cp --sparse=auto stable cut')
    write('cut', someBlocks(log.slice(applied, point), random))
    const notes = log.slice(0, point).flatMap(({ note }) => note ?? [])
    sh(`mount -t ${name} -o ${systems[name].options} cut mnt`)
    const found = checks[work](path.resolve('mnt'), notes)
    sh('umount mnt')
    counts[found]++
  }
  return counts
}

function write(image, records) {
  const fd = openSync(image, 'r+')
  for (const { kind, offset, data } of records) if (kind === 1) writeSync(fd, data, 0, data.length, offset)
  closeSync(fd)
}

/** Returns a random part of the written blocks: sometimes none, sometimes all. */
function someBlocks(records, random) {
  const share = [0, 10, 50, 90, 100][random(5)]
  return records
    .filter(({ kind }) => kind === 1)
    .flatMap(({ kind, offset, data }) =>
      Array.from({ length: Math.ceil(data.length / BLOCK) }, (_, index) => ({
        kind,
        offset: offset + index * BLOCK,
        data: data.subarray(index * BLOCK, (index + 1) * BLOCK),
      })),
    )
    .filter(() => random(100) < share)
}

/** Returns a generator of numbers from 0 to `below`, the same for the same seed. */
function randomOf(seed) {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

function sh(script) {
  const { status, stdout, stderr } = spawnSync('sh', ['-ec', script], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${script}: ${status} ${stdout} ${stderr}`)
  return stdout
}
