import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { admissionTrial, jane, made, madePod } from '../../../test/harness/admission-trial.ts'
import { podSecurityOptions } from './pod-security-configuration.ts'

const label = (labels: Record<string, string>) =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [`pod-security.kubernetes.io/${name}`, value]))
const namespace = (labels: Record<string, string> = {}, name = 'default') =>
  made('v1', 'Namespace', { metadata: { name, labels: label(labels) }, status: { phase: 'Active' } })

function trial(labels: Record<string, string>, configuration: Record<string, unknown> = {}) {
  const tried = admissionTrial({ podSecurity: podSecurityOptions(configuration) })
  tried.reader.put('v1', 'Namespace', namespace(labels))
  /** What a namespace is warned of that gets other labels. */
  const relabel = async (next: Record<string, string>, previous: Record<string, string> = labels) => {
    tried.world.warned.length = 0
    const change = { resource: 'namespaces', operation: 'UPDATE', object: namespace(next), previous: namespace(previous) } as const
    await tried.admit(change)
    return [...tried.world.warned]
  }
  const put = (name: string, spec: object, controller?: string) =>
    tried.reader.put('v1', 'Pod', {
      ...madePod(spec, {
        name,
        ...(controller
          ? { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: controller, uid: controller, controller: true }] }
          : {}),
      }),
    })
  return { ...tried, relabel, put }
}

const host = { hostNetwork: true }
const HOST = 'host namespaces (hostNetwork=true)'

describe('pods', () => {
  it('are refused where the namespace says so, and not warned besides', async () => {
    const { refused, world, admit } = trial({ enforce: 'baseline' })
    await refused({ object: madePod(host) }, `pods "web" is forbidden: violates PodSecurity "baseline:latest": ${HOST}`)
    await admit({ object: madePod() })
    assert.deepEqual(world.warned, [])
  })

  it('are warned of what a stricter level would say', async () => {
    const { world, admit } = trial({ enforce: 'privileged', warn: 'baseline', 'warn-version': 'v1.20', audit: 'restricted' })
    await admit({ object: madePod(host) })
    assert.deepEqual(world.warned, [`would violate PodSecurity "baseline:v1.20": ${HOST}`])
  })

  it('are looked at again when an image changes or an ephemeral container is added, not when anything else does', async () => {
    const { refused, admit } = trial({ enforce: 'baseline' })
    const previous = madePod({ ...host, containers: [{ name: 'main', image: 'a' }], ephemeralContainers: [{ name: 'old', image: 'a' }] })
    const update = (spec: object, metadata: object = {}, subresource = '') => ({
      ...{ operation: 'UPDATE' as const, previous, subresource },
      object: madePod({ ...previous.spec, ...spec }, metadata),
    })
    await admit(update({}, { labels: { a: 'b' }, finalizers: ['a/b'] }))
    await admit(update({ activeDeadlineSeconds: 5, tolerations: [{ operator: 'Exists' }] }))
    const said = `pods "web" is forbidden: violates PodSecurity "baseline:latest": ${HOST}`
    await refused(update({ containers: [{ name: 'main', image: 'b' }] }), said)
    await refused(update({ initContainers: [{ name: 'first', image: 'b' }] }), said)
    await refused(update({ ephemeralContainers: [{ name: 'old', image: 'b' }] }, {}, 'ephemeralcontainers'), said)
    await refused(update({ ephemeralContainers: [{ name: 'new', image: 'a' }] }, {}, 'ephemeralcontainers'), said)
    await admit(update({ containers: [{ name: 'main', image: 'b' }] }, {}, 'status'))
  })

  it('of exempt users, namespaces and runtime classes are let in', async () => {
    const exemptions = { usernames: ['jane'], namespaces: ['free'], runtimeClasses: ['sandbox'] }
    const { refused, admit, reader } = trial({ enforce: 'baseline' }, { exemptions })
    const user = { ...jane, name: 'bob' }
    await admit({ object: madePod(host) })
    await refused({ object: madePod(host), user }, /violates PodSecurity/)
    reader.put('v1', 'Namespace', namespace({ enforce: 'restricted' }, 'free'))
    reader.put('v1', 'ServiceAccount', { metadata: { namespace: 'free', name: 'default' } })
    await admit({ object: madePod(host), user, namespace: 'free' })
    reader.put('node.k8s.io/v1', 'RuntimeClass', { metadata: { name: 'sandbox' }, handler: 'x' })
    await admit({ object: madePod({ ...host, runtimeClassName: 'sandbox' }), user })
  })

  it('get the configured level where labels are silent', async () => {
    const { refused, admit, reader } = trial({}, { defaults: { enforce: 'restricted', 'enforce-version': 'v1.7' } })
    const said = /violates PodSecurity "restricted:v1.7": runAsNonRoot != true/
    await refused({ object: madePod() }, said)
    reader.put('v1', 'Namespace', namespace({ enforce: 'privileged' }))
    await admit({ object: madePod() })
  })

  it('are not let into a namespace that cannot be found', async () => {
    const { refused, reader } = trial({})
    reader.remove('v1', 'Namespace', 'default')
    const previous = madePod({ containers: [{ name: 'main', image: 'a' }] })
    const change = { operation: 'UPDATE', object: madePod({ containers: [{ name: 'main', image: 'b' }] }), previous } as const
    await refused(change, 'Internal error occurred: failed to lookup namespace "default"', 500)
  })
})

