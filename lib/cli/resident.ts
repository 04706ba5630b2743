/**
 * `memmap resident`: which parts of a file are in memory, as a picture.
 */
import { constants } from '../constants.js'
import type { Mapping } from '../mapping.js'
import { regionOf } from '../memory.js'
import { type Command, EXIT } from './command.js'
import { formatBytes } from './format.js'
import { withMapping } from './opened.js'

export const resident: Command = {
  name: 'resident',
  operands: 'FILE',
  least: 1,
  most: 1,
  about: 'show which parts of a file are in memory, that is in the page cache',
  options: [],
  async run({ file, is }, output) {
    return withMapping(file, async (mapping) => {
      const cells = look(mapping)
      const size = mapping.length
      if (is('json')) output.json({ file, size, pageSize: constants.PAGE_SIZE, cells })
      else output.write(`${file}, ${formatBytes(size)}\n[${cells.map(draw).join('')}]\n`)
      return cells.some((cell) => cell > 0) ? EXIT.found : EXIT.nothing
    })
  },
}

// As wide as the picture that `vmtouch` draws.
const CELLS = 60
// How closely each cell is looked at.
const PARTS = 16

/** The part of each cell that is in memory, 0 to 1. */
function look(mapping: Mapping): number[] {
  const pages = Math.ceil(mapping.length / constants.PAGE_SIZE)
  const count = Math.min(CELLS, pages)
  return Array.from({ length: count }, (_, index) =>
    lookAt(mapping, Math.floor((index * pages) / count), Math.floor(((index + 1) * pages) / count)),
  )
}

function lookAt(mapping: Mapping, first: number, last: number): number {
  const step = Math.max(1, Math.ceil((last - first) / PARTS))
  let [parts, residents] = [0, 0]
  for (let page = first; page < last; page += step) {
    const offset = page * constants.PAGE_SIZE
    const length = Math.min(Math.min(page + step, last) * constants.PAGE_SIZE, mapping.length) - offset
    parts++
    if (regionOf(mapping).run((native) => native.isResident(offset, length))) residents++
  }
  return residents / parts
}

function draw(part: number): string {
  if (part === 0) return ' '
  return part === 1 ? 'O' : 'o'
}
