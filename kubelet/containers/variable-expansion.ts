import { inputLimits } from '../../shared/limits/input-limits.ts'
import { RuntimeError } from '../runtime/container-runtime.ts'

/**
 * Replaces `$(NAME)` by the variable's value; `$$` is a plain dollar, so `$$(NAME)` stays text. A name nobody knows, and anything that is
 * no reference, is left as it stands.
 * @throws RuntimeError CreateContainerConfigError for a text that becomes longer than any program is given: variables that repeat variables
 * that repeat variables grow without end
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  let size = text.length
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (match, name: string | undefined) => {
    if (name === undefined) return '$'
    const value = lookup(name)
    if (value === undefined) return match
    size += value.length - match.length
    const most = inputLimits.programTextCharacters
    if (size > most) throw new RuntimeError('CreateContainerConfigError', `a text with references becomes longer than ${most} characters`)
    return value
  })
}

/**
 * Adds up what a program is to be given.
 * @returns a counter, which throws a RuntimeError CreateContainerConfigError when it is more than any program can be
 */
export function programBudget(what: string): (characters: number) => void {
  const most = inputLimits.programCharacters
  let left: number = most
  return (characters) => {
    left -= characters
    if (left < 0) throw new RuntimeError('CreateContainerConfigError', `the ${what} come to more than ${most} characters`)
  }
}
