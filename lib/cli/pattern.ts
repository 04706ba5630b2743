/**
 * Makes needles of the words on the command line.
 */
import { type Given, UsageError } from './command.js'

/** Returns a word as a string, or as a regular expression in which `^` and `$` match at line ends, as in `grep`. */
export function patternOf(word: string, given: Given): string | RegExp {
  if (word === '') throw new UsageError('The word or pattern must not be empty')
  const isExpression = given.is('regexp')
  if (!isExpression && !given.is('ignore-case')) return word
  const source = isExpression ? word : word.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)
  try {
    return new RegExp(source, given.is('ignore-case') ? 'imu' : 'mu')
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
