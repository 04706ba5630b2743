// The platforms that memmap is built for, and the rules for a binary of each. `napi.targets` in package.json has the same eight
// platforms of a release. The two `gnu` platforms of Windows can be linked without Visual C++.

/**
 * @typedef {object} Target
 * @property {string} triple the name in Rust
 * @property {string} platform the name in the files and packages of napi-rs
 * @property {'elf' | 'mach-o' | 'pe'} format
 * @property {'x64' | 'arm64'} arch
 * @property {string} [zig] the name in zig; without one the target is linked only on its own platform
 * @property {'glibc' | 'musl'} [libc]
 * @property {RegExp} needs the names of the libraries that it may be linked against, as in the binary
 */

/** The oldest glibc that the Linux binaries load on, which is that of RHEL 7. */
export const GLIBC_FLOOR = '2.17'

const glibc = /^(?:lib(?:c|m|dl|rt|pthread)\.so\.\d+|ld-linux-(?:x86-64|aarch64)\.so\.\d+)$/
// musl is a single library.
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

/**
 * Targets for runs under wine. A release has the `msvc` targets.
 *
 * @type {readonly Target[]}
 */
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

/** Returns the target with this triple or platform name. */
export function findTarget(name) {
  const all = [...targets, ...rehearsalTargets]
  const found = all.find(({ triple, platform }) => triple === name || platform === name)
  if (!found) throw new Error(`No target ${name}; the targets are ${all.map(({ triple }) => triple).join(', ')}`)
  return found
}

/** Returns the file name that the loader of napi-rs looks for. */
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
