import assert from 'node:assert/strict'
import test from 'node:test'
import { decodeObject } from './schema-check.ts'

const pod = (value: unknown, fieldValidation: 'Ignore' | 'Warn' | 'Strict' = 'Strict') =>
  decodeObject('v1', 'Pod', value, { fieldValidation })
const refused = (value: unknown, message: string | RegExp) => assert.throws(() => pod(value), { code: 400, reason: 'BadRequest', message })

test('fills in what Go always writes, drops what it never writes', () => {
  assert.deepEqual(
    pod({
      metadata: { name: 'a', labels: {}, namespace: '' },
      spec: {
        containers: [{ name: 'c', stdin: false, env: [], securityContext: {} }],
        hostNetwork: false,
        nodeSelector: null,
        priority: 0,
      },
    }),
    {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name: 'a' },
      spec: { containers: [{ name: 'c', resources: {}, securityContext: {} }], priority: 0 },
      status: {},
    },
  )
  assert.deepEqual(decodeObject('rbac.authorization.k8s.io/v1', 'Role', { rules: [null] }, { fieldValidation: 'Ignore' }), {
    kind: 'Role',
    apiVersion: 'rbac.authorization.k8s.io/v1',
    metadata: {},
    rules: [{ verbs: [] }],
  })
  assert.deepEqual(decodeObject('apps/v1', 'Deployment', { spec: null }, { fieldValidation: 'Ignore' }), {
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    metadata: {},
    spec: { selector: null, strategy: {}, template: { metadata: {}, spec: { containers: [] } } },
    status: {},
  })
})

test('fields come in the order of the struct', () => {
  const text = JSON.stringify(pod({ status: {}, spec: { nodeName: 'n', containers: [] }, kind: 'Pod', metadata: {}, apiVersion: 'v1' }))
  assert.equal(text, '{"kind":"Pod","apiVersion":"v1","metadata":{},"spec":{"containers":[],"nodeName":"n"},"status":{}}')
})

test('quantities, times, ports and bytes', () => {
  const decoded = pod({
    metadata: { creationTimestamp: '2026-11-23T12:00:00.75+02:00' },
    spec: {
      containers: [
        {
          name: 'c',
          resources: { limits: { cpu: 0.5, memory: '1024Mi' } },
          livenessProbe: { httpGet: { port: 'http' }, tcpSocket: { port: 80 } },
          env: [{ name: 'X', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } }],
        },
      ],
    },
  }) as unknown as { metadata: object; spec: { containers: Record<string, unknown>[] } }
  assert.deepEqual(decoded.metadata, { creationTimestamp: '2026-11-23T10:00:00Z' })
  assert.deepEqual(decoded.spec.containers[0]!['resources'], { limits: { cpu: '500m', memory: '1Gi' } })
  assert.deepEqual(decoded.spec.containers[0]!['livenessProbe'], { httpGet: { port: 'http' }, tcpSocket: { port: 80 } })
  assert.deepEqual(decoded.spec.containers[0]!['env'], [
    { name: 'X', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '0' } } },
  ])
  const lease = decodeObject(
    'coordination.k8s.io/v1',
    'Lease',
    { spec: { renewTime: '2026-11-23T12:00:00.123456Z' } },
    { fieldValidation: 'Strict' },
  )
  assert.deepEqual((lease as unknown as { spec: object }).spec, { renewTime: '2026-11-23T12:00:00.123456Z' })
  const secret = decodeObject('v1', 'Secret', { data: { a: 'aGk=\n', b: null } }, { fieldValidation: 'Strict' })
  assert.deepEqual((secret as unknown as { data: object }).data, { a: 'aGk=', b: null })
})

