import test from 'ava'
import { runCode } from '../helpers/child.js'
import { tempFile } from '../helpers/temp.js'

// Codes that need a special situation.

test('too many mappings cause an error that names the count and the limit, not a crash', async (t) => {
  const { code, signal, stdout, stderr } = await runCode(
    `
      import { mmapSync } from 'memmap'
      const held = []
      try {
        for (let i = 0; i < 100_000; i++) held.push(mmapSync(process.argv.at(-1), { offset: (i % 2) * 4096, length: 1 }))
      } catch ({ code, message }) {
        console.log(code, message, held.length)
      }
      for (const mapping of held) mapping.closeSync()
      mmapSync(process.argv.at(-1)).closeSync()
    `,
    { args: [tempFile(t, 10_000)], timeout: 110_000 },
  )
  t.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
  if (stdout !== '') t.regex(stdout, /^ERR_MEMMAP_MAP_COUNT .*max_map_count.* \d{5,}\n$/)
})
