#!/usr/bin/env node
// The linker that rustc calls: it runs `zig cc`. zig includes the C library of every target, and every version of glibc. rustc writes
// arguments for GCC and for the linker of Apple; a few of them have to be changed for zig.

import { spawnSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const dropped = [
  // zig knows the processor from the name of the target, and sets these itself.
  /^-m64$/,
  /^-Wl,--(?:no-undefined-version|eh-frame-hdr|fix-cortex-a53-843419)$/,
  /^-mmacosx-version-min=/,
  /^-liconv$/,
  // For Windows: libraries that the C runtime of GCC would need.
  /^-l(?:mingw32|mingwex|msvcrt|gcc|ssp|ssp_nonshared|:libpthread\.a)$/,
  // napi-rs asks for it, although it looks the functions up at run time.
  /^-lnode$/,
  /^-(?:nolibc|-unwindlib=none)$/,
  /^-Wl,--nxcompat$/,
]

// Dropped together with the next argument.
const droppedPairs = ['-arch', '-isysroot', '-framework', '-exported_symbols_list', '-Wl,-exported_symbols_list']

/** Translates the arguments of rustc for zig. */
export function toZig(args, target) {
  const kept = []
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]
    if (droppedPairs.includes(arg)) index++
    else if (arg === '-lgcc_s' || arg === '-lgcc_eh') {
      // The unwinding library of LLVM is linked in, so that no library of GCC is needed. On macOS the system library has it.
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
