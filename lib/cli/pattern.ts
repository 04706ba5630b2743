/**
 * What was typed on the command line, as something to search for.
 */
import { type Given, UsageError } from './command.js'

/** A word by its bytes, or a regular expression in which lines begin and end, as they do for `grep`. */
export function patternOf(word: string, given: Given): string | RegExp {
  if (word === '') throw new UsageError('what is searched for must not be empty')
  const isExpression = given.is('regexp')
  if (!isExpression && !given.is('ignore-case')) return word
  const source = isExpression ? word : word.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)
  try {
    return new RegExp(source, given.is('ignore-case') ? 'imu' : 'mu')
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
