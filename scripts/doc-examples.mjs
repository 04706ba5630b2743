// Finds the examples in a page or in the doc comments of a module.

const fence = /^[ \t]*(?:\* ?)?```ts\n([\s\S]*?)^[ \t]*(?:\* ?)?```$/gm

/** Returns the fenced blocks of `ts` that import 'memmap', each with the line of its start. */
export function findExamples(file, text) {
  return [...text.matchAll(fence)]
    .filter(([, body]) => body.includes("from 'memmap'"))
    .map(({ 1: body, index }) => ({
      file,
      line: text.slice(0, index).split('\n').length,
      code: body.replace(/^[ \t]*\* ?/gm, ''),
    }))
}
