import { inputLimits } from '../../shared/limits/input-limits.ts'

/** One row of an APIResourceList, as far as it is told on. */
export interface RemoteResource {
  /** A plural, or `plural/subresource`. */
  readonly name: string
  readonly singularName: string
  readonly namespaced: boolean
  readonly kind: string
  /** Of the kind, where it is not the list's. */
  readonly group?: string
  readonly version?: string
  readonly verbs: readonly string[]
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
}

/** More than any server has; what is beyond is not told on. */
const MOST_RESOURCES = 2_000
const MOST_WORDS = 100

/** Reads the APIResourceList of a stranger. @throws Error for anything else */
export function remoteResources(answer: unknown): RemoteResource[] {
  if (!isRecord(answer) || answer['kind'] !== 'APIResourceList' || !Array.isArray(answer['resources'])) {
    throw new Error('the answer is no APIResourceList')
  }
  const rows: readonly unknown[] = answer['resources'].slice(0, MOST_RESOURCES)
  return rows.filter(isRecord).flatMap((row) => {
    const [name, kind] = [word(row['name']), word(row['kind'])]
    if (name === '' || kind === '') return []
    const [group, version] = [word(row['group']), word(row['version'])]
    const [shortNames, categories] = [words(row['shortNames']), words(row['categories'])]
    return {
      ...{ name, kind, singularName: word(row['singularName']), namespaced: row['namespaced'] === true, verbs: words(row['verbs']) },
      ...(version === '' ? {} : { group, version }),
      ...(shortNames.length > 0 ? { shortNames } : {}),
      ...(categories.length > 0 ? { categories } : {}),
    }
  })
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null

const word = (value: unknown) => (typeof value === 'string' && value.length <= inputLimits.quotedCharacters * 4 ? value : '')

const words = (value: unknown) =>
  Array.isArray(value)
    ? value
        .slice(0, MOST_WORDS)
        .map(word)
        .filter((each) => each !== '')
    : []
