// Uses the package as after an installation: from a tarball, in a folder of its own, with import, require, types and the program.
// The binary, which npm would install as the package of the platform, is copied next to its loader. No tool serves: publint and attw
// read the package, and do not run it.

import { execFileSync, execSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { root } from './run.mjs'

const files = {
  'package.json': '{ "private": true }',
  'import.mjs': `
    import { mmapSync } from 'memmap'
    const mapping = mmapSync('package.json')
    if (mapping.buffer().toString() !== '{ "private": true }') throw new Error('wrong bytes')
    mapping.closeSync()
  `,
  'require.cjs': `
    const { mmapSync } = require('memmap')
    mmapSync('package.json').closeSync()
  `,
  'types.mts': `
    import { FileLock, LineIndex, Mapping, mmap } from 'memmap'
    const mapping: Mapping = await mmap('package.json', { mode: 'r' })
    export const bytes: Buffer = mapping.buffer()
    // @ts-expect-error no such mode
    await mmap('package.json', { mode: 'rw' })

    export const isMapping: boolean = (mapping as object) instanceof Mapping
    // @ts-expect-error functions of the library make it
    new Mapping()
    // @ts-expect-error functions of the library make it
    new FileLock()
    // @ts-expect-error functions of the library make it
    new LineIndex()
    // @ts-expect-error the class cannot be extended
    export class MyMapping extends Mapping {}
    // @ts-expect-error the class cannot be extended
    export class MyLock extends FileLock {}
    // @ts-expect-error the class cannot be extended
    export class MyIndex extends LineIndex {}
    // @ts-expect-error what the library keeps to itself is in no type
    export const state: unknown = mapping.state
  `,
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      module: 'NodeNext',
      target: 'ES2023',
      lib: ['ES2023'],
      types: ['node'],
      strict: true,
      noEmit: true,
    },
    files: ['types.mts'],
  }),
}

const scratch = mkdtempSync(path.join(os.tmpdir(), 'memmap-consumer-'))
try {
  const [packed] = JSON.parse(
    execSync(`npm pack --json --ignore-scripts --loglevel=error --pack-destination "${scratch}"`, {
      cwd: root,
      encoding: 'utf8',
    }),
  )
  const home = path.join(scratch, 'node_modules', 'memmap')
  mkdirSync(home, { recursive: true })
  execFileSync('tar', ['-xzf', packed.filename, '-C', home, '--strip-components=1'], { cwd: scratch })
  for (const binary of readdirSync(path.join(root, 'native')).filter((name) => name.endsWith('.node'))) {
    copyFileSync(path.join(root, 'native', binary), path.join(home, 'native', binary))
  }
  symlinkSync(path.join(root, 'node_modules', '@types'), path.join(scratch, 'node_modules', '@types'), 'junction')
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(scratch, name), text)

  attempt('import', ['import.mjs'])
  attempt('require', ['require.cjs'])
  const { bin } = JSON.parse(readFileSync(path.join(home, 'package.json'), 'utf8'))
  attempt('program', [path.join(home, bin.memmap), 'count', 'package.json', 'private'])
  attempt('version of the program', [path.join(home, bin.memmap), '--version'])
  attempt('types', [path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')])
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

function attempt(what, args) {
  try {
    execFileSync(process.execPath, args, { cwd: scratch, stdio: 'inherit' })
    console.log(`ok ${what}`)
  } catch {
    console.log(`FAILED ${what}`)
    process.exitCode = 1
  }
}
