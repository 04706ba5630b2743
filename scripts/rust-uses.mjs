// Finds which Rust file uses which, and the rings among files and among folders. It resolves `use` statements and paths in
// the code, through re-exports, to the file that defines the item. It does not see methods that are called on a value.

/**
 * Returns for each file the files whose items it names. Code under `#[cfg(test)]` does not count.
 *
 * @param {Record<string, string>} sources Rust files, by their paths, which begin with `src/`
 * @returns {Map<string, Set<string>>}
 */
export function rustUses(sources) {
  const modules = readModules(sources)
  const uses = new Map()
  for (const module of modules.values()) {
    const targets = new Set()
    const paths = [...module.bindings.map(({ path }) => path), ...inlinePaths(module.code)]
    for (const path of paths) {
      for (const file of resolve(modules, module, path, module.file) ?? []) targets.add(file)
    }
    targets.delete(module.file)
    uses.set(module.file, targets)
  }
  return uses
}

/**
 * Names each ring of uses: among files, and in each folder among the files and folders directly in it.
 *
 * @param {Map<string, Set<string>>} uses
 */
export function findRings(uses) {
  const rings = ringsOf(uses).map(({ ring, size }) => `ring among ${size} files: ${ring.join(' -> ')}`)
  const folders = new Set()
  for (const file of uses.keys()) {
    const parts = file.split('/')
    for (let depth = 2; depth < parts.length; depth++) folders.add(parts.slice(0, depth).join('/'))
  }
  for (const folder of [...folders].toSorted()) {
    const within = childUses(uses, folder)
    for (const { ring } of ringsOf(within)) {
      if (!ring.every((child) => uses.has(child))) rings.push(`ring of folders: ${ring.join(' -> ')}`)
    }
  }
  return rings
}

/** Returns the uses among the files and folders directly in a folder. */
export function childUses(uses, folder) {
  const childOf = (file) => {
    const rest = file.slice(folder.length + 1).split('/')
    return file.startsWith(`${folder}/`) ? `${folder}/${rest[0]}` : undefined
  }
  const result = new Map()
  for (const [file, targets] of uses) {
    const from = childOf(file)
    if (from === undefined) continue
    if (!result.has(from)) result.set(from, new Set())
    for (const target of targets) {
      const to = childOf(target)
      if (to !== undefined && to !== from) result.get(from).add(to)
    }
  }
  return result
}

/**
 * Returns each group whose members all reach each other: its size, and one ring in it with the first member repeated at the end.
 *
 * @param {Map<string, Set<string>>} graph
 */
export function ringsOf(graph) {
  const reach = new Map([...graph.keys()].map((node) => [node, reachable(graph, node)]))
  const seen = new Set()
  const rings = []
  for (const node of [...graph.keys()].toSorted()) {
    if (seen.has(node) || !reach.get(node).has(node)) continue
    const group = [...reach.get(node)].filter((other) => reach.get(other)?.has(node))
    for (const other of group) seen.add(other)
    rings.push({ size: group.length, ring: shortestRing(graph, node) })
  }
  return rings
}

function reachable(graph, start) {
  const found = new Set()
  const queue = [start]
  while (queue.length > 0) {
    for (const next of graph.get(queue.pop()) ?? []) {
      if (!found.has(next)) {
        found.add(next)
        queue.push(next)
      }
    }
  }
  return found
}

function shortestRing(graph, start) {
  const before = new Map()
  const queue = [start]
  for (const node of queue) {
    for (const next of graph.get(node) ?? []) {
      if (next === start) {
        const ring = [start]
        for (let at = node; at !== start; at = before.get(at)) ring.unshift(at)
        return [start, ...ring]
      }
      if (!before.has(next)) {
        before.set(next, node)
        queue.push(next)
      }
    }
  }
  return []
}

