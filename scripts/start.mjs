// `npm start [FILE WORD…]`: counts words with the command-line program, from its sources. Without a file it searches a large file
// that exists on every machine. If the arguments begin with a command or an option, the program gets them unchanged:
// `npm start -- lines FILE`.

import process from 'node:process'
import { findBigFile } from '../examples/support/big-file.ts'
import { hasCommand, run } from '../lib/cli/run.ts'

// npm changes to the folder of the package; file names are relative to the folder in which npm was called.
process.chdir(process.env.INIT_CWD ?? '.')

const args = process.argv.slice(2)
const [first = findBigFile(), ...words] = args
const isProgram = args.length > 0 && (first.startsWith('-') || hasCommand(first))
await run(isProgram ? args : ['count', '--stats', '--', first, ...(words.length > 0 ? words : ['function'])])
