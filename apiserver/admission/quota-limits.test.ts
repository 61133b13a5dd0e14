import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Container, LimitRangeItem, PodSpec, ResourceQuotaSpec } from '../../shared/openapi/generated/core-v1.ts'
import { admissionTrial, made, madePod as pod } from '../../test/harness/admission-trial.ts'

let { world, reader, admit, refused } = admissionTrial()
beforeEach(() => {
  ;({ world, reader, admit, refused } = admissionTrial())
})

function limit(...limits: LimitRangeItem[]): void {
  reader.put('v1', 'LimitRange', { metadata: { namespace: 'default', name: 'limits' }, spec: { limits } })
}

function quota(name: string, spec: ResourceQuotaSpec, used: Record<string, string>): void {
  const metadata = { namespace: 'default', name, uid: name }
  reader.put('v1', 'ResourceQuota', { metadata, spec, status: { hard: { ...spec.hard }, used } })
}

const usedOf = (name: string) => reader.get('v1', 'ResourceQuota', { namespace: 'default', name })?.status.used
const asking = (resources: Container['resources'], more: Partial<PodSpec> = {}) =>
  pod({ containers: [{ name: 'main', resources }], ...more })

describe('limits of a namespace', () => {
  it('give containers what they do not say, and write down what', async () => {
    limit({ type: 'Container', default: { cpu: '500m', memory: '1Gi' }, defaultRequest: { cpu: '100m' } })
    const object = pod({ initContainers: [{ name: 'first' }], containers: [{ name: 'main', resources: { limits: { cpu: '1' } } }] })
    await admit({ object })
    assert.deepEqual(object.spec.containers[0]?.resources, { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m' } })
    assert.equal(
      object.metadata.annotations?.['kubernetes.io/limit-ranger'],
      'LimitRanger plugin set: cpu request for container main; memory limit for container main; cpu request for init container first; cpu, memory limit for init container first',
    )
  })

  const bounds: readonly [LimitRangeItem, Container['resources'], string | undefined][] = [
    [{ type: 'Container', min: { cpu: '100m' } }, {}, 'minimum cpu usage per Container is 100m.  No request is specified'],
    [
      { type: 'Container', min: { cpu: '100m' } },
      { requests: { cpu: '50m' } },
      'minimum cpu usage per Container is 100m, but request is 50m',
    ],
    [{ type: 'Container', max: { memory: '1Gi' } }, {}, 'maximum memory usage per Container is 1Gi.  No limit is specified'],
    [
      { type: 'Container', max: { memory: '1Gi' } },
      { limits: { memory: '2Gi' } },
      'maximum memory usage per Container is 1Gi, but limit is 2Gi',
    ],
    [
      { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
      { limits: { cpu: '5' }, requests: { cpu: '2' } },
      'cpu max limit to request ratio per Container is 2, but provided ratio is 2.500000',
    ],
    [{ type: 'Container', maxLimitRequestRatio: { cpu: '2' } }, { limits: { cpu: '300m' }, requests: { cpu: '150m' } }, undefined],
    [{ type: 'Pod', max: { cpu: '1' } }, { limits: { cpu: '600m' } }, undefined],
    [{ type: 'Pod', max: { cpu: '500m' } }, { limits: { cpu: '600m' } }, 'maximum cpu usage per Pod is 500m, but limit is 600m'],
    [
      { type: 'Container', min: { cpu: '1' }, max: { memory: '1' } },
      {},
      '[minimum cpu usage per Container is 1.  No request is specified, maximum memory usage per Container is 1.  No limit is specified]',
    ],
  ]
  for (const [item, resources, why] of bounds) {
    it(`${JSON.stringify(item)} ${why ? 'refuse' : 'allow'} ${JSON.stringify(resources)}`, async () => {
      limit(item)
      if (why === undefined) await admit({ object: asking(resources) })
      else await refused({ object: asking(resources) }, `pods "web" is forbidden: ${why}`)
    })
  }

  it('are not asked when a pod changes: its containers cannot', async () => {
    limit({ type: 'Container', min: { cpu: '1' } })
    await admit({ operation: 'UPDATE', object: pod(), previous: pod() })
  })

  it('bound claims, which have no limits', async () => {
    limit({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } })
    const claim = (storage: string) =>
      made('v1', 'PersistentVolumeClaim', {
        metadata: { name: 'data', namespace: 'default' },
        spec: { resources: { requests: { storage } } },
      })
    const named = { resource: 'persistentvolumeclaims' }
    await admit({ ...named, object: claim('2Gi') })
    const refusal = 'persistentvolumeclaims "data" is forbidden: '
    await refused(
      { ...named, object: claim('1Mi') },
      `${refusal}minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi`,
    )
    await refused(
      { ...named, object: claim('3Gi') },
      `${refusal}maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi`,
    )
  })
})

describe('quotas of a namespace', () => {
  it('are charged for what is made, by every name they have for it', async () => {
    quota(
      'all',
      { hard: { pods: '2', cpu: '1', 'requests.cpu': '1', 'limits.memory': '1Gi' } },
      { pods: '0', cpu: '0', 'requests.cpu': '0', 'limits.memory': '0' },
    )
    await admit({ object: asking({ requests: { cpu: '300m' }, limits: { memory: '1Gi' } }) })
    assert.deepEqual(usedOf('all'), { pods: '1', cpu: '300m', 'requests.cpu': '300m', 'limits.memory': '1Gi' })
  })

  it('refuse what is too much, with the numbers', async () => {
    quota('small', { hard: { pods: '9', cpu: '1' } }, { pods: '3', cpu: '900m' })
    await refused(
      { object: asking({ requests: { cpu: '200m' } }) },
      'pods "web" is forbidden: exceeded quota: small, requested: cpu=200m, used: cpu=900m, limited: cpu=1',
    )
    assert.deepEqual(usedOf('small'), { pods: '3', cpu: '900m' })
  })

  it('want every container to say what they limit', async () => {
    quota('limits', { hard: { 'limits.cpu': '1', 'requests.memory': '1Gi' } }, { 'limits.cpu': '0', 'requests.memory': '0' })
    await refused(
      { object: pod({ initContainers: [{ name: 'first' }] }) },
      'pods "web" is forbidden: failed quota: limits: must specify limits.cpu for: first,main; requests.memory for: first,main',
    )
    await admit({ object: pod({ resources: { limits: { cpu: '1' }, requests: { memory: '1Gi' } } }) })
  })

  it('that have not been counted yet refuse', async () => {
    quota('new', { hard: { pods: '1' } }, {})
    await refused({ object: pod() }, 'pods "web" is forbidden: status unknown for quota: new, resources: pods')
  })

  it('are not charged by a dry run, which is refused all the same', async () => {
    quota('one', { hard: { pods: '1' } }, { pods: '0' })
    await admit({ object: pod(), dryRun: true })
    assert.deepEqual(usedOf('one'), { pods: '0' })
    await admit({ object: pod() })
    await refused({ object: pod(), dryRun: true }, /exceeded quota: one/)
  })

  it('get back what was charged for a write that failed', async () => {
    quota('one', { hard: { pods: '1' } }, { pods: '0' })
    await admit({ object: pod() })
    assert.equal(world.taken.length, 1)
    for (const undo of world.taken) await undo()
    assert.deepEqual(usedOf('one'), { pods: '0' })
  })

  it('count devices by requests.<name>, pages by both names', async () => {
    const hard = { 'requests.example.com/gpu': '2', 'hugepages-2Mi': '4Mi', 'requests.hugepages-2Mi': '4Mi' }
    quota('devices', { hard }, { 'requests.example.com/gpu': '0', 'hugepages-2Mi': '0', 'requests.hugepages-2Mi': '0' })
    const amounts = { 'example.com/gpu': '2', 'hugepages-2Mi': '2Mi' }
    await admit({ object: asking({ requests: amounts, limits: amounts }) })
    assert.deepEqual(usedOf('devices'), { 'requests.example.com/gpu': '2', 'hugepages-2Mi': '2Mi', 'requests.hugepages-2Mi': '2Mi' })
  })

  it('with scopes are about what lies in all of them', async () => {
    reader.put('scheduling.k8s.io/v1', 'PriorityClass', { metadata: { name: 'high' }, value: 1 })
    const scoped = (name: string, spec: ResourceQuotaSpec) => quota(name, { hard: { pods: '9' }, ...spec }, { pods: '0' })
    scoped('ending', { scopes: ['Terminating'] })
    scoped('staying', { scopes: ['NotTerminating'] })
    scoped('high', { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } })
    scoped('low', { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'NotIn', values: ['high'] }] } })
    scoped('far', { scopes: ['CrossNamespacePodAffinity'] })
    const term = { topologyKey: 'zone', namespaces: ['other'] }
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } }
    await admit({ object: pod({ activeDeadlineSeconds: 5, priorityClassName: 'high', affinity }) })
    await admit({ object: pod() })
    const used = ['ending', 'staying', 'high', 'low', 'far'].map((name) => usedOf(name)?.['pods'])
    assert.deepEqual(used, ['1', '1', '1', '1', '1'])
  })

  it('count services, the ports they take and their load balancers; a change of type is charged for what it adds', async () => {
    const used = { services: '0', 'services.nodeports': '0', 'services.loadbalancers': '0' }
    quota('services', { hard: { services: '2', 'services.nodeports': '2', 'services.loadbalancers': '0' } }, used)
    const service = (type: string) =>
      made('v1', 'Service', {
        ...{ metadata: { name: 'web', namespace: 'default' }, status: { loadBalancer: {} } },
        spec: { type, ports: [{ port: 1 }, { port: 2 }] },
      })
    const named = { resource: 'services' }
    await admit({ ...named, object: service('ClusterIP') })
    await admit({ ...named, operation: 'UPDATE', object: service('NodePort'), previous: service('ClusterIP') })
    assert.deepEqual(usedOf('services'), { services: '1', 'services.nodeports': '2', 'services.loadbalancers': '0' })
    await refused(
      { ...named, operation: 'UPDATE', object: service('LoadBalancer'), previous: service('NodePort') },
      'services "web" is forbidden: exceeded quota: services, requested: services.loadbalancers=1, used: services.loadbalancers=0, limited: services.loadbalancers=0',
    )
  })

  it('count claims by class, and everything by count/<resource>', async () => {
    const gold = 'gold.storageclass.storage.k8s.io/requests.storage'
    const zero = { persistentvolumeclaims: '0', 'requests.storage': '0', [gold]: '0', 'count/configmaps': '0', configmaps: '0' }
    quota(
      'storage',
      { hard: { persistentvolumeclaims: '2', 'requests.storage': '2Gi', [gold]: '1Gi', 'count/configmaps': '1', configmaps: '5' } },
      zero,
    )
    const claim = made('v1', 'PersistentVolumeClaim', {
      metadata: { name: 'data', namespace: 'default' },
      spec: { storageClassName: 'gold', resources: { requests: { storage: '1Gi' } } },
    })
    await admit({ resource: 'persistentvolumeclaims', object: claim })
    const configMap = made('v1', 'ConfigMap', { metadata: { name: 'x', namespace: 'default' } })
    await admit({ resource: 'configmaps', object: configMap })
    assert.deepEqual(usedOf('storage'), {
      persistentvolumeclaims: '1',
      'requests.storage': '1Gi',
      [gold]: '1Gi',
      'count/configmaps': '1',
      configmaps: '1',
    })
    await refused(
      { resource: 'configmaps', object: configMap },
      /exceeded quota: storage, requested: count\/configmaps=1, used: count\/configmaps=1/,
    )
  })
})
