// Which file may name what. Each rule takes a path (relative, with /) and its text, and returns what is wrong there.

// lib/ from the ground up: a file may import files of the rows before its own, and nothing else of lib/. That leaves no
// room for a cycle. A new file gets its place here.
const libRows = [
  ['base/errors', 'search/regexp/syntax-tree', 'search/regexp/char-set', 'iterate/event-loop-budget'],
  ['base/load-error', 'base/validate'],
  ['base/native'],
  ['base/constants', 'state/registry', 'search/regexp/scanner'],
  ['state/faults', 'search/regexp/char-class', 'state/array-buffers'],
  ['search/regexp/translate', 'state/mapping-state'],
  [
    'residency/advice',
    'durability/flush',
    'residency/residency',
    'growth/resize',
    'iterate/read-ahead-policy',
    'views/views',
  ],
  ['iterate/read-ahead', 'views/copy', 'lines/decode', 'open-options'],
  ['iterate/iterable', 'locks/options', 'locks/wait', 'residency/prefetch', 'search/search'],
  ['locks/file-lock', 'search/matches', 'iterate/windows'],
  ['locks/mapping-lock', 'locks/path-lock'],
  ['lines/followed-file', 'lines/delimited', 'iterate/records', 'lines/path-watcher'],
  ['lines/follow', 'lines/split'],
  ['lines/lines'],
  ['streams/range-cursor'],
  ['streams/read-stream', 'streams/web-stream', 'streams/write-stream'],
  ['map-buffer', 'memory'],
  ['lines/line-index', 'pages'],
  ['mapping'],
  ['open'],
  ['replace-file'],
  ['cli/format', 'cli/with-mapping'],
  ['cli/progress-bar'],
  ['cli/output'],
  ['cli/command', 'cli/text-reader'],
  ['cli/pattern'],
  ['cli/bench', 'cli/count', 'cli/find', 'cli/lines', 'cli/resident'],
  ['cli/run'],
  ['cli/main'],
]

const libRow = new Map(libRows.flatMap((names, row) => names.map((name) => [name, row])))

/** `core` knows no Node, `js` no system call, and only `core/sys` both calls the system and knows which one it is. */
export function checkRustLayers(file, text) {
  const code = stripComments(text)
  const breaches = []
  const forbid = (pattern, rule) => {
    const line = code.split('\n').findIndex((each) => pattern.test(each))
    if (line >= 0) breaches.push(`${file}:${line + 1}: ${rule}`)
  }
  if (file.startsWith('src/core/')) {
    forbid(/\bnapi(?:_\w+)?\b/, 'src/core never names napi')
    forbid(/\bcrate::binding\b/, 'src/core never names src/binding')
  }
  if (file.startsWith('src/binding/')) {
    forbid(/\b(?:libc|windows_sys)\b/, 'src/binding never names libc or windows-sys')
  } else if (!file.startsWith('src/core/sys/')) {
    forbid(/\b(?:libc|windows_sys)\b/, 'only src/core/sys names libc or windows-sys')
  }
  return breaches
}

/** Every `unsafe` block and `unsafe impl` has a `SAFETY:` comment directly above its statement. */
export function checkSafetyComments(file, text) {
  const lines = text.split('\n')
  const breaches = []
  for (const [index, line] of lines.entries()) {
    if (/\bunsafe\s+(?:\{|impl\b)|\bunsafe\{/.test(stripComments(line)) && !isExplained(lines, index)) {
      breaches.push(`${file}:${index + 1}: unsafe without a SAFETY: comment above it`)
    }
  }
  return breaches
}

/** index.ts imports lib/, a file of lib/ imports those below it, and lib/base/native.ts alone imports `#native`. */
export function checkTypeScriptLayers(file, text) {
  const breaches = []
  const own = libRow.get(nameOf(file))
  if (file.startsWith('lib/') && own === undefined) {
    return [`${file}: has no row in libRows of scripts/layers.mjs`]
  }
  for (const target of importsOf(text)) {
    if (target === '#native' && file !== 'lib/base/native.ts') {
      breaches.push(`${file}: only lib/base/native.ts imports #native`)
    }
    if (!target.startsWith('.')) continue
    const resolved = new URL(target, `file:///${file}`).pathname.slice(1).replace(/\.js$/, '.ts')
    if (!resolved.startsWith('lib/')) {
      breaches.push(`${file}: imports ${resolved}, which is above or beside lib/`)
    } else if (own !== undefined && !(libRow.get(nameOf(resolved)) < own)) {
      breaches.push(`${file}: imports ${resolved}, which is not below it`)
    }
  }
  return breaches
}

function nameOf(file) {
  return file.replace(/^lib\//, '').replace(/\.ts$/, '')
}

/** What a module imports or re-exports. Doc comments hold examples with imports of their own, so comments go first. */
function importsOf(text) {
  const code = stripComments(text)
  const statements = code.matchAll(/^(?:import|export)\b[^'"]*?\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]/gm)
  const calls = code.matchAll(/\b(?:import|require)\(\s*['"]([^'"]+)['"]/g)
  const created = code.matchAll(/createRequire\([^)]*\)\(\s*['"]([^'"]+)['"]/g)
  return [...statements, ...calls, ...created].map(([, first, second]) => first ?? second)
}

/** The text without comments, line for line. It does not look into string literals: a `//` in one ends the line too. */
function stripComments(text) {
  return text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, '')).replace(/\/\/.*$/gm, '')
}

/** Looks from an `unsafe` up through its own statement, attributes and comments. */
function isExplained(lines, index) {
  for (let at = index - 1; at >= 0; at--) {
    const line = lines[at].trim()
    if (line.startsWith('//')) {
      if (line.includes('SAFETY:')) return true
    } else if (line === '' || (!line.startsWith('#[') && /[;{}]$/.test(line))) {
      return false
    }
  }
  return false
}

/**
 * Every function of the system that is called must be there on every family of systems, or the library builds on one alone.
 *
 * @param {Record<string, string>} sources Rust files, by their paths
 */
export function checkSeam(sources) {
  const entries = Object.entries(sources)
  const offered = (family) => {
    const texts = entries.filter(([file]) => file.startsWith(`src/core/sys/${family}`)).map(([, text]) => text)
    return new Set(texts.flatMap((text) => [...text.matchAll(/\bpub (?:unsafe )?fn (\w+)/g)].map(([, name]) => name)))
  }
  const [common, ...families] = ['types.rs', 'unix/', 'windows/'].map(offered)
  return entries
    .filter(([file]) => !file.startsWith('src/core/sys/'))
    .flatMap(([file, text]) => [...text.matchAll(/\bsys::([a-z]\w*)\(/g)].map(([, name]) => ({ file, name })))
    .filter(
      ({ name }) =>
        !common.has(name) && families.some((names) => names.has(name)) && families.some((names) => !names.has(name)),
    )
    .map(({ file, name }) => `${file}: sys::${name} is not there on every family of systems (src/core/sys)`)
}
