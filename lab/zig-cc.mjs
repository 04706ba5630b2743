#!/usr/bin/env node
// Stands where rustc expects a C compiler to link with, and has `zig cc` do it: zig brings the C library of every target,
// and glibc of any age. rustc's arguments are meant for GCC and for Apple's linker; a few of them zig does not take.

import { spawnSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const dropped = [
  // zig knows the processor from the target's name, and does these by itself.
  /^-m64$/,
  /^-Wl,--(?:no-undefined-version|eh-frame-hdr|fix-cortex-a53-843419)$/,
  /^-mmacosx-version-min=/,
  /^-liconv$/,
  // For Windows: what GCC's own C runtime would need.
  /^-l(?:mingw32|mingwex|msvcrt|gcc|ssp|ssp_nonshared|:libpthread\.a)$/,
  // What napi-rs wants linked, and looks up at run time instead.
  /^-lnode$/,
  /^-(?:nolibc|-unwindlib=none)$/,
  /^-Wl,--nxcompat$/,
]

// With the argument behind them.
const droppedPairs = ['-arch', '-isysroot', '-framework', '-exported_symbols_list', '-Wl,-exported_symbols_list']

/** rustc's arguments as zig takes them. */
export function toZig(args, target) {
  const kept = []
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]
    if (droppedPairs.includes(arg)) index++
    else if (arg === '-lgcc_s' || arg === '-lgcc_eh') {
      // Unwinding: LLVM's own library, linked in, so that nobody needs GCC's. On macOS it is in the system's.
      if (!target.includes('macos')) kept.push('-lunwind')
    } else if (/^-Wl,.*\.def$/.test(arg)) kept.push(arg.slice('-Wl,'.length))
    else if (!dropped.some((pattern) => pattern.test(arg))) kept.push(arg)
  }
  return kept
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { MEMMAP_ZIG: zig, MEMMAP_ZIG_TARGET: target } = process.env
  const args = ['cc', '-target', target, ...toZig(process.argv.slice(2), target)]
  process.exitCode = spawnSync(zig, args, { stdio: 'inherit' }).status ?? 1
}
