/** What is wrong with an extender's answer; the message names where. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError'
}

type Fields = ReadonlyMap<string, unknown>

/** Fields of an object, whatever the case of their names: Go's readers take any, and extenders in other languages write any. */
export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new AnswerError(`${what} is no object`)
  return new Map(Object.entries(value).map(([name, field]) => [name.toLowerCase(), field]))
}

/** Absent and null are the same. */
export function listIn(fields: Fields, name: string): readonly unknown[] | undefined {
  const value = fields.get(name.toLowerCase())
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value)) throw new AnswerError(`${name} is no list`)
  return value
}

export function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new AnswerError(`${what} is no text`)
  return value
}

/** Texts by the names of nodes. */
export function textsIn(fields: Fields, name: string): ReadonlyMap<string, string> {
  const value = fields.get(name.toLowerCase())
  if (value === undefined || value === null) return new Map()
  if (typeof value !== 'object' || Array.isArray(value)) throw new AnswerError(`${name} is no object`)
  return new Map(Object.entries(value).map(([node, reason]) => [node, textOf(reason, `${name}[${JSON.stringify(node)}]`)]))
}

/** Extenders report their failures in an answer of success. @throws AnswerError with their words */
export function throwIfFailed(fields: Fields): void {
  const error = fields.get('error')
  if (typeof error === 'string' && error !== '') throw new AnswerError(error)
}
