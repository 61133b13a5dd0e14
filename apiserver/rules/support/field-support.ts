/**
 * What becomes of a field that the API accepts. `done`: what the API says of it. `refused`: a request that sets it is answered 4xx. `fails`:
 * stored, and the node says in an event that the pod cannot run so; the API server warns beforehand. `warned`: stored without effect, and
 * the API server says so. `ignored`: stored without effect and without a word, for the reason given.
 */
export type Verdict = 'done' | 'refused' | 'fails' | 'warned' | 'ignored'

/** A verdict other than `done`. */
export interface Exception {
  is: Exclude<Verdict, 'done'>
  /** Why, and what happens: the end of a sentence that begins with the field's path. */
  why: string
  /** The values it is about; absent: whatever was set. `said` is how the table of the documentation puts it. */
  of?: { said: string; holds(value: unknown): boolean }
}

/** One definition of the schema: every field of it is in exactly one of the two. */
export interface DefinitionSupport {
  /** Names with blanks between. */
  done: string
  except?: Readonly<Record<string, Exception>>
}

/** By the definition's name within core/v1 (with its full name where it is of another package). */
export type SupportTable = Readonly<Record<string, DefinitionSupport>>

/** Exceptions of single values. */
export const equal = (value: string | boolean) => ({ said: `\`${value}\``, holds: (given: unknown) => given === value })
export const unlike = (...values: string[]) => ({
  said: `not ${values.map((value) => `\`${value}\``).join(' or ')}`,
  holds: (given: unknown) => typeof given === 'string' && !values.includes(given),
})

/** The verdict on a field, `done` for those without an exception; undefined for one that the table does not know. */
export function supportOf(table: SupportTable, definition: string, field: string): Exception | 'done' | undefined {
  const known = table[definition]
  if (!known) return undefined
  const exception = known.except && Object.hasOwn(known.except, field) ? known.except[field] : undefined
  return exception ?? (known.done.split(' ').includes(field) ? 'done' : undefined)
}

/** A definition's name as tables have it. */
export function shortName(ref: string): string {
  return ref.replace(/^io\.k8s\.api\.core\.v1\./, '')
}
