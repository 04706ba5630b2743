// Finds the examples of a page, or of a module's doc comments.

const fence = /^[ \t]*(?:\* ?)?```ts\n([\s\S]*?)^[ \t]*(?:\* ?)?```$/gm

/** The fenced blocks of `ts` that import 'memmap', each with the line that it begins at. */
export function findExamples(file, text) {
  return [...text.matchAll(fence)]
    .filter(([, body]) => body.includes("from 'memmap'"))
    .map(({ 1: body, index }) => ({
      file,
      line: text.slice(0, index).split('\n').length,
      code: body.replace(/^[ \t]*\* ?/gm, ''),
    }))
}
