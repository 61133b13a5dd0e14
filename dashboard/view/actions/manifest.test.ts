import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wantedOf } from './manifest.ts'

const kind = { group: '', version: 'v1', resource: 'pods', kind: 'Pod', isNamespaced: true, shortNames: [], subresources: [] }
const cluster = { findKind: () => kind }

test('a manifest means here what it means to kubectl and to the server: octal numbers, yes, dates, merge keys', () => {
  const text = `
apiVersion: v1
kind: Pod
metadata: { name: web, labels: &common { day: 2024-01-01 } }
spec: { defaultMode: 0400, isReady: yes, <<: *common }
`
  const [wanted] = wantedOf(text, cluster, 'default')
  assert.equal(wanted?.path, '/api/v1/namespaces/default/pods/web')
  assert.deepEqual(JSON.parse(JSON.stringify(wanted.object)), {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', labels: { day: '2024-01-01' } } },
    spec: { defaultMode: 0o400, isReady: true, day: '2024-01-01' },
  })
})

test('a list without items holds nothing; a key that stands twice is refused', () => {
  assert.throws(() => wantedOf('{apiVersion: v1, kind: List}', cluster, 'default'), /There is no object in it/)
  assert.throws(() => wantedOf('kind: Pod\nkind: Node', cluster, 'default'), /duplicated/)
})