describe('what makes pods', () => {
  const template = { metadata: {}, spec: { containers: [{ name: 'main' }], ...host } }
  const metadata = { name: 'web', namespace: 'default' }
  const makers = [
    made('v1', 'PodTemplate', { metadata, template }),
    made('v1', 'ReplicationController', { metadata, spec: { template } }),
    made('apps/v1', 'ReplicaSet', { metadata, spec: { template } }),
    made('apps/v1', 'Deployment', { metadata, spec: { template } }),
    made('apps/v1', 'StatefulSet', { metadata, spec: { template } }),
    made('apps/v1', 'DaemonSet', { metadata, spec: { template } }),
    made('batch/v1', 'Job', { metadata, spec: { template } }),
    made('batch/v1', 'CronJob', { metadata, spec: { jobTemplate: { spec: { template } } } }),
  ]
  for (const object of makers) {
    it(`is warned and never refused: ${object.kind}`, async () => {
      const { world, admit } = trial({ enforce: 'baseline' })
      await admit({ object, resource: `${object.kind.toLowerCase()}s` })
      assert.deepEqual(world.warned.splice(0), [`would violate PodSecurity "baseline:latest": ${HOST}`])
      await admit({ object, resource: `${object.kind.toLowerCase()}s`, operation: 'UPDATE', previous: object, subresource: 'status' })
      assert.deepEqual(world.warned, [])
    })
  }

  it('is not asked about without a template', async () => {
    const { world, admit } = trial({ enforce: 'baseline' })
    await admit({
      object: made('v1', 'ReplicationController', { metadata, spec: { template: undefined } }),
      resource: 'replicationcontrollers',
    })
    assert.deepEqual(world.warned, [])
  })
})

describe('namespaces', () => {
  it('have labels that can be read when they are set, and may keep others', async () => {
    const { refused, relabel } = trial({})
    const said =
      'Namespace "default" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted'
    await refused({ resource: 'namespaces', namespace: '', object: namespace({ enforce: 'strict' }) }, said, 422)
    await refused(
      { resource: 'namespaces', operation: 'UPDATE', object: namespace({ enforce: 'strict' }), previous: namespace() },
      said,
      422,
    )
    assert.deepEqual(await relabel({ enforce: 'strict', audit: 'baseline' }, { enforce: 'strict' }), [])
  })

  it('that become stricter are told of their pods, by what is wrong with them', async () => {
    const { relabel, put } = trial({})
    put('b', host)
    put('a', host)
    put('c', host)
    put('d', { hostPID: true, containers: [{ name: 'main', securityContext: { privileged: true } }] })
    put('fine', {})
    put('e', { hostIPC: true, containers: [{ name: 'main', ports: [{ containerPort: 1, hostPort: 1 }] }] })
    put('f', { hostIPC: true, containers: [{ name: 'main', ports: [{ containerPort: 1, hostPort: 2 }] }] })
    assert.deepEqual(await relabel({ enforce: 'baseline' }), [
      'existing pods in namespace "default" violate the new PodSecurity enforce level "baseline:latest"',
      'a (and 2 other pods): host namespaces',
      'd: host namespaces, privileged',
      'e (and 1 other pod): host namespaces, hostPort',
    ])
  })

  it('are told nothing when they do not become stricter, or have no such pods', async () => {
    const { relabel, put } = trial({})
    put('fine', {})
    assert.deepEqual(await relabel({ enforce: 'baseline' }), [])
    put('a', host)
    for (const [next, previous] of [
      [{ warn: 'restricted', audit: 'restricted' }, {}],
      [{ enforce: 'privileged' }, { enforce: 'baseline' }],
      [{ enforce: 'baseline' }, { enforce: 'baseline' }],
      [{ enforce: 'baseline' }, { enforce: 'restricted' }],
    ] as const) {
      assert.deepEqual(await relabel(next, previous), [], JSON.stringify(next))
    }
    assert.equal((await relabel({ enforce: 'baseline', 'enforce-version': 'v1.3' }, { enforce: 'baseline' })).length, 2)
  })

  it('with many pods have one of each controller looked at first, and say how many were', async () => {
    const { relabel, put } = trial({}, { exemptions: { runtimeClasses: ['sandbox'] } })
    put('sandboxed', { ...host, runtimeClassName: 'sandbox' })
    for (let index = 0; index < 3_000; index++) put(`a-${String(index).padStart(4, '0')}`, host, 'many')
    put('z-1', { hostPID: true, containers: [{ name: 'main', securityContext: { privileged: true } }] }, 'last')
    assert.deepEqual(await relabel({ enforce: 'baseline' }), [
      'new PodSecurity enforce level only checked against the first 3000 of 3001 existing pods',
      'existing pods in namespace "default" violate the new PodSecurity enforce level "baseline:latest"',
      'a-0000 (and 2998 other pods): host namespaces',
      'z-1: host namespaces, privileged',
    ])
  })

  it('that are exempt are told that their labels mean nothing', async () => {
    const { relabel, put } = trial({}, { exemptions: { namespaces: ['default'] } })
    put('a', host)
    assert.deepEqual(await relabel({ enforce: 'baseline', audit: 'restricted', 'audit-version': 'v1.2' }), [
      'namespace "default" is exempt from Pod Security, and the policy (enforce=baseline:latest, audit=restricted:v1.2) will be ignored',
    ])
    assert.deepEqual(await relabel({ enforce: 'privileged' }), [])
  })
})
