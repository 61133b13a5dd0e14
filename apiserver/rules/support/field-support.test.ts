import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { definition } from '../../../shared/openapi/document.ts'
import type { PodSpec, ServiceSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { type SupportTable, shortName, supportOf } from './field-support.ts'
import { podSpecWarnings, serviceSpecWarnings } from './field-warnings.ts'
import { podFields, volumeFields } from './pod-fields.ts'
import { serviceFields } from './service-fields.ts'

const tables: readonly [string, SupportTable][] = [
  ['PodSpec', { ...podFields, ...volumeFields }],
  ['ServiceSpec', serviceFields],
]

/** Every field below a definition, except below those that have no effect as a whole. */
function fieldsBelow(root: string, table: SupportTable): [string, string][] {
  const found: [string, string][] = []
  const seen = new Set<string>()
  const visit = (ref: string) => {
    const node = definition(ref)
    if (!node || node.fields.size === 0 || seen.has(ref)) return
    seen.add(ref)
    for (const [field, child] of node.fields) {
      found.push([shortName(ref), field])
      const support = supportOf(table, shortName(ref), field)
      if (support !== undefined && support !== 'done' && !support.of) continue
      for (const next of [child.ref, child.items?.ref, child.values?.ref]) if (next) visit(next)
    }
  }
  visit(`io.k8s.api.core.v1.${root}`)
  return found
}

/** Described by their owner's exception, which looks inside. */
const LOOKED_INTO = new Set(['SeccompProfile', 'AppArmorProfile', 'PodOS', 'SessionAffinityConfig', 'ClientIPConfig'])
/** The metadata of a pod's own claim: validation refuses all but labels and annotations. */
for (const name of ['ObjectMeta', 'OwnerReference', 'ManagedFieldsEntry']) LOOKED_INTO.add(`io.k8s.apimachinery.pkg.apis.meta.v1.${name}`)

describe('what becomes of each field of a pod and a Service', () => {
  for (const [root, table] of tables) {
    it(`${root}: the table has every field of the schema, once, and no other`, () => {
      const fields = fieldsBelow(root, table).filter(([name]) => !LOOKED_INTO.has(name))
      const missing = fields.filter(([name, field]) => supportOf(table, name, field) === undefined)
      assert.deepEqual(missing, [], 'say in the table what becomes of these')
      const wanted = new Set(fields.map((field) => field.join('.')))
      const said = Object.entries(table).flatMap(([name, { done, except }]) =>
        [...done.split(' ').filter((field) => field !== ''), ...Object.keys(except ?? {})].map((field) => `${name}.${field}`),
      )
      assert.deepEqual(
        said.filter((field) => !wanted.has(field)),
        [],
        'no such fields',
      )
      assert.equal(new Set(said).size, said.length, 'a field has one verdict')
    })
  }

  it('is in the documentation as the tables have it', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/fields.md'), 'utf8')
    for (const [root, table] of tables) {
      const rows = Object.entries(table).flatMap(([name, { except }]) =>
        Object.entries(except ?? {}).map(([field, { is, why, of }]) => `| \`${name}.${field}\` | ${of?.said ?? 'any'} | ${is} | ${why} |`),
      )
      for (const row of rows) assert.ok(page.includes(`${row}\n`), `docs/fields.md lacks, for ${root}:\n${rows.join('\n')}`)
      const count = (page.match(/^\| `/gm) ?? []).length
      const all = tables.flatMap(([, each]) => Object.values(each).flatMap(({ except }) => Object.keys(except ?? {})))
      assert.equal(count, all.length, 'docs/fields.md has rows that the tables do not have')
    }
  })

  it('is told by path, with lists, and only where the value means it', () => {
    const spec = {
      hostUsers: false,
      os: { name: 'linux' },
      resourceClaims: [{ name: 'gpu' }],
      securityContext: { seccompProfile: { type: 'RuntimeDefault' }, supplementalGroupsPolicy: 'Merge' },
      volumes: [
        { name: 'a', emptyDir: { medium: 'HugePages' } },
        { name: 'b', iscsi: { driver: 'x' } },
        { name: 'c', emptyDir: { medium: 'Memory' } },
      ],
      containers: [
        { name: 'm', resources: {} },
        {
          name: 'n',
          resources: { claims: [{ name: 'gpu' }] },
          securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'p' } },
        },
      ],
    } as unknown as PodSpec
    const places = [...podSpecWarnings(spec, 'spec')].map((sentence) => sentence.split(':')[0])
    assert.deepEqual(places, [
      ...['spec.hostUsers', 'spec.resourceClaims', 'spec.volumes[0].emptyDir.medium', 'spec.volumes[1].iscsi'],
      ...['spec.containers[1].resources.claims', 'spec.containers[1].securityContext.seccompProfile'],
    ])
    const plain = { hostUsers: true, containers: [{ name: 'm', resources: {}, env: [{ name: 'a', value: 'b' }] }] } as unknown as PodSpec
    assert.deepEqual([...podSpecWarnings(plain, 'spec')], [])
    const service = {
      type: 'LoadBalancer',
      sessionAffinity: 'None',
      trafficDistribution: 'PreferClose',
      ports: [{ port: 80 }],
    } as unknown as ServiceSpec
    assert.deepEqual([...serviceSpecWarnings(service, 'spec')], [], 'Services have all that they ask for')
  })
})
