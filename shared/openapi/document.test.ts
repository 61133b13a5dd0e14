import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeDefinition, definition, definitionNames, factsDocument } from './document.ts'
import { SchemaNode } from './schema.ts'

const pod = definition('io.k8s.api.core.v1.Pod')!
const podSpec = pod.fields.get('spec')!

test('a definition is found by its official name and is the same node each time', () => {
  assert.equal(definition('io.k8s.api.core.v1.Pod'), pod)
  assert.equal(podSpec.ref, 'io.k8s.api.core.v1.PodSpec')
  assert.equal(podSpec.fields, definition('io.k8s.api.core.v1.PodSpec')!.fields)
})

test('names that are not there, and names of Object.prototype, are no definitions', () => {
  for (const name of ['', 'Pod', 'io.k8s.api.core.v1.Nope', 'io.k8s.api.core.v1.constructor', 'io.k8s.api.core.v1.__proto__']) {
    assert.equal(definition(name), undefined, name)
  }
})

test('merge facts of a list', () => {
  const containers = podSpec.fields.get('containers')!
  assert.equal(containers.type, 'array')
  assert.deepEqual(containers.patchStrategies, ['merge'])
  assert.equal(containers.patchMergeKey, 'name')
  assert.equal(containers.listType, 'map')
  assert.deepEqual(containers.listMapKeys, ['name'])
  const ports = containers.items!.fields.get('ports')!
  assert.equal(ports.patchMergeKey, 'containerPort')
  assert.deepEqual(ports.listMapKeys, ['containerPort', 'protocol'])
  assert.equal(ports.items!.fields.get('protocol')!.default, 'TCP')
  assert.deepEqual(podSpec.fields.get('volumes')!.patchStrategies, ['merge', 'retainKeys'])
})

test('map type is told by the field or by the definition', () => {
  assert.equal(podSpec.fields.get('nodeSelector')!.ownMapType, 'atomic')
  const selector = definition('io.k8s.api.apps.v1.DeploymentSpec')!.fields.get('selector')!
  assert.equal(selector.ownMapType, undefined)
  assert.equal(selector.mapType, 'atomic')
})

test('scalars with rules of their own', () => {
  const limits = definition('io.k8s.api.core.v1.ResourceRequirements')!.fields.get('limits')!
  assert.equal(limits.type, 'map')
  assert.equal(limits.values!.scalar, 'quantity')
  const targetPort = definition('io.k8s.api.core.v1.ServicePort')!.fields.get('targetPort')!
  assert.equal(targetPort.scalar, 'int-or-string')
  assert.equal(targetPort.format, 'int-or-string')
  const meta = pod.fields.get('metadata')!
  assert.equal(meta.fields.get('creationTimestamp')!.scalar, 'time')
  assert.equal(definition('io.k8s.api.coordination.v1.LeaseSpec')!.fields.get('renewTime')!.scalar, 'micro-time')
  assert.equal(definition('io.k8s.api.core.v1.Secret')!.fields.get('data')!.values!.format, 'byte')
  assert.equal(podSpec.fields.get('hostNetwork')!.type, 'boolean')
})

test('empty values are what Go writes', () => {
  assert.deepEqual(definition('io.k8s.api.apps.v1.Deployment')!.emptyValue(), {
    metadata: {},
    spec: { selector: null, template: { metadata: {}, spec: { containers: null } }, strategy: {} },
    status: {},
  })
  assert.deepEqual(definition('io.k8s.api.core.v1.PodCondition')!.emptyValue(), {
    type: '',
    status: '',
    lastProbeTime: null,
    lastTransitionTime: null,
  })
  assert.deepEqual(definition('io.k8s.api.core.v1.ServicePort')!.emptyValue(), { port: 0, targetPort: 0 })
  assert.deepEqual(definition('io.k8s.api.core.v1.ResourceFieldSelector')!.emptyValue(), { resource: '', divisor: '0' })
  assert.equal(definition('io.k8s.api.apps.v1.ControllerRevision')!.fields.get('data')!.emptyValue(), null)
})

test('an empty value is fresh each time', () => {
  assert.notEqual(pod.emptyValue(), pod.emptyValue())
})

test('a definition may refer to itself', () => {
  const schema = definition('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps')!
  assert.equal(schema.fields.get('not')!.fields.get('not')!.fields, schema.fields)
})

test('raw JSON is open, free JSON is any, enums may hold spaces', () => {
  assert.equal(definition('io.k8s.apimachinery.pkg.runtime.RawExtension')!.isOpen, true)
  assert.equal(definition('io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1')!.isOpen, true)
  assert.equal(definition('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON')!.type, 'any')
  const usages = definition('io.k8s.api.certificates.v1.CertificateSigningRequestSpec')!.fields.get('usages')!
  assert.ok(usages.enum!.includes('client auth'))
})

test('every reference of the table resolves, and every default is readable', () => {
  const visit = (node: SchemaNode): void => {
    assert.ok(node.type)
    if (node.items) visit(node.items)
    if (node.values) visit(node.values)
  }
  for (const name of definitionNames()) for (const field of definition(name)!.fields.values()) visit(field)
  assert.equal(factsDocument().release, '1.36')
  assert.ok(definitionNames().length > 771)
})

test('a damaged table is an error that names the damage', () => {
  const resolver = () => new SchemaNode({ type: 'object' })
  assert.throws(() => decodeDefinition('a.B', ['', 'x []string lt=bag'], resolver), /unknown list type bag/)
  assert.throws(() => decodeDefinition('a.B', ['', 'x {}string mt=odd'], resolver), /unknown map type odd/)
  assert.throws(() => decodeDefinition('a.B', ['type=number'], resolver), /unknown type number/)
})

test('a union lists the fields of which one may be set', () => {
  const union = definition('io.k8s.api.core.v1.SeccompProfile')!.union
  assert.deepEqual(union, { discriminator: 'type', fields: ['localhostProfile'] })
})
