import { type KindFacts, kindFacts, schemaOf } from '../../shared/openapi/kinds.ts'
import type { SchemaNode } from '../../shared/openapi/schema.ts'
import type { TestApi } from './api.ts'
import { minimalObjects } from './minimal-objects.ts'

export interface ServedKind {
  readonly facts: KindFacts
  readonly schema: SchemaNode
  /** Where objects are created, in the namespace `default`. */
  readonly path: string
  /** Objects are kept; false for questions in the shape of objects. */
  readonly isStored: boolean
  /** A small valid one; its own each time. */
  minimal(name: string): Record<string, unknown>
}

/** Every kind that can be created, as the server itself tells in discovery. */
export async function servedKinds(api: TestApi): Promise<ServedKind[]> {
  const groups = (await api.request('GET', '/apis')).json['groups'] as { versions: { groupVersion: string }[] }[]
  const versions = ['v1', ...groups.flatMap((group) => group.versions.map(({ groupVersion }) => groupVersion))]
  const kinds: ServedKind[] = []
  for (const version of versions) {
    const root = version === 'v1' ? '/api/v1' : `/apis/${version}`
    const { resources } = (await api.request('GET', root)).json as { resources: { name: string; kind: string; verbs: string[] }[] }
    for (const { name, kind, verbs } of resources) {
      if (name.includes('/') || !verbs.includes('create')) continue
      const known = minimalObjects.get(`${version}/${kind}`)
      const facts = kindFacts(version, kind)
      const schema = schemaOf(version, kind)
      if (!known || !facts || !schema) throw new Error(`test/harness/minimal-objects.ts has no ${kind} of ${version}`)
      kinds.push({
        ...{ facts, schema, isStored: verbs.includes('get'), path: `${root}${facts.namespaced ? '/namespaces/default' : ''}/${name}` },
        minimal(wanted) {
          const made = structuredClone(known) as Record<string, unknown>
          if (made['metadata']) made['metadata'] = { ...(made['metadata'] as object), name: wanted }
          return made
        },
      })
    }
  }
  return kinds
}
