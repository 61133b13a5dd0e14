import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ObjectOf } from './generated/kinds.ts'
import {
  definitionNameOf,
  joinApiVersion,
  kindFacts,
  kindOfPlural,
  kindsOfDefinition,
  kindsOfVersion,
  schemaOf,
  servedVersions,
  splitApiVersion,
} from './kinds.ts'

test('kind and plural lead to the same facts', () => {
  const deployment = kindFacts('apps/v1', 'Deployment')!
  assert.equal(kindOfPlural('apps/v1', 'deployments'), deployment)
  assert.equal(deployment.group, 'apps')
  assert.equal(deployment.version, 'v1')
  assert.equal(deployment.namespaced, true)
  assert.equal(deployment.singular, 'deployment')
  assert.equal(deployment.definition, 'io.k8s.api.apps.v1.Deployment')
  assert.equal(deployment.subresources.get('scale')!.apiVersion, 'autoscaling/v1')
  assert.equal(deployment.subresources.get('scale')!.kind, 'Scale')
  assert.equal(kindFacts('v1', 'Node')!.namespaced, false)
})

test('what is not served is undefined', () => {
  assert.equal(kindFacts('v1', 'Deployment'), undefined)
  assert.equal(kindFacts('v1', 'PodList'), undefined)
  assert.equal(kindOfPlural('apps/v1beta1', 'deployments'), undefined)
  assert.deepEqual(kindsOfVersion('nope/v1'), [])
  assert.equal(schemaOf('v1', 'toString'), undefined)
})

test('subresources that only the API server knows of', () => {
  const pod = kindFacts('v1', 'Pod')!
  assert.deepEqual(
    [...pod.subresources.keys()],
    ['attach', 'binding', 'ephemeralcontainers', 'eviction', 'exec', 'log', 'portforward', 'proxy', 'resize', 'status'],
  )
  assert.deepEqual(pod.subresources.get('eviction'), { name: 'eviction', apiVersion: 'policy/v1', kind: 'Eviction', verbs: ['create'] })
  assert.deepEqual(kindFacts('v1', 'Namespace')!.subresources.get('finalize')!.verbs, ['update'])
})

test('create-only kinds have no other verb', () => {
  assert.deepEqual(kindFacts('authorization.k8s.io/v1', 'SubjectAccessReview')!.verbs, ['create'])
})

test('lists, options and Status have schemas without being resources', () => {
  assert.equal(definitionNameOf('apps/v1', 'DeploymentList'), 'io.k8s.api.apps.v1.DeploymentList')
  assert.equal(definitionNameOf('meta.k8s.io/v1', 'Table'), 'io.k8s.apimachinery.pkg.apis.meta.v1.Table')
  assert.ok(schemaOf('v1', 'Status')!.fields.has('reason'))
  assert.equal(schemaOf('apps/v1', 'DeleteOptions'), schemaOf('v1', 'DeleteOptions'))
})

test('a definition tells its kinds; an inner definition and a union discriminated by kind have none', () => {
  assert.deepEqual(kindsOfDefinition('io.k8s.api.apps.v1.Deployment'), [{ group: 'apps', version: 'v1', kind: 'Deployment' }])
  assert.deepEqual(kindsOfDefinition('io.k8s.api.core.v1.PodSpec'), [])
  assert.deepEqual(kindsOfDefinition('io.k8s.api.flowcontrol.v1.Subject'), [])
})

test('versions: core first, each with resources', () => {
  const versions = servedVersions()
  assert.equal(versions[0], 'v1')
  assert.equal(new Set(versions).size, versions.length)
  for (const version of versions) assert.ok(kindsOfVersion(version).length > 0, version)
})

test('apiVersion splits and joins', () => {
  assert.deepEqual(splitApiVersion('v1'), { group: '', version: 'v1' })
  assert.deepEqual(splitApiVersion('apps/v1'), { group: 'apps', version: 'v1' })
  assert.equal(joinApiVersion('', 'v1'), 'v1')
  assert.equal(joinApiVersion('apps', 'v1'), 'apps/v1')
})

test('the types say the same as the facts: a struct is there, a pointer may not be', () => {
  const pod: ObjectOf<'v1', 'Pod'> = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web' },
    spec: { containers: [{ name: 'web', image: 'nginx', resources: {} }] },
    status: {},
  }
  const schema = schemaOf(pod.apiVersion, pod.kind)!
  assert.deepEqual(
    schema.filledFields.map(([name]) => name),
    ['metadata', 'spec', 'status'],
  )
  assert.equal(pod.spec.nodeName, undefined)
})
