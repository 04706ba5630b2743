/**
 * Growing and shrinking: a file and its mapping together, or a mapping after its file.
 */
import { memmapError } from '../base/errors.js'
import { forgetFaults } from '../state/faults.js'
import { nameOf } from '../state/registry.js'
import type { Region } from '../state/mapping-state.js'
import { type Bytes, outOfRange, parseBoolean, parseBytes, parseOptions } from '../base/validate.js'

/** How to resize. */
export interface ResizeOptions {
  /**
   * Shrink even if views reach behind the new end: they become empty, as by `close()`, and with them the other views on the
   * same ArrayBuffer. @default false
   */
  readonly force?: boolean | undefined
}

const RESIZE_OPTIONS = ['force']

export async function resize(region: Region, size: Bytes, options: ResizeOptions | undefined): Promise<void> {
  const wanted = prepare(region, size, options)
  try {
    await region.runJob((native) => native.resize(wanted))
  } finally {
    region.followLength()
  }
}

export function resizeSync(region: Region, size: Bytes, options: ResizeOptions | undefined): void {
  const wanted = prepare(region, size, options)
  try {
    region.run((native) => native.resizeSync(wanted))
  } finally {
    region.followLength()
  }
}

export async function refresh(region: Region): Promise<boolean> {
  const before = beginRefresh(region)
  try {
    await region.runJob((native) => native.refresh())
  } finally {
    region.followLength()
  }
  forgetFaults(region)
  return region.length !== before
}

export function refreshSync(region: Region): boolean {
  const before = beginRefresh(region)
  try {
    region.run((native) => native.refreshSync())
  } finally {
    region.followLength()
  }
  forgetFaults(region)
  return region.length !== before
}

function beginRefresh(region: Region): number {
  region.checkOpen()
  return region.length
}

/** Checks what was asked for. Where the mapping is to become shorter, nobody can reach behind its new end from here on. */
function prepare(region: Region, size: Bytes, options: ResizeOptions | undefined): number {
  // Validate arguments
  const wanted = parseBytes(size, 'size')
  const force = parseBoolean(parseOptions(options, 'options', RESIZE_OPTIONS).force, 'options.force') ?? false

  // Interpret them
  region.checkWritable()
  const length = wanted - region.offset

  // Validate what they mean
  if (length < 0) throw outOfRange('size', `>= ${region.offset}, where the mapping begins in the file`, wanted)
  if (length < region.length && region.mode !== 'c') cut(region, length, force)
  return wanted
}

function cut(region: Region, length: number, force: boolean): void {
  region.checkIdle()
  const reach = region.segments.measureReach()
  if (reach > length) {
    if (!force) throw inView(region, length, reach)
    if (region.shared) throw shared(region)
    region.segments.detach(length)
  }
  region.setLength(length)
}

function inView(region: Region, length: number, reach: number): Error {
  return memmapError(
    'ERR_MEMMAP_BUSY',
    `The mapping of ${nameOf(region)} can't shrink to ${length} bytes: a view reaches to byte ${reach} of it. Let go of such views (one counts until the garbage collector has found it), or empty them with the option force`,
    { path: region.path },
  )
}

function shared(region: Region): Error {
  return memmapError(
    'ERR_MEMMAP_UNSUPPORTED',
    `The mapping of ${nameOf(region)} can't shrink by force: views on a SharedArrayBuffer can't be taken back`,
    { path: region.path },
  )
}
