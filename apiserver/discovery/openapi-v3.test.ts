import assert from 'node:assert/strict'
import test from 'node:test'
import type { ApiRequest, Reply } from '../http/exchange.ts'
import { requestInfo } from '../http/request-info.ts'
import { lateServices } from '../registry/late-services.ts'
import { ResourceTable } from '../registry/resource-table.ts'
import { loadResources } from '../resources/load.ts'
import { openApiDocument, openApiV3 } from './openapi-v3.ts'

const resources = new ResourceTable(await loadResources(lateServices().services)).all()
const handlers = openApiV3()(resources)

interface Answer {
  code: number
  body: string
  headers: Record<string, string | string[]>
}

function get(url: string, headers: Record<string, string> = {}, method = 'GET'): Answer {
  let answer: Answer | undefined
  const reply = {
    send: (code: number, _type: string, body: Buffer | string, given: Answer['headers'] = {}) => {
      answer = { code, body: body.toString(), headers: given }
    },
  } as unknown as Reply
  const info = requestInfo(method, url)
  handlers.get(info.path)!({ method, url, headers } as unknown as ApiRequest, info, reply)
  return answer!
}

test('the index names every group version with its hash', () => {
  const { paths } = JSON.parse(get('/openapi/v3').body) as { paths: Record<string, { serverRelativeURL: string }> }
  assert.deepEqual(
    [...new Set(resources.map(({ group, apiVersion }) => (group ? `apis/${apiVersion}` : `api/${apiVersion}`)))].sort(),
    Object.keys(paths).sort(),
  )
  for (const [path, { serverRelativeURL }] of Object.entries(paths))
    assert.match(serverRelativeURL, new RegExp(`^/openapi/v3/${path}\\?hash=[0-9A-F]{128}$`))
})

test('a document under its hash may be kept; under an old hash it says where the new one is', () => {
  const { paths } = JSON.parse(get('/openapi/v3').body) as { paths: Record<string, { serverRelativeURL: string }> }
  const url = paths['apis/apps/v1']!.serverRelativeURL
  const kept = get(url)
  assert.equal(kept.code, 200)
  assert.match(String(kept.headers['cache-control']), /immutable/)
  assert.equal(get(url, { 'if-none-match': String(kept.headers['etag']) }).code, 304)
  const moved = get('/openapi/v3/apis/apps/v1?hash=OLD')
  assert.equal(moved.code, 301)
  assert.equal(moved.headers['location'], url)
  assert.match(String(get('/openapi/v3/apis/apps/v1').headers['cache-control']), /no-cache/)
  assert.throws(() => get(url, {}, 'POST'), { code: 405 })
})

type Document = {
  paths: Record<string, Record<string, Record<string, unknown>>>
  components: { schemas: Record<string, { properties?: Record<string, unknown>; 'x-kubernetes-group-version-kind'?: unknown }> }
}

const core = openApiDocument(resources.filter((resource) => resource.group === '')) as Document

test('what kubectl asks before it validates or patches', () => {
  const patch = core.paths['/api/v1/namespaces/{namespace}/pods/{name}']?.['patch'] as {
    requestBody: { content: object }
    parameters: { name: string }[]
    'x-kubernetes-group-version-kind': object
  }
  assert.deepEqual(patch['x-kubernetes-group-version-kind'], { group: '', kind: 'Pod', version: 'v1' })
  assert.ok('application/strategic-merge-patch+json' in patch.requestBody.content)
  assert.deepEqual(
    patch.parameters.map((parameter) => parameter.name),
    ['dryRun', 'fieldManager', 'fieldValidation'],
  )
  assert.deepEqual(core.components.schemas['io.k8s.api.core.v1.Pod']?.['x-kubernetes-group-version-kind'], [
    { group: '', kind: 'Pod', version: 'v1' },
  ])
  assert.deepEqual(core.components.schemas['io.k8s.api.core.v1.PodSpec']?.properties?.['containers'], {
    type: 'array',
    items: { allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.Container' }], default: {} },
    'x-kubernetes-list-map-keys': ['name'],
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-patch-merge-key': 'name',
    'x-kubernetes-patch-strategy': 'merge',
  })
})

test('operations say what they do', () => {
  const of = (path: string, method: string) => core.paths[path]?.[method] as { operationId: string; 'x-kubernetes-action': string }
  const cases: [string, string, string, string][] = [
    ['/api/v1/namespaces/{namespace}/pods', 'post', 'createCoreV1NamespacedPod', 'post'],
    ['/api/v1/namespaces/{namespace}/pods/{name}', 'put', 'replaceCoreV1NamespacedPod', 'put'],
    ['/api/v1/pods', 'get', 'listCoreV1PodForAllNamespaces', 'list'],
    ['/api/v1/namespaces/{namespace}/pods/{name}/exec', 'post', 'createCoreV1NamespacedPodExec', 'connect'],
    ['/api/v1/nodes/{name}/status', 'get', 'readCoreV1NodeStatus', 'get'],
  ]
  for (const [path, method, id, action] of cases)
    assert.deepEqual([of(path, method).operationId, of(path, method)['x-kubernetes-action']], [id, action], path)
})

test('every reference leads somewhere', () => {
  for (const group of new Set(resources.map((resource) => resource.apiVersion))) {
    const document = openApiDocument(resources.filter((resource) => resource.apiVersion === group)) as Document
    const names = new Set(Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`))
    const wanted = JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)
    for (const [, reference] of wanted) assert.ok(names.has(reference!), `${group}: ${reference}`)
  }
})
