import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startCluster } from '../../simulation/cluster.ts'

const API = 'rbac.authorization.k8s.io/v1'
const reads = (resource: string) => ({ verbs: ['get'], apiGroups: ['example.com'], resources: [resource] })

test('a role that gathers others has their rules: each once, those of new roles too, none of roles that left or are gone', async (t) => {
  const cluster = await startCluster({ controllers: ['clusterrole-aggregation'] })
  t.after(() => cluster.stop())
  const { client, clock } = cluster
  const gathers = { 'example.com/to-shop': 'true' }
  const create = (name: string, rest: object, labels = {}) => client.create(API, 'ClusterRole', { metadata: { name, labels }, ...rest })
  await create('shop', {
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: gathers }, { matchExpressions: [{ key: 'also', operator: 'Exists' }] }] },
    rules: [reads('written-by-hand')],
  })
  await create('b', { rules: [reads('baskets'), reads('prices')] }, gathers)
  await create('a', { rules: [reads('prices')] }, { ...gathers, also: '1' })
  await create('c', { rules: [reads('coins')] }, { also: '1' })
  await create('stranger', { rules: [reads('secrets')] })
  await clock.advance(1_000)
  const resources = async () => (await client.get(API, 'ClusterRole', { name: 'shop' })).rules?.flatMap((rule) => rule.resources)
  assert.deepEqual(await resources(), ['prices', 'baskets', 'coins'])

  const before = await client.get(API, 'ClusterRole', { name: 'shop' })
  await client.delete(API, 'ClusterRole', { name: 'c' })
  await client.patch(API, 'ClusterRole', { name: 'b' }, { type: 'merge', body: { metadata: { labels: { 'example.com/to-shop': 'no' } } } })
  await client.patch(API, 'ClusterRole', { name: 'shop' }, { type: 'merge', body: { rules: [reads('forged')] } })
  await clock.advance(1_000)
  assert.deepEqual(await resources(), ['prices'])
  assert.equal((await client.get(API, 'ClusterRole', { name: 'shop' })).metadata.uid, before.metadata.uid)

  // What stands already is not written again, whoever changes beside it.
  const { resourceVersion } = (await client.get(API, 'ClusterRole', { name: 'shop' })).metadata
  await create('another', { rules: [reads('nothing')] })
  await clock.advance(1_000)
  assert.equal((await client.get(API, 'ClusterRole', { name: 'shop' })).metadata.resourceVersion, resourceVersion)
})

test('admin, edit and view are seen with the rules they gather', async (t) => {
  const cluster = await startCluster({ controllers: ['clusterrole-aggregation'] })
  t.after(() => cluster.stop())
  const { client, clock } = cluster
  await clock.advance(2_000)
  for (const name of ['admin', 'edit', 'view']) {
    const rules = (await client.get(API, 'ClusterRole', { name })).rules ?? []
    assert.ok(
      rules.some(({ resources }) => resources?.includes('configmaps')),
      name,
    )
  }
})
