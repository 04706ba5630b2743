/**
 * `memmap resident`: draws which parts of a file are in memory.
 */
import type { Mapping } from '../mapping.js'
import type { Residency } from '../residency/residency.js'
import { constants } from '../base/constants.js'
import { type Command, EXIT } from './command.js'
import { formatBytes } from './format.js'
import { withMapping } from './with-mapping.js'

export const resident: Command = {
  name: 'resident',
  operands: 'FILE',
  min: 1,
  max: 1,
  about: 'show which parts of a file are in the page cache',
  options: [],
  async run({ file, is }, output) {
    const { size, bucket, found } = await withMapping(file, look)
    const { buckets, residentPages, ...rest } = found
    if (is('json')) output.json({ file, size, ...rest, residentPages, bucket, buckets: [...(buckets ?? [])] })
    else output.write(describe(file, size, found))
    // The system hides the residency of files of other users.
    if (residentPages === undefined) return EXIT.failed
    return residentPages > 0 ? EXIT.found : EXIT.nothing
  },
}

// The width of the picture of `vmtouch`.
const CELLS = 60

async function look(mapping: Mapping): Promise<{ size: number; bucket: number; found: Residency }> {
  const { PAGE_SIZE } = constants
  const bucket = Math.max(1, Math.ceil(mapping.length / CELLS / PAGE_SIZE)) * PAGE_SIZE
  return { size: mapping.length, bucket, found: await mapping.residency({}, { bucket }) }
}

function describe(file: string, size: number, { buckets, pages, pageSize, residentPages }: Residency): string {
  const picture = Array.from(buckets ?? [], draw).join('')
  if (residentPages === undefined) {
    return `${file}: ${formatBytes(size)}; the system does not tell this user which parts are in memory\n[${picture}]\n`
  }
  const bytes = Math.min(residentPages * pageSize, size)
  const part = pages === 0 ? 0 : Math.floor((residentPages / pages) * 100)
  return `${file}: ${formatBytes(bytes)} of ${formatBytes(size)} in memory, ${part} %\n[${picture}]\n`
}

function draw(percent: number): string {
  if (percent > 100) return '?'
  return percent === 0 ? ' ' : percent === 100 ? 'O' : 'o'
}
