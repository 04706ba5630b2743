/**
 * The error for a native binary that could not be loaded. Its message says what was tried, and what to do. `native.ts` does the
 * loading itself.
 */
import { createRequire } from 'node:module'
import { memmapError, type MemmapError } from './errors.js'

/** The platforms that a release has a package `memmap-NAME` for: `napi.targets` of package.json, in npm's names. */
export const PLATFORMS = Object.freeze([
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
  'win32-arm64-msvc',
])

/** The facts about a failed load from which the message is made. */
export interface Circumstances {
  readonly platform: string
  readonly arch: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** The message of each attempt of the loader, oldest first. */
  readonly attempts: readonly string[]
  /** The platforms whose packages are installed where this module can find them. */
  readonly installed: readonly string[]
}

/**
 * Makes the error for a failed load. `failure` is the error that the generated loader threw; its chain of causes has one error
 * for each attempt.
 */
export function noBinary(failure: unknown): MemmapError {
  const { platform, arch, env } = process
  const attempts = attemptsOf(failure)
  return memmapError('ERR_MEMMAP_NO_BINARY', explain({ platform, arch, env, attempts, installed: installed() }), {
    cause: failure,
  })
}

/** Returns the message: what happened, what to do, and what was tried. */
export function explain(circumstances: Circumstances): string {
  const { platform, arch, attempts } = circumstances
  const wanted = wantedPlatform(attempts) ?? `${platform}-${arch}`
  const tried = attempts.map((attempt) => `\n  - ${attempt}`).join('')
  return `No native binary of memmap could be loaded on ${wanted}. ${advise(wanted, circumstances)}${
    tried === '' ? '' : `\nTried:${tried}`
  }`
}

/**
 * Returns the message of each attempt, oldest first. Leaves out the attempts to find a WASI build: the generated loader always
 * makes them, and no such build exists. If there was no attempt, because the loader itself failed, returns its own message.
 */
export function attemptsOf(failure: unknown): string[] {
  const lines: string[] = []
  const seen = new Set<unknown>()
  for (let error = causeOf(failure); error !== undefined && !seen.has(error); error = causeOf(error)) {
    seen.add(error)
    const [line = ''] = messageOf(error).split('\n')
    if (!/wasi/i.test(line)) lines.unshift(line)
  }
  if (seen.size === 0 && failure instanceof Error) return messageOf(failure).split('\n').slice(0, 1)
  return lines
}

// The causes are checked from the most specific to the most general; the first that applies decides the advice.
function advise(wanted: string, { arch, env, attempts, installed: found }: Circumstances): string {
  const override = env['NAPI_RS_NATIVE_LIBRARY_PATH']
  if (override) {
    return `The environment variable NAPI_RS_NATIVE_LIBRARY_PATH selects ${override} in place of the installed binary: unset the variable, or correct it.`
  }
  if (env['NAPI_RS_FORCE_WASI'] === 'error' || env['NAPI_RS_WASI_FLAVOR']) {
    return 'An environment variable (NAPI_RS_FORCE_WASI or NAPI_RS_WASI_FLAVOR) selects a WebAssembly build, which does not exist: unset the variable.'
  }
  if (wantedPlatform(attempts) === undefined && PLATFORMS.some((name) => `${name}-`.startsWith(`${wanted}-`))) {
    return `The loader that memmap installs did not look for this platform. ${again}`
  }
  if (!PLATFORMS.includes(wanted)) {
    const reason = ['arm', 'ia32', 'mips', 'mipsel', 'ppc', 's390'].includes(arch)
      ? 'memmap does not support 32-bit systems, whose address space is too small'
      : 'No release has a binary for this platform'
    return `${reason}. Binaries exist for ${PLATFORMS.join(', ')}; for any other platform, run "npm run build:native" in a clone of the repository.`
  }
  if (found.includes(wanted)) {
    const reason = attempts.findLast((attempt) => !isNotFound(attempt))
    if (reason === undefined) {
      return `The package memmap-${wanted} is installed, but it contains no binary. ${again}`
    }
    return `The package memmap-${wanted} is installed, but the system could not load its binary (${reason}). ${refused(reason)}`
  }
  const others = found.filter((name) => name !== wanted).map((name) => `memmap-${name}`)
  const other = others.length === 0 ? '' : ` (${others.join(', ')} is installed, for another platform)`
  const [os = '', cpu = '', abi = ''] = wanted.split('-')
  const libc = abi === 'musl' || abi === 'gnu' ? ` --libc=${abi === 'gnu' ? 'glibc' : abi}` : ''
  return (
    `The package memmap-${wanted}, an optional dependency, is not installed${other}. Possible causes are an install with ` +
    '--omit=optional, and node_modules or a lock file from another platform: delete both, and run "npm install" on this ' +
    `machine. To install for this platform on another machine, run "npm install --os=${os} --cpu=${cpu}${libc}".`
  )
}

const again = 'Delete node_modules, and run "npm install" on this machine.'

function refused(reason: string): string {
  const glibc = /GLIBC_([\d.]+)/.exec(reason)
  if (glibc) return `It needs glibc ${glibc[1]} or newer; this system has an older version.`
  return `The binary may be damaged, or built for another C library. ${again}`
}

// Returns the platform that the loader looked for. The loader knows which C library is in use. The last name counts, since the
// loader tries unusual platforms first.
function wantedPlatform(attempts: readonly string[]): string | undefined {
  const names = attempts.flatMap((attempt) =>
    [...attempt.matchAll(/\bmemmap[.-]((?:linux|darwin|win32|freebsd|android|openharmony)-[a-z\d-]+)/g)].map(
      ([, name]) => name,
    ),
  )
  return names.at(-1)
}

function isNotFound(attempt: string): boolean {
  return /^(?:\[[^\]]*\] )?Cannot find (?:module|package)/.test(attempt)
}

function installed(): string[] {
  const { resolve } = createRequire(import.meta.url)
  return PLATFORMS.filter((name) => {
    try {
      return resolve(`memmap-${name}/package.json`) !== ''
    } catch {
      return false
    }
  })
}

function causeOf(error: unknown): unknown {
  return (error instanceof Error ? error.cause : undefined) ?? undefined
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
