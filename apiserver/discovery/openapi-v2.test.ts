import assert from 'node:assert/strict'
import test from 'node:test'
import type { ApiRequest, Reply } from '../http/exchange.ts'
import { requestInfo } from '../http/request-info.ts'
import { WireReader } from '../protobuf/wire-reader.ts'
import { lateServices } from '../registry/late-services.ts'
import { ResourceTable } from '../registry/resource-table.ts'
import { loadResources } from '../resources/load.ts'
import { openApiV2 } from './openapi-v2.ts'
import { openApiV2Document } from './openapi-v2-document.ts'

const resources = new ResourceTable(await loadResources(lateServices().services)).all()
const document = openApiV2Document(resources)
const handler = openApiV2()(resources)

function get(accept: string | undefined, headers: Record<string, string> = {}) {
  let answer: { code: number; type: string; body: Buffer; headers: Record<string, unknown> } | undefined
  const reply = {
    send: (code: number, type: string, body: Buffer | string, given: Record<string, unknown>) => {
      answer = { code, type, body: Buffer.from(body), headers: given }
    },
  } as unknown as Reply
  const url = '/openapi/v2'
  handler(
    { method: 'GET', url, headers: { ...headers, ...(accept ? { accept } : {}) } } as unknown as ApiRequest,
    requestInfo('GET', url),
    reply,
  )
  return answer!
}

test('a patch of a Deployment says of which kind it is and what may be in its query', () => {
  const { patch } = document.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'] as unknown as {
    patch: { [key: string]: unknown; parameters: { in: string; name: string; type?: string }[] }
  }
  assert.deepEqual(patch['x-kubernetes-group-version-kind'], { group: 'apps', kind: 'Deployment', version: 'v1' })
  assert.ok(patch.parameters.some(({ name, in: place, type }) => name === 'fieldValidation' && place === 'query' && type === 'string'))
  assert.deepEqual(
    patch.parameters.filter(({ in: place }) => place === 'body').map(({ name }) => name),
    ['body'],
  )
})

test('definitions refer to each other in the old way, and every reference leads somewhere', () => {
  const text = JSON.stringify(document)
  for (const word of ['components/schemas', '"oneOf":[', '"allOf":[', '"requestBody"']) assert.ok(!text.includes(word), word)
  for (const [, name] of text.matchAll(/#\/definitions\/([^"]+)"/g)) assert.ok(name !== undefined && name in document.definitions, name)
  const spec = document.definitions['io.k8s.api.apps.v1.DeploymentSpec']?.['properties'] as Record<string, unknown>
  assert.deepEqual(spec['selector'], { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector' })
  assert.deepEqual(document.definitions['io.k8s.apimachinery.pkg.util.intstr.IntOrString'], { format: 'int-or-string', type: 'string' })
})

test('as protobuf it has the same paths and definitions', () => {
  const { type, body } = get('application/com.github.proto-openapi.spec.v2@v1.0+protobuf')
  assert.equal(type, 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf')
  const names = (message: Buffer, list: number) => collect(message, list).map((entry) => collect(entry, 1)[0]?.toString())
  const [paths] = collect(body, 8)
  const [definitions] = collect(body, 9)
  assert.deepEqual(names(paths!, 2), Object.keys(document.paths))
  assert.deepEqual(names(definitions!, 1), Object.keys(document.definitions))
})

function collect(message: Buffer, number: number): Buffer[] {
  const found: Buffer[] = []
  for (const field of new WireReader(message)) if (field.number === number) found.push(field.bytes())
  return found
}

test('who has it already is told so', () => {
  const first = get(undefined)
  assert.equal((JSON.parse(first.body.toString()) as { swagger: string }).swagger, '2.0')
  const tag = String(first.headers['etag'])
  assert.equal(get(undefined, { 'if-none-match': tag }).code, 304)
})
