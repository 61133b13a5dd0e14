import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startApi, type TestApi } from './api.ts'
import { configMap, deployment, node, pod, service, serviceAccount } from './bodies.ts'

/**
 * Whatever is wrong with a request: Kubernetes' own kind of answer, and a server that goes on. Each row is a request and the
 * code and reason it must get, with a part of the message where clients or people rely on it.
 */
export type Row = [
  what: string,
  method: string,
  path: string,
  body: unknown,
  code: number,
  reason: string,
  message?: RegExp | undefined,
  headers?: Record<string, string>,
]

export const MAPS = '/api/v1/namespaces/default/configmaps'
export const PODS = '/api/v1/namespaces/default/pods'
export const SERVICES = '/api/v1/namespaces/default/services'
export const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
export const YAML = { 'content-type': 'application/yaml' }
export const MERGE = { 'content-type': 'application/merge-patch+json' }
export const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' }
export const JSON_PATCH = { 'content-type': 'application/json-patch+json' }
export const PROTOBUF = { 'content-type': 'application/vnd.kubernetes.protobuf' }
export const named = (name: unknown) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } })
export const meta = (metadata: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'bad', ...metadata } })
export const container = (more: object) => pod('bad', { containers: [{ name: 'main', image: 'nginx', ...more }] })

/** Declares a test for each row, against one server, and checks at the end that nothing of all this has left a mark. Answers how to reach the server. */
export function refuses(tables: Record<string, Row[]>): () => TestApi {
  let api: TestApi
  let revision = ''
  before(async () => {
    api = await startApi()
    await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))
    const made = await api.request('POST', MAPS, configMap('there', { data: { a: 'b' } }))
    revision = (made.json['metadata'] as { resourceVersion: string }).resourceVersion
    await api.request('POST', MAPS, { ...configMap('frozen', { data: { a: 'b' } }), immutable: true })
    await api.request('POST', PODS, pod('there'))
    await api.request('POST', DEPLOYMENTS, deployment('there'))
    await api.request('POST', SERVICES, service('there'))
    await api.request('POST', '/api/v1/nodes', node('n1'))
  })
  after(() => api.stop())
  for (const [table, rows] of Object.entries(tables)) {
    describe(table, () => {
      for (const row of rows) test(row[0], () => isRefused(api, row))
    })
  }
  test('nothing of all this has left a mark', async () => {
    const answer = await api.request('GET', `${MAPS}/there`)
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.json['data'], { a: 'b' })
    assert.equal((answer.json['metadata'] as { resourceVersion: string }).resourceVersion, revision)
    assert.equal((await api.request('GET', '/readyz')).text, 'ok')
  })
  return () => api
}

async function isRefused(api: TestApi, [, method, path, body, code, reason, message, headers]: Row): Promise<void> {
  const answer = await api.request(method, path, body, headers)
  assert.equal(answer.status, code, answer.text.slice(0, 500))
  const status = answer.json
  assert.equal(status['kind'], 'Status')
  assert.equal(status['apiVersion'], 'v1')
  assert.equal(status['status'], 'Failure')
  assert.equal(status['reason'], reason)
  assert.equal(status['code'], code)
  if (message) assert.match(String(status['message']), message)
}
