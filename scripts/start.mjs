// `npm start [FILE WORD…]`: the program of this package, from its sources. Without a file it counts in a large one that is
// surely here. Arguments that begin with a command or an option are the program's own: `npm start -- lines FILE`.

import process from 'node:process'
import { findBigFile } from '../examples/support/big-file.ts'
import { hasCommand, run } from '../lib/cli/run.ts'

// npm goes to the package's own folder: names of files are meant as where it was called.
process.chdir(process.env.INIT_CWD ?? '.')

const args = process.argv.slice(2)
const [first = findBigFile(), ...words] = args
const isProgram = args.length > 0 && (first.startsWith('-') || hasCommand(first))
await run(isProgram ? args : ['count', '--stats', '--', first, ...(words.length > 0 ? words : ['function'])])
