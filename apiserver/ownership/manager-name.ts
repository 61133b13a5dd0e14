import { type FieldProblem, fieldProblem } from '../../shared/errors/field-error.ts'
import { byteLength } from '../../shared/selectors/label-syntax.ts'

/** Bytes of a manager's name, as upstream's FieldManagerMaxLength. */
const LONGEST = 128
const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u

/** Who is on record for a write: the `fieldManager` of the query, else the program in front of the slash of the User-Agent. */
export function managerName(fieldManager: string | null, userAgent: string | undefined): string {
  if (fieldManager) return fieldManager
  const program = (userAgent ?? '').split('/', 1)[0]!
  if (program.length <= LONGEST && /^[\x20-\x7e]+$/.test(program)) return program
  let name = ''
  for (const character of program) {
    if (unprintable.test(character)) continue
    if (byteLength(name) + byteLength(character) > LONGEST) break
    name += character
  }
  return name || 'unknown'
}

/** What is wrong with a name that a client chose. */
export function* managerProblems(name: string, path: string): Generator<FieldProblem> {
  if (byteLength(name) > LONGEST) yield fieldProblem.tooLong(path, LONGEST)
  const at = name.search(unprintable)
  if (at < 0) return
  const code = name.codePointAt(at)!.toString(16).toUpperCase().padStart(4, '0')
  yield fieldProblem.invalid(path, name, `invalid character U+${code} (at position ${byteLength(name.slice(0, at))})`)
}
