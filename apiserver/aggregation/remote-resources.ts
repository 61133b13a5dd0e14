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

/** The hash of one document in the index `/openapi/v3` of a stranger, empty without one; undefined when it has no such document. */
export function documentHash(index: unknown, document: string): string | undefined {
  const paths = isRecord(index) ? index['paths'] : undefined
  const entry = isRecord(paths) && Object.hasOwn(paths, document) ? paths[document] : undefined
  const url = isRecord(entry) ? entry['serverRelativeURL'] : undefined
  if (typeof url !== 'string') return undefined
  return /[?&]hash=([\w-]{1,256})$/.exec(url.slice(-300))?.[1] ?? ''
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
