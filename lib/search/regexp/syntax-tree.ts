/**
 * The syntax tree of a regular expression, and its output in the syntax of the `regex` crate.
 *
 * Both engines take the first way to match in the order of preference that the expression states, and so find the same, but
 * for one rule of JavaScript's: a further round of a loop must not be empty. `(|a)*` matches all of `aa` there, and nothing of
 * it here. So such a loop is written as one over what is left of its body when the empty ways through it are gone.
 */

export type Node =
  /** One character. `text` is what is written for it. */
  | { readonly type: 'char'; readonly text: string }
  /** A condition on an offset, such as `^`. */
  | { readonly type: 'look'; readonly text: string }
  | { readonly type: 'sequence'; readonly parts: readonly Node[] }
  | { readonly type: 'choice'; readonly options: readonly Node[] }
  | Loop

interface Loop {
  readonly type: 'loop'
  readonly body: Node
  readonly least: number
  /** May be Infinity. */
  readonly most: number
  readonly isLazy: boolean
}

/** A way through a part of the tree, or several that go together: all of them consume something, or none does. */
interface Way {
  readonly isEmpty: boolean
  readonly node: Node
}

// Removing the empty ways from nested loops multiplies the nodes. Expressions in practice stay far below this limit.
const MAX_WAYS = 200

/** Thrown by `loop` and `writeNode`. */
export class TooComplex extends Error {}

export function sequence(parts: readonly Node[]): Node {
  const [only] = parts
  return parts.length === 1 && only !== undefined ? only : { type: 'sequence', parts }
}

export function choice(options: readonly Node[]): Node {
  const [only] = options
  return options.length === 1 && only !== undefined ? only : { type: 'choice', options }
}

export function loop(body: Node, least: number, most: number, isLazy: boolean): Node {
  const asIs: Loop = { type: 'loop', body, least, most, isLazy }
  if (least === most || !canBeEmpty(body)) return asIs
  const further = waysOf(body).filter((way) => !way.isEmpty)
  if (further.length === 0) return { ...asIs, most: least }
  const rest: Loop = { ...asIs, body: choice(further.map((way) => way.node)), least: 0, most: most - least }
  return sequence(least === 0 ? [rest] : [{ ...asIs, most: least }, rest])
}

function canBeEmpty(node: Node): boolean {
  switch (node.type) {
    case 'char':
      return false
    case 'look':
      return true
    case 'sequence':
      return node.parts.every(canBeEmpty)
    case 'choice':
      return node.options.some(canBeEmpty)
    case 'loop':
      return node.least === 0 || canBeEmpty(node.body)
  }
}

/** Returns all ways through a node, in the order of preference. */
function waysOf(node: Node): Way[] {
  if (!canBeEmpty(node)) return [{ isEmpty: false, node }]
  switch (node.type) {
    case 'char':
    case 'look':
      return [{ isEmpty: true, node }]
    case 'sequence':
      return waysThrough(node.parts)
    case 'choice':
      return checked(node.options.flatMap(waysOf))
    case 'loop':
      return waysOfLoop(node)
  }
}

/** Where a way through the first part is not empty, the others may go any way; else those ways are told apart too. */
function waysThrough(parts: readonly Node[]): Way[] {
  const [first, ...others] = parts
  if (first === undefined) return [{ isEmpty: true, node: sequence([]) }]
  let rest: Way[] | undefined
  return checked(
    waysOf(first).flatMap((way): Way[] => {
      if (!way.isEmpty) return [{ isEmpty: false, node: sequence([way.node, ...others]) }]
      rest ??= waysThrough(others)
      return rest.map((next) => ({ isEmpty: next.isEmpty, node: sequence([way.node, next.node]) }))
    }),
  )
}

// Its body can't be empty, unless it goes round a fixed number of times.
function waysOfLoop(node: Loop): Way[] {
  const { body, least, most, isLazy } = node
  if (most === 0) return [{ isEmpty: true, node: sequence([]) }]
  if (least === most) {
    if (least > MAX_WAYS) throw new TooComplex()
    return waysThrough(Array.from({ length: least }, () => body))
  }
  const none: Way = { isEmpty: true, node: sequence([]) }
  const some: Way = { isEmpty: false, node: { ...node, least: 1 } }
  return isLazy ? [none, some] : [some, none]
}

function hasOneWay(node: Node): boolean {
  switch (node.type) {
    case 'char':
    case 'look':
      return true
    case 'sequence':
      return node.parts.every(hasOneWay)
    case 'choice':
      return false
    case 'loop':
      return node.least === node.most && hasOneWay(node.body)
  }
}

function checked(ways: Way[]): Way[] {
  if (ways.length > MAX_WAYS) throw new TooComplex()
  return ways
}

/** Writes a tree of up to `most` parts in the syntax of the `regex` crate. */
export function writeNode(root: Node, most: number): string {
  let count = 0
  return write(root)

  function write(node: Node): string {
    if (++count > most) throw new TooComplex()
    switch (node.type) {
      case 'char':
      case 'look':
        return node.text
      case 'sequence':
        return node.parts.map((part) => (part.type === 'choice' ? group(part) : write(part))).join('')
      case 'choice':
        return node.options.map((option, index) => (index === 0 ? writeFirst(option) : write(option))).join('|')
      case 'loop':
        return writeLoop(node)
    }
  }

  // The crate makes `x*(?:a|b)` of `x*a|x*b`, which prefers a longer `x*` to `a`. It does not look into groups that capture.
  // See https://github.com/rust-lang/regex/issues/1360
  function writeFirst(option: Node): string {
    return hasOneWay(option) ? write(option) : `(${write(option)})`
  }

  function writeLoop({ body, least, most: limit, isLazy }: Loop): string {
    if (limit === 0) return ''
    if (least === 1 && limit === 1) return group(body)
    const times = least === limit ? `{${least}}` : `{${least},${limit === Infinity ? '' : limit}}`
    return `${body.type === 'char' ? write(body) : group(body)}${times}${isLazy ? '?' : ''}`
  }

  function group(node: Node): string {
    return `(?:${write(node)})`
  }
}
