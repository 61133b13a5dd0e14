import assert from 'node:assert/strict'
import { test } from 'node:test'
import { discover } from './discovery.ts'

const group = (name: string, freshness: string) => {
  const responseKind = { group: name, version: 'v1', kind: 'Thing' }
  const resources = [{ resource: 'things', responseKind, scope: 'Namespaced', verbs: ['list'] }]
  return { metadata: { name }, versions: [{ version: 'v1', resources, freshness }] }
}

test('a resource of a server that is away is told from the others', async () => {
  const items = [group('here.example.com', 'Current'), group('away.example.com', 'Stale')]
  const client = { request: async (_method: string, path: string) => ({ items: path === '/apis' ? items : [] }) }
  const found = await discover(client, new AbortController().signal)
  assert.deepEqual(
    found.map((resource) => [resource.group, resource.plural, resource.isStale]),
    [
      ['here.example.com', 'things', false],
      ['away.example.com', 'things', true],
    ],
  )
})
