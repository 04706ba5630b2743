// What the specs find different on Bun and Deno, by spec and title. docs/platforms.md tells it to users.

/** Specs about Node, or about this repository's tools. */
export const aboutNode = {
  binary: 'how the loader fails is about the package, whatever runs it',
  docs: 'the examples are run by Node',
}

export const differences = {
  bun: {},
  deno: {},
}
