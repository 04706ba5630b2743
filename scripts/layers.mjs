// Which file may name what. Each rule takes a path (relative, with /) and its text, and returns what is wrong there.

// The folders of lib/, and the files directly in it, from the ground up. A file may import its own folder and the rows above
// its row in this list, and nothing else of lib/: folders never import each other in a ring. Rings of files within a folder are
// found by oxlint (import/no-cycle).
const libRows = [
  ['base'],
  ['state', 'search/regexp'],
  ['views', 'durability', 'growth'],
  ['residency', 'iterate'],
  ['search', 'streams', 'open-options'],
  ['locks', 'lines'],
  ['mapping'],
  ['open', 'map-buffer'],
  ['replace-file', 'cli'],
]

const libRow = new Map(libRows.flatMap((units, row) => units.map((unit) => [unit, row])))

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

/** index.ts imports lib/, a file of lib/ imports its own folder and lower rows, lib/base/native.ts alone imports `#native`. */
export function checkTypeScriptLayers(file, text) {
  const breaches = []
  const own = unitOf(file)
  if (file.startsWith('lib/') && !libRow.has(own)) {
    return [`${file}: ${own} has no row in libRows of scripts/layers.mjs`]
  }
  for (const target of importsOf(text)) {
    if (target === '#native' && file !== 'lib/base/native.ts') {
      breaches.push(`${file}: only lib/base/native.ts imports #native`)
    }
    if (!target.startsWith('.')) continue
    const resolved = new URL(target, `file:///${file}`).pathname.slice(1).replace(/\.js$/, '.ts')
    if (!resolved.startsWith('lib/')) {
      breaches.push(`${file}: imports ${resolved}, which is above or beside lib/`)
    } else if (
      file.startsWith('lib/') &&
      unitOf(resolved) !== own &&
      !(libRow.get(unitOf(resolved)) < libRow.get(own))
    ) {
      breaches.push(`${file}: imports ${resolved}, which is not below it`)
    }
  }
  return breaches
}

/** The entry of `libRows` that a path of lib/ belongs to: its folder, or the name of a file directly in lib/. */
function unitOf(file) {
  const inLib = file.replace(/^lib\//, '').replace(/\.ts$/, '')
  return inLib.includes('/') ? inLib.slice(0, inLib.lastIndexOf('/')) : inLib
}

/** What a module imports or re-exports. Doc comments hold examples with imports of their own, so comments go first. */
export function importsOf(text) {
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
