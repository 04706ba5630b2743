/**
 * Why there is no native binary, in words that say what to do. Nothing here loads one: `native.ts` does.
 */
import { createRequire } from 'node:module'
import { memmapError, type MemmapError } from './errors.js'

/** The platforms that a release has a package for, `memmap-NAME` each; `napi.targets` of package.json, in npm's names. */
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

/** What is known when nothing could be loaded. */
export interface Circumstances {
  readonly platform: string
  readonly arch: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** What the loader tried and got, in its order. */
  readonly attempts: readonly string[]
  /** Which platforms' packages can be found from here. */
  readonly installed: readonly string[]
}

/** The error for a failed load. `failure` is what the generated loader threw, with one error a try in its chain of causes. */
export function noBinary(failure: unknown): MemmapError {
  const { platform, arch, env } = process
  const attempts = attemptsOf(failure)
  return memmapError('ERR_MEMMAP_NO_BINARY', explain({ platform, arch, env, attempts, installed: installed() }), {
    cause: failure,
  })
}

/** What happened, what was tried and what to do. */
export function explain(circumstances: Circumstances): string {
  const { platform, arch, attempts } = circumstances
  const wanted = wantedPlatform(attempts) ?? `${platform}-${arch}`
  const tried = attempts.map((attempt) => `\n  - ${attempt}`).join('')
  return `No native binary of memmap could be loaded on ${wanted}. ${whatToDo(wanted, circumstances)}${
    tried === '' ? '' : `\nTried:${tried}`
  }`
}

/**
 * One line for each try, oldest first. The generated loader always looks for a WASI build too, which does not exist. Where
 * it was the loader that failed, it says so itself.
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

// From the most particular to the most general: what holds first is what to do.
function whatToDo(wanted: string, { arch, env, attempts, installed: found }: Circumstances): string {
  const override = env['NAPI_RS_NATIVE_LIBRARY_PATH']
  if (override) {
    return `The environment variable NAPI_RS_NATIVE_LIBRARY_PATH asks for ${override} instead of the installed one: unset it, or correct it.`
  }
  if (env['NAPI_RS_FORCE_WASI'] === 'error' || env['NAPI_RS_WASI_FLAVOR']) {
    return 'An environment variable (NAPI_RS_FORCE_WASI or NAPI_RS_WASI_FLAVOR) asks for a WebAssembly build, and there is none: unset it.'
  }
  if (wantedPlatform(attempts) === undefined && PLATFORMS.some((name) => `${name}-`.startsWith(`${wanted}-`))) {
    return `The loader that comes with memmap did not look for it. ${again}`
  }
  if (!PLATFORMS.includes(wanted)) {
    const reason = ['arm', 'ia32', 'mips', 'mipsel', 'ppc', 's390'].includes(arch)
      ? '32-bit systems are left out on purpose: their address space is too small'
      : 'There is none for this platform'
    return `${reason}. Binaries exist for ${PLATFORMS.join(', ')}; for another one, build it with "npm run build:native" in a clone of the repository.`
  }
  if (found.includes(wanted)) {
    const reason = attempts.findLast((attempt) => !isNotFound(attempt))
    if (reason === undefined) {
      return `The package memmap-${wanted} is installed, but its binary is not in it. ${again}`
    }
    return `The package memmap-${wanted} is installed, but the system refused its binary (${reason}). ${refused(reason)}`
  }
  const others = found.filter((name) => name !== wanted).map((name) => `memmap-${name}`)
  const other = others.length === 0 ? '' : ` (${others.join(', ')} is, for another platform)`
  const [os = '', cpu = '', abi = ''] = wanted.split('-')
  const libc = abi === 'musl' || abi === 'gnu' ? ` --libc=${abi === 'gnu' ? 'glibc' : abi}` : ''
  return (
    `The package memmap-${wanted}, an optional dependency, is not installed${other}. It is missing after an install ` +
    'with --omit=optional, or when node_modules or a lock file came from another platform: delete both, and run ' +
    `"npm install" here. To install for this platform on another one: "npm install --os=${os} --cpu=${cpu}${libc}".`
  )
}

const again = 'Delete node_modules, and run "npm install" here.'

function refused(reason: string): string {
  const glibc = /GLIBC_([\d.]+)/.exec(reason)
  if (glibc) return `It needs glibc ${glibc[1]} or newer, and this system has an older one.`
  return `It may be damaged, or made for another C library. ${again}`
}

/** The name that the loader looked for: it knows which C library runs here. The last one, since it goes from rare to usual. */
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
