import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definition } from '../shared/openapi/document.ts'
import { schemaOf } from '../shared/openapi/kinds.ts'
import { compareWithOfficial, parseOfficial } from './openapi-comparison.ts'
import { misfits } from './openapi-samples.ts'
import { type Check, checkGenerated, checkOfficial, checkSamples, officialFolder } from './verify-openapi.ts'

const checks: [string, () => Check][] = [
  ['the committed files are what the Go sources give', checkGenerated],
  ['the sample objects of the Go sources fit the schema', checkSamples],
  ['the facts agree with the official document', () => checkOfficial(officialFolder())],
]
for (const [name, run] of checks) {
  test(name, (t) => {
    const check = run()
    if (check.skipped !== undefined) t.skip(check.skipped)
    assert.deepEqual(check.differences, [])
  })
}

const name = 'io.k8s.api.core.v1.ContainerPort'
const port = {
  type: 'object',
  required: ['containerPort'],
  properties: {
    containerPort: { type: 'integer', format: 'int32' },
    hostIP: { type: 'string' },
    hostPort: { type: 'integer', format: 'int32' },
    name: { type: 'string' },
    protocol: { type: 'string' },
  },
}
const compare = (schema: unknown) =>
  compareWithOfficial(parseOfficial(JSON.stringify({ definitions: { [name]: schema }, paths: {} }))).differences.filter((line) =>
    line.startsWith(name),
  )

test('the comparison is quiet on an equal definition and names what differs', () => {
  assert.ok(definition(name))
  assert.deepEqual(compare(port), [])
  assert.match(compare({ ...port, required: [] }).join(), /required: ours \["containerPort"\]/)
  assert.match(compare({ ...port, properties: { ...port.properties, hostIP: { type: 'integer' } } }).join(), /hostIP: type/)
  assert.match(compare({ ...port, properties: { ...port.properties, extra: { type: 'string' } } }).join(), /fields/)
  assert.match(compare({ ...port, 'x-kubernetes-map-type': 'atomic' }).join(), /map-type/)
})

test('the comparison reports a path the official document lacks', () => {
  const { differences } = compareWithOfficial({ definitions: {}, paths: {} })
  assert.ok(differences.includes('/api/v1/namespaces/{namespace}/pods: not in the official document'))
})

test('something that is no OpenAPI document is refused', () => {
  assert.throws(() => parseOfficial('{}'), /not an OpenAPI v2 document/)
})

test('misfits: unknown field, wrong type, missing always-emitted field', () => {
  const schema = schemaOf('v1', 'Pod')!
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: { containers: [{ name: 'a', resources: {}, ports: 'x' }], nope: 1 } }
  assert.deepEqual(misfits(schema, pod, 'pod'), [
    'pod.status: always emitted, but absent',
    'pod.spec.containers[0].ports: string where array belongs',
    'pod.spec.nope: unknown field',
  ])
})
