import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatefulSet } from '../../shared/openapi/generated/apps-v1.ts'
import type { PersistentVolumeClaim, Pod, PodTemplateSpec } from '../../shared/openapi/generated/core-v1.ts'
import type { OwnerReference } from '../../shared/openapi/generated/meta-v1.ts'
import { claimOwners, claimsFor, correctedOwners, isStale } from './stateful-claims.ts'
import { ordinalOf, statefulTemplate } from './stateful-identity.ts'

function setOf(whenDeleted = 'Retain', whenScaled = 'Retain'): StatefulSet {
  const claim = { metadata: { name: 'data', labels: { tier: 'db' }, annotations: { a: 'b' } }, spec: { accessModes: ['ReadWriteOnce'] } }
  return {
    ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'web', namespace: 'n', uid: 'set' } },
    spec: {
      ...{ replicas: 2, serviceName: 'peers', selector: { matchLabels: { app: 'web' } }, volumeClaimTemplates: [claim] },
      persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled },
    },
  } as unknown as StatefulSet
}

const pod = { metadata: { name: 'web-1', uid: 'pod' } } as unknown as Pod
const claim = (...ownerReferences: object[]) => ({ metadata: { ownerReferences } }) as unknown as PersistentVolumeClaim
const uids = (references: readonly OwnerReference[] | undefined) => references?.map(({ uid }) => uid)

test('a claim is named after template, set and ordinal, and found by the set’s labels', () => {
  const [made, ...others] = claimsFor(setOf(), 1)
  assert.equal(others.length, 0)
  assert.deepEqual(made?.metadata, {
    ...{ name: 'data-web-1', namespace: 'n', labels: { tier: 'db', app: 'web' }, annotations: { a: 'b' }, ownerReferences: [] },
  })
  assert.deepEqual(uids(claimsFor(setOf('Delete'), 1)[0]?.metadata.ownerReferences), ['set'])
})

test('who takes a claim along', () => {
  const owners = (whenDeleted: string, whenScaled: string, ordinal: number) =>
    uids(claimOwners(setOf(whenDeleted, whenScaled), ordinal, pod))
  const inside = (whenDeleted: string, whenScaled: string) => owners(whenDeleted, whenScaled, 1)
  const outside = (whenDeleted: string, whenScaled: string) => owners(whenDeleted, whenScaled, 2)
  assert.deepEqual([inside('Retain', 'Retain'), outside('Retain', 'Retain')], [[], []])
  assert.deepEqual([inside('Delete', 'Retain'), outside('Delete', 'Retain')], [['set'], ['set']])
  assert.deepEqual([inside('Retain', 'Delete'), outside('Retain', 'Delete')], [[], ['pod']])
  assert.deepEqual([inside('Delete', 'Delete'), outside('Delete', 'Delete')], [['set'], ['pod']])
})

test('owners are set right, and strangers’ stay', () => {
  const corrected = (known: PersistentVolumeClaim, policy: [string, string], ordinal: number) =>
    uids(correctedOwners(known, setOf(...policy), ordinal, pod))
  assert.equal(corrected(claim(), ['Retain', 'Retain'], 1), undefined)
  assert.equal(corrected(claim({ uid: 'set' }), ['Delete', 'Retain'], 1), undefined)
  assert.deepEqual(corrected(claim({ uid: 'set' }), ['Retain', 'Retain'], 1), [])
  assert.deepEqual(corrected(claim({ uid: 'set' }), ['Delete', 'Delete'], 2), ['pod'])
  // Scaled up again before the pod was gone.
  assert.deepEqual(corrected(claim({ uid: 'pod' }), ['Delete', 'Delete'], 1), ['set'])
  assert.deepEqual(corrected(claim({ uid: 'other' }), ['Delete', 'Retain'], 1), ['other', 'set'])
  // What another manages goes with that one alone.
  assert.equal(corrected(claim({ uid: 'other', controller: true }), ['Delete', 'Delete'], 1), undefined)
  assert.deepEqual(corrected(claim({ uid: 'set' }, { uid: 'other', controller: true }), ['Delete', 'Delete'], 1), ['other'])
})

test('a claim that goes with the last pod of its place is stale', () => {
  assert.equal(isStale(claim({ kind: 'Pod', name: 'web-1' }), setOf(), 1), true)
  assert.equal(isStale(claim({ kind: 'Pod', name: 'web-0' }, { kind: 'StatefulSet', name: 'web-1' }), setOf(), 1), false)
})

test('a pod’s place stands in its name, its labels, its host name and its volumes', () => {
  const template = {
    metadata: { labels: { app: 'web' } },
    spec: {
      containers: [],
      volumes: [
        { name: 'data', emptyDir: {} },
        { name: 'tmp', emptyDir: {} },
      ],
    },
  } as unknown as PodTemplateSpec
  const made = statefulTemplate(setOf(), template, 'web-abc', 1)
  assert.deepEqual(made.metadata.labels, {
    ...{
      app: 'web',
      'statefulset.kubernetes.io/pod-name': 'web-1',
      'apps.kubernetes.io/pod-index': '1',
      'controller-revision-hash': 'web-abc',
    },
  })
  assert.deepEqual([made.spec.hostname, made.spec.subdomain], ['web-1', 'peers'])
  assert.deepEqual(made.spec.volumes, [
    { name: 'data', persistentVolumeClaim: { claimName: 'data-web-1' } },
    { name: 'tmp', emptyDir: {} },
  ])
})

test('whose pods are whose, by name', () => {
  const ordinal = (name: string) => ordinalOf(setOf(), { metadata: { name } } as unknown as Pod)
  assert.deepEqual(['web-0', 'web-12', 'web-01', 'web-', 'web', 'web-x-1', 'other-1', 'web-99999999999'].map(ordinal), [
    ...[0, 12, undefined, undefined, undefined, undefined, undefined, undefined],
  ])
})