function readModules(sources) {
  const modules = new Map()
  const tests = []
  for (const [file, text] of Object.entries(sources)) {
    const { code, testModules } = stripTests(stripLiterals(text))
    const path = file
      .replace(/^src\//, '')
      .replace(/(?:^|\/)(?:mod|lib)\.rs$|\.rs$/, '')
      .split('/')
      .filter(Boolean)
    tests.push(...testModules.map((name) => [...path, name].join('::')))
    modules.set(path.join('::'), { file, path, code, bindings: useBindings(code), defines: definitions(code) })
  }
  for (const key of modules.keys()) {
    if (tests.some((test) => key === test || key.startsWith(`${test}::`))) modules.delete(key)
  }
  return modules
}

/** Empties comments and strings, which may contain anything. */
function stripLiterals(text) {
  return text.replace(
    /\/\/.*|\/\*[\s\S]*?\*\/|\bb?r(#*)"[\s\S]*?"\1|b?"(?:\\[\s\S]|[^"\\])*"|b?'(?:\\[^']+|[^'\\])'/g,
    (literal) => (literal.startsWith('/') ? '' : '""'),
  )
}

/** Removes every item under `#[cfg(test)]`, and names the modules among them that have files of their own. */
function stripTests(text) {
  const testModules = []
  const attribute = /#\[cfg\((?:test\b|all\(test\b)[^\]]*\]/
  let code = text
  for (let found = attribute.exec(code); found; found = attribute.exec(code)) {
    const start = found.index
    const item = start + found[0].length
    const end = endOfItem(code, item)
    const module = /^\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;/.exec(code.slice(item, end))
    if (module) testModules.push(module[1])
    code = code.slice(0, start) + code.slice(end)
  }
  return { code, testModules }
}

function endOfItem(code, start) {
  let depth = 0
  for (let at = start; at < code.length; at++) {
    if ('{(['.includes(code[at])) depth++
    if ('})]'.includes(code[at])) depth--
    if (depth === 0 && code[at] === '}' && !/^\s*;/.test(code.slice(at + 1))) return at + 1
    if (depth === 0 && code[at] === ';') return at + 1
    if (depth < 0) return at
  }
  return code.length
}

/** Returns what `use` brings in: `{ name, path, isPublic }`, where the name of a glob is `*`. */
function useBindings(code) {
  const statements = code.matchAll(/(?<![\w:])(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);/g)
  return [...statements].flatMap(([, isPublic, tree]) =>
    expandTree(tree.replace(/\s+/g, ' ').trim(), []).map(({ name, path }) => ({
      name,
      path,
      isPublic: Boolean(isPublic),
    })),
  )
}

function expandTree(tree, prefix) {
  const open = tree.indexOf('{')
  if (open >= 0) {
    const base = [
      ...prefix,
      ...tree
        .slice(0, open)
        .split('::')
        .filter((part) => part.trim()),
    ].map((part) => part.trim())
    return splitTrees(tree.slice(open + 1, tree.lastIndexOf('}'))).flatMap((each) => expandTree(each, base))
  }
  const [spelled, alias] = tree.split(' as ').map((part) => part.trim())
  let path = [...prefix, ...spelled.split('::').filter(Boolean)]
  if (path.at(-1) === 'self' && path.length > 1) path = path.slice(0, -1)
  const name = alias ?? path.at(-1)
  return path.length === 0 ? [] : [{ name, path }]
}

function splitTrees(text) {
  const parts = []
  let depth = 0
  let part = ''
  for (const char of `${text},`) {
    if (char === '{') depth++
    if (char === '}') depth--
    if (char === ',' && depth === 0) {
      if (part.trim()) parts.push(part.trim())
      part = ''
    } else {
      part += char
    }
  }
  return parts
}

/** Returns the names of the items of a module, which rustfmt begins at the first column, and whether each is public. */
function definitions(code) {
  const items = code.matchAll(
    /^(pub(?:\([^)]*\))?\s+)?(?:(?:const|unsafe|async|extern ""|static)\s+)*(?:fn|struct|enum|union|trait|type|const|static|macro_rules!)\s+(?:mut\s+)?(\w+)/gm,
  )
  const names = new Map()
  for (const [, isPublic, name] of items) names.set(name, names.get(name) || Boolean(isPublic))
  return names
}

function inlinePaths(code) {
  const withoutUses = code.replace(/(?<![\w:])use\s+[^;]+;/g, '')
  return [...withoutUses.matchAll(/(?<![\w:])\w+(?:::\w+)+/g)].map(([path]) => path.split('::'))
}

/** Returns the files that define what a path names, seen from a module; nothing for other crates. */
function resolve(modules, module, path, user, seen = new Set()) {
  const [first, ...rest] = path
  if (first === 'crate') return find(modules, modules.get(''), rest, user, seen)
  if (first === 'self') return find(modules, module, rest, user, seen)
  if (first === 'super') return fromParent(modules, module, rest, user, seen)
  return find(modules, module, path, user, seen, true)
}

function fromParent(modules, module, path, user, seen) {
  const parent = modules.get(module.path.slice(0, -1).join('::'))
  if (path[0] === 'super' && parent) return fromParent(modules, parent, path.slice(1), user, seen)
  return find(modules, parent, path, user, seen)
}

/** `isLocal`: the path may begin with the name of another crate, and then names nothing here. */
function find(modules, module, path, user, seen, isLocal = false) {
  if (!module) return undefined
  const [name, ...rest] = path
  if (name === undefined || name === '*') return [module.file]
  const child = modules.get([...module.path, name].join('::'))
  if (child) return isOtherFamily(child, user) ? undefined : find(modules, child, rest, user, seen)
  if (module.defines.has(name)) return [module.file]
  // A glob may lead back to the module that is searched.
  const key = `${module.file} ${path.join('::')}`
  if (seen.has(key)) return undefined
  const found = findImported(modules, module, path, user, new Set([...seen, key]))
  return found ?? (isLocal ? undefined : [module.file])
}

function findImported(modules, module, path, user, seen) {
  const [name, ...rest] = path
  const binding = module.bindings.find((each) => each.name === name)
  if (binding) return resolve(modules, module, [...binding.path, ...rest], user, seen)
  const found = module.bindings
    .filter((each) => each.name === '*')
    .flatMap(({ path: glob }) => modulesAt(modules, module, glob.slice(0, -1), user, seen))
    .flatMap((each) => findStrictly(modules, each, path, user, seen))
  return found.length > 0 ? found : undefined
}

/** Like `find` for a glob: sees public names only, and a name that the module does not have leads to no file. */
function findStrictly(modules, module, path, user, seen) {
  if (isOtherFamily(module, user)) return []
  const [name] = path
  const isHere =
    module.defines.get(name) ||
    module.bindings.some((each) => each.isPublic && each.name === name) ||
    modules.has([...module.path, name].join('::'))
  if (isHere) return find(modules, module, path, user, seen) ?? []
  const key = `${module.file} ${path.join('::')}`
  return seen.has(key) ? [] : (findImported(modules, module, path, user, new Set([...seen, key])) ?? [])
}

function modulesAt(modules, module, path, user, seen) {
  const files = resolve(modules, module, path, user, seen) ?? []
  return [...modules.values()].filter(({ file }) => files.includes(file))
}

/** A file of one family of systems is never compiled together with one of the other. */
function isOtherFamily(module, user) {
  const [own, other] = [familyOf(user), familyOf(module.file)]
  return own !== undefined && other !== undefined && own !== other
}

function familyOf(file) {
  return /\/sys\/(unix|windows)\//.exec(file)?.[1]
}
