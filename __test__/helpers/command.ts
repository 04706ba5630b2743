import { Writable } from 'node:stream'
import { type Command, parseCommand } from '../../lib/cli/command.js'
import { Output } from '../../lib/cli/output.js'

/** Runs a command in this process. */
export async function called(command: Command, args: readonly string[]): Promise<{ code: number; bytes: Buffer }> {
  const parts: Buffer[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      parts.push(chunk)
      callback()
    },
  })
  const output = new Output(stream)
  const code = await command.run(parseCommand(command, args)!, output)
  await output.flush()
  return { code, bytes: Buffer.concat(parts) }
}
