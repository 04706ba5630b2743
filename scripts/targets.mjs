// The platforms that memmap is built for, and what a binary for each must look like. `napi.targets` of package.json has
// the same eight for the release; the two `gnu` ones of Windows are what this project can link without Visual C++.

/**
 * @typedef {object} Target
 * @property {string} triple Rust's name
 * @property {string} platform the name in napi-rs's file and package names
 * @property {'elf' | 'mach-o' | 'pe'} format
 * @property {'x64' | 'arm64'} arch
 * @property {string} [zig] the name that zig links it by; without one it is linked on its own platform alone
 * @property {'glibc' | 'musl'} [libc]
 * @property {RegExp} needs what it may be linked against, each name as it stands in the binary
 */

/** The oldest glibc that the Linux binaries load on: that of RHEL 7. */
export const GLIBC_FLOOR = '2.17'

const glibc = /^(?:lib(?:c|m|dl|rt|pthread)\.so\.\d+|ld-linux-(?:x86-64|aarch64)\.so\.\d+)$/
// musl is one library, whatever name it goes by.
const musl = /^libc\.so$/
const apple = /^\/usr\/lib\/lib(?:System\.B|iconv\.2)\.dylib$/
const windows =
  /^(?:kernel32|kernelbase|ntdll|advapi32|bcrypt|bcryptprimitives|ws2_32|userenv|msvcrt|ucrtbase|synchronization|api-ms-win-[\w-]+)\.dll$/i

/** @type {readonly Target[]} */
export const targets = [
  linux('x86_64', 'x64', 'gnu'),
  linux('aarch64', 'arm64', 'gnu'),
  linux('x86_64', 'x64', 'musl'),
  linux('aarch64', 'arm64', 'musl'),
  {
    triple: 'x86_64-apple-darwin',
    platform: 'darwin-x64',
    format: 'mach-o',
    arch: 'x64',
    zig: 'x86_64-macos',
    needs: apple,
  },
  {
    triple: 'aarch64-apple-darwin',
    platform: 'darwin-arm64',
    format: 'mach-o',
    arch: 'arm64',
    zig: 'aarch64-macos',
    needs: apple,
  },
  { triple: 'x86_64-pc-windows-msvc', platform: 'win32-x64-msvc', format: 'pe', arch: 'x64', needs: windows },
  {
    triple: 'aarch64-pc-windows-msvc',
    platform: 'win32-arm64-msvc',
    format: 'pe',
    arch: 'arm64',
    needs: windows,
  },
]

/** Built to be run under wine; a release has the `msvc` ones. */
/** @type {readonly Target[]} */
export const rehearsalTargets = [
  {
    triple: 'x86_64-pc-windows-gnu',
    platform: 'win32-x64-gnu',
    format: 'pe',
    arch: 'x64',
    zig: 'x86_64-windows-gnu',
    needs: windows,
  },
  {
    triple: 'aarch64-pc-windows-gnullvm',
    platform: 'win32-arm64-gnu',
    format: 'pe',
    arch: 'arm64',
    zig: 'aarch64-windows-gnu',
    needs: windows,
  },
]

/** The target of this triple or this platform's name. */
export function findTarget(name) {
  const all = [...targets, ...rehearsalTargets]
  const found = all.find(({ triple, platform }) => triple === name || platform === name)
  if (!found) throw new Error(`No target ${name}; there is ${all.map(({ triple }) => triple).join(', ')}.`)
  return found
}

/** The name that napi-rs's loader looks for. */
export function binaryName({ platform }) {
  return `memmap.${platform}.node`
}

function linux(cpu, arch, abi) {
  return {
    triple: `${cpu}-unknown-linux-${abi}`,
    platform: `linux-${arch}-${abi}`,
    format: 'elf',
    arch,
    zig: abi === 'gnu' ? `${cpu}-linux-gnu.${GLIBC_FLOOR}` : `${cpu}-linux-musl`,
    libc: abi === 'gnu' ? 'glibc' : 'musl',
    needs: abi === 'gnu' ? glibc : musl,
  }
}