test('a wrong type names the field', () => {
  refused(
    { spec: { containers: 'x' } },
    'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container',
  )
  refused(
    { spec: { containers: [{ image: 5 }] } },
    /cannot unmarshal number into Go struct field Container\.spec\.containers\.image of type string$/,
  )
  refused({ spec: [] }, /cannot unmarshal array into Go struct field Pod\.spec of type v1\.PodSpec$/)
  refused({ spec: { hostNetwork: 'yes' } }, /cannot unmarshal string into Go struct field PodSpec\.spec\.hostNetwork of type bool$/)
  refused({ spec: { priority: 3_000_000_000 } }, /cannot unmarshal number 3000000000 into .* of type int32$/)
  refused({ spec: { priority: 1.5 } }, /number 1\.5 into/)
  refused({ metadata: { labels: { a: 1 } } }, /into Go struct field ObjectMeta\.metadata\.labels\.a of type string$/)
  refused({ metadata: { labels: 'a' } }, /of type map\[string\]string$/)
  refused({ metadata: { creationTimestamp: 'yesterday' } }, /parsing time "yesterday" as .* \(field metadata\.creationTimestamp\)$/)
  refused({ metadata: { creationTimestamp: '2026-02-30T00:00:00Z' } }, /parsing time/)
  refused(
    { spec: { containers: [{ resources: { limits: { cpu: 'lots' } } }] } },
    /quantities must match the regular expression .* \(field spec\.containers\[0\]\.resources\.limits\.cpu\)$/,
  )
  assert.throws(() => decodeObject('v1', 'Secret', { data: { a: 'a$b=' } }, { fieldValidation: 'Strict' }), {
    code: 400,
    message: /illegal base64 data at input byte 1/,
  })
})

test('a body of another type', () => {
  refused([], /the object provided is unrecognized \(must be of type Pod\)/)
  refused(null, /unrecognized/)
  refused('x', /unrecognized/)
  refused(
    { apiVersion: 'apps/v1', kind: 'Deployment' },
    'the API version in the data (apps/v1) does not match the expected API version (v1)',
  )
  refused({ apiVersion: 'v1', kind: 'Service' }, /^Service in version "v1" cannot be handled as a Pod/)
  refused({ kind: 5 }, /Go struct field Pod\.kind of type string/)
})

test('unknown and doubled fields: refused, warned of, or dropped', () => {
  const body = () => ({ spec: { containers: [{ name: 'c', imagee: 'x' }], nodeSelektor: {} }, extra: 1 })
  refused(
    body(),
    'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.containers[0].imagee", unknown field "spec.nodeSelektor", unknown field "extra"',
  )
  const duplicates = ['duplicate field "spec.x"']
  assert.throws(() => decodeObject('v1', 'Pod', {}, { fieldValidation: 'Strict', duplicates }), {
    message: /strict decoding error: duplicate field "spec\.x"$/,
  })
  const warnings: string[] = []
  const decoded = decodeObject('v1', 'Pod', body(), { fieldValidation: 'Warn', duplicates, warn: (sentence) => warnings.push(sentence) })
  assert.deepEqual(warnings, [
    'unknown field "spec.containers[0].imagee"',
    'unknown field "spec.nodeSelektor"',
    'unknown field "extra"',
    'duplicate field "spec.x"',
  ])
  assert.ok(!JSON.stringify(decoded).includes('Selektor'))
  assert.ok(!('extra' in pod(body(), 'Ignore')))
})

test('keys JavaScript finds special', () => {
  const data = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c"}')
  const decoded = decodeObject('v1', 'ConfigMap', { data }, { fieldValidation: 'Strict' })
  assert.equal(JSON.stringify((decoded as unknown as { data: object }).data), '{"__proto__":"a","constructor":"b","toString":"c"}')
  assert.throws(() => pod(JSON.parse('{"__proto__":{"kind":"x"}}')), { message: /unknown field "__proto__"/ })
})

test('a schema inside a schema is decoded as one, also where it stands for something simpler', () => {
  const inner = { type: 'string', title: '', typo: 1 }
  const openAPIV3Schema = { type: 'object', additionalProperties: inner, properties: { list: { type: 'array', items: { ...inner } } } }
  const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }]
  const warnings: string[] = []
  const warn = (sentence: string) => warnings.push(sentence)
  const body = { spec: { group: 'a', names: {}, scope: 'Cluster', versions } }
  const decoded = decodeObject('apiextensions.k8s.io/v1', 'CustomResourceDefinition', body, { fieldValidation: 'Warn', warn })
  const at = 'unknown field "spec.versions[0].schema.openAPIV3Schema'
  assert.deepEqual(warnings, [`${at}.properties.list.items.typo"`, `${at}.additionalProperties.typo"`])
  assert.match(JSON.stringify(decoded), /"items":\{"type":"string"\}\}\},"additionalProperties":\{"type":"string"\}\}/)
})
