import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Random, seededRandom } from '../../shared/random/random.ts'
import { startApi, type TestApi } from '../harness/api.ts'
import { serviceAccount } from '../harness/bodies.ts'
import { bodyOf, discoverResources } from '../harness/every-kind.ts'

let api: TestApi
before(async () => {
  api = await startApi()
  await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))
})
after(() => api.stop())

/** What breaks URLs, keys, lines and terminals, between what never does. */
const pieces = [
  'a',
  'b1',
  'x-y',
  '.',
  '..',
  '/',
  '\\',
  '%',
  '%2f',
  ':',
  ' ',
  '\u0000',
  '\n',
  '\t',
  '\u007f',
  '\u0085',
  '\u2028',
  '?',
  '#',
  '&',
  '+',
]
const more = ['é', 'é', '😀', '\ud83d', '\ude00', '\ufeff', '|', '"', '<', "'", ';', '=', '*', '~', '@']
const alphabet = [...pieces, ...more]

function nameOf(random: Random): string {
  const piece = () => alphabet[Math.floor(random.fraction() * alphabet.length)]!
  return Array.from({ length: 1 + Math.floor(random.fraction() * 3) }, piece).join('')
}

test('whatever name can be stored can be named by a URL, read and deleted again, for every kind', async () => {
  const random = seededRandom(13)
  const stored = new Map<string, number>()
  const resources = await discoverResources(async (path) => (await api.request('GET', path)).json)
  for (const resource of resources.filter(({ verbs }) => verbs.includes('create') && verbs.includes('delete'))) {
    const collection = `${resource.prefix}${resource.namespaced ? '/namespaces/default' : ''}/${resource.plural}`
    // Each once: what finalizers hold keeps its name.
    const names = new Set([
      ...alphabet,
      ...Array.from({ length: 60 }, () => nameOf(random)),
      'é'.repeat(126),
      'a'.repeat(253),
      '192.0.2.1',
      'things.kinds.example.com',
    ])
    for (const name of names) {
      const what = `${resource.kind} ${JSON.stringify(name)}`
      const made = await api.request('POST', collection, { ...bodyOf(resource, name), metadata: { name } })
      if (made.status !== 201) {
        assert.ok(made.status === 422 || made.status === 400, `${what}: ${made.text}`)
        continue
      }
      const url = `${collection}/${encodeURIComponent(name)}`
      const read = await api.request('GET', url)
      assert.equal(read.status, 200, `${what}: ${read.text}`)
      assert.equal((read.json['metadata'] as { name: string }).name, name)
      assert.ok([200, 202].includes((await api.request('DELETE', `${url}?gracePeriodSeconds=0`)).status), what)
      stored.set(resource.kind, (stored.get(resource.kind) ?? 0) + 1)
    }
    assert.ok((stored.get(resource.kind) ?? 0) > 0, `no name was good for a ${resource.kind}`)
  }
  for (const kind of ['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding']) {
    assert.ok((stored.get(kind) ?? 0) > 30, `${kind}: ${stored.get(kind)} of the names`)
  }
})
