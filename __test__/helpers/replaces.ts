import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { replaceFile, replaceFileSync, type ReplaceOptions } from '../../index.js'
import { tempFile } from './temp.js'

export type Content = Parameters<typeof replaceFile>[1]
export type Replace = (file: string, content: Content, options?: Omit<ReplaceOptions, 'signal'>) => unknown

/** Both ways to replace a file. */
export const both: readonly [string, Replace][] = [
  ['replaceFile', replaceFile],
  ['replaceFileSync', replaceFileSync],
]

/** Replaces a file that has the bytes 'old' in both ways. No other file may be left in the directory. */
export const replaces = test.macro(
  async (t: ExecutionContext, content: Content, expected: Uint8Array, size?: number) => {
    for (const [, replace] of both) {
      const file = tempFile(t, 'old')
      const result = (await replace(file, content, size === undefined ? undefined : { size })) as object
      t.like(result, { bytes: expected.length, level: 'all' })
      t.true('achieved' in result && ['all', 'volatile'].includes(String(result.achieved)))
      t.true(readFileSync(file).equals(expected))
      t.deepEqual(readdirSync(path.dirname(file)), ['file.bin'])
    }
  },
)
