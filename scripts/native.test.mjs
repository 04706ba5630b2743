import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import { newest } from './native.mjs'

test('the newest of files and folders is found at any depth, and a missing file counts as never changed', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'memmap-native-'))
  try {
    const deep = path.join(folder, 'one', 'two')
    mkdirSync(deep, { recursive: true })
    const file = path.join(deep, 'file.rs')
    writeFileSync(file, '')
    for (const each of [file, deep, path.dirname(deep), folder]) utimesSync(each, 1000, 1000)
    assert.equal(newest([folder]), 1_000_000)
    utimesSync(file, 2000, 2000)
    assert.equal(newest([folder]), 2_000_000)
    // Removing a file changes the time of its folder.
    rmSync(file)
    assert.ok(newest([folder]) > 2_000_000)
    assert.equal(newest([path.join(folder, 'missing')]), 0)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
