import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { connectClient } from '../../shared/client/connect.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import type { Caller } from '../../simulation/cluster.ts'
import { isReady } from '../../simulation/pod-state.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { ClusterTooLarge, type CopiedKind, type CopyOptions, copyCluster, nameOf } from '../../simulation/what-if/copy-cluster.ts'
import { createFork, type Fork } from '../../simulation/what-if/create-fork.ts'
import { forecastText } from '../../simulation/what-if/forecast-text.ts'
import { readingTransport } from '../../simulation/what-if/reading-transport.ts'
import { deployment, podTemplate } from '../harness/workloads.ts'

const SECOND = 1_000
const ASSUMED = { podStart: 5 * SECOND, podStop: SECOND, jobDuration: 60 * SECOND }
const OPTIONS: CopyOptions = { namespaces: [], maxBytes: 2 ** 30, now: 0 }
const ROOM = { cpu: '4', memory: '8Gi', pods: '20' }

const copyOf = (live: SimulatedCluster, by: Caller | string = 'what-if', options: Partial<CopyOptions> = {}) =>
  copyCluster(readingTransport(live.transportOf(by)), { ...OPTIONS, now: live.clock.now(), ...options })

async function forkOf(context: TestContext, live: SimulatedCluster, by?: Caller, options?: { namespaces: string[] }): Promise<Fork> {
  const tools = { outside: realClock(), random: systemRandom(), log: silentLogger(), fail: (error: unknown) => assert.fail(String(error)) }
  const fork = await createFork(await copyOf(live, by, options), ASSUMED, tools)
  context.after(() => fork.stop())
  return fork
}

/** Three nodes with a Deployment of six that is guarded by a budget, a StatefulSet of two, and a namespace with a quota. */
async function startLive(context: TestContext): Promise<SimulatedCluster> {
  const script = () => ({ startMilliseconds: ASSUMED.podStart, stopMilliseconds: ASSUMED.podStop })
  const live = await startSimulatedCluster(context, { nodes: 3, machine: { allocatable: ROOM, script } })
  const { client } = live
  await client.create('apps/v1', 'Deployment', deployment('web', 6))
  await client.create('policy/v1', 'PodDisruptionBudget', {
    metadata: { name: 'web', namespace: 'default' },
    spec: { minAvailable: 6, selector: { matchLabels: { app: 'web' } } },
  })
  await client.create('apps/v1', 'StatefulSet', {
    metadata: { name: 'db', namespace: 'default' },
    spec: { serviceName: 'db', replicas: 2, selector: { matchLabels: { app: 'db' } }, template: podTemplate('db') },
  })
  await client.create('v1', 'Namespace', { metadata: { name: 'team' } })
  await client.create('v1', 'ResourceQuota', { metadata: { name: 'few', namespace: 'team' }, spec: { hard: { pods: '2' } } })
  await live.clock.advance(2 * SECOND)
  const small = deployment('small', 1)
  await client.create('apps/v1', 'Deployment', { ...small, metadata: { name: 'small', namespace: 'team' } })
  await live.until(
    'all run',
    async () => {
      const pods = await live.list('v1', 'Pod', 'default')
      return pods.length === 8 && pods.every(isReady)
    },
    60 * SECOND,
  )
  // Statuses of sets, budgets and quotas follow.
  await live.clock.advance(15 * SECOND)
  return live
}

const scale = (name: string, replicas: number, namespace = 'default') =>
  ['apps/v1', 'Deployment', { namespace, name }, { type: 'merge', body: { spec: { replicas } } }] as const

test('a fork is what the live cluster is: every object with its uid, version and status; and the live cluster is only read', async (context) => {
  const live = await startLive(context)
  await live.client.create('autoscaling/v2', 'HorizontalPodAutoscaler', {
    metadata: { name: 'web', namespace: 'default' },
    spec: { maxReplicas: 8, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
  })
  await defineShip(live)
  await live.clock.advance(SECOND)
  const copy = await copyOf(live)
  const fork = await forkOf(context, live)
  const again = await copyCluster(readingTransport(fork.transport), { ...OPTIONS, now: 0 })

  assert.deepEqual(copy.leftOut, [])
  const byName = (kinds: readonly CopiedKind[]) => new Map(kinds.map((kind) => [nameOf(kind), new Map(kind.objects.map(keyed))]))
  const [was, is] = [byName(copy.kinds), byName(again.kinds)]
  const different = [...was].flatMap(([kind, objects]) =>
    [...objects].flatMap(([key, object]) => (isDeepStrictEqual(object, is.get(kind)?.get(key)) ? [] : [`${kind} ${key}`])),
  )
  // Who the server is, that nodes are alive, and that autoscalers see no usage, is said at once.
  const own =
    /^(leases\.coordination|horizontalpodautoscalers|configmaps kube-(public|system)\/(cluster-info|extension)|secrets kube-system\/bootstrap-token|endpoint(s|slices\S*) default\/kubernetes)/
  assert.deepEqual(
    different.filter((name) => !own.test(name)),
    [],
  )
  const seen = await fork.client.get('autoscaling/v1', 'HorizontalPodAutoscaler', { namespace: 'default', name: 'web' })
  assert.equal(seen.spec.maxReplicas, 8)
  const ship = await fork.transport.send({ method: 'GET', path: '/apis/sea.example/v2/namespaces/default/ships/ann', headers: {} })
  assert.match(await ship.text(), /"apiVersion":"sea.example\/v2".*"weight":9007199254740993/)

  await fork.client.patch(...scale('web', 12))
  await fork.loseNode('node-1')
  await fork.pacer.jump(600 * SECOND)
  assert.equal((await copyOf(live)).revision, copy.revision, 'something was written to the live cluster')
})

/** A kind in two versions, of which the older one is stored, and an object with a number that no double holds. */
async function defineShip(live: SimulatedCluster): Promise<void> {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  await live.client.create('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
    metadata: { name: 'ships.sea.example' },
    spec: {
      ...{ group: 'sea.example', scope: 'Namespaced', names: { plural: 'ships', kind: 'Ship' } },
      versions: [
        { name: 'v1', served: true, storage: true, schema },
        { name: 'v2', served: true, storage: false, schema },
      ],
    },
  })
  await live.clock.advance(SECOND)
  const body = '{"apiVersion":"sea.example/v1","kind":"Ship","metadata":{"name":"ann"},"weight":9007199254740993}'
  const path = '/apis/sea.example/v1/namespaces/default/ships'
  const answer = await live.transportOf('test').send({ method: 'POST', path, headers: { 'content-type': 'application/json' }, body })
  assert.equal(answer.status, 201, await answer.text())
}

const keyed = (object: KubeObject) => [`${object.metadata.namespace ?? ''}/${object.metadata.name}`, object] as const

test('a connection for reading carries nothing else', async () => {
  let sent = 0
  const transport = readingTransport({
    send: () => {
      sent++
      return Promise.reject(new Error('was sent'))
    },
    close() {},
  })
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    await assert.rejects(transport.send({ method, path: '/api/v1/pods', headers: {} }), /only reads the live cluster/)
  }
  await assert.rejects(transport.send({ method: 'GET', path: '/api/v1/pods', headers: {}, body: '{}' }), /only reads/)
  assert.equal(sent, 0)
  await assert.rejects(transport.send({ method: 'GET', path: '/api/v1/pods', headers: {} }), /was sent/)
})

test('what does not fit stays pending, in the words that the scheduler has for it; a quota and a budget are said', async (context) => {
  const live = await startLive(context)
  const fork = await forkOf(context, live)
  // As when its time passes beside the machine's.
  await fork.pacer.jump(0.4)
  await fork.client.patch(...scale('small', 5, 'team'))
  await fork.pacer.jump(20 * SECOND)
  await fork.client.patch(...scale('web', 70))
  await fork.pacer.jump(60 * SECOND)
  const forecast = await fork.forecast(['it grows'])
  const web = forecast.workloads.find(({ owner }) => owner === 'Deployment default/web')
  assert.deepEqual([web?.before.ready, web?.after.pods], [6, 70])
  assert.equal(forecast.pending.length, 70 + 2 + 2 - 60)
  assert.match(forecast.pending[0]?.why ?? '', /^0\/3 nodes are available: 3 Too many pods/)
  const quota = forecast.quotas.find(({ resource }) => resource === 'pods')
  assert.deepEqual([quota?.name, quota?.usedBefore, quota?.used, quota?.hard], ['team/few', '1', '2', '2'])
  const [refused, ...others] = forecast.complaints.filter(({ about }) => about.startsWith('ReplicaSet team/small'))
  assert.match(refused?.message ?? '', /pods "small-[^"]*-…" is forbidden: exceeded quota: few/)
  assert.ok((refused?.times ?? 0) > 1)
  assert.deepEqual(others, [], 'a refusal for each name that was tried')

  const text = forecastText(forecast)
  assert.match(text, /after: it grows/)
  assert.match(text, /Pending\n {2}14 of Deployment default\/web: 0\/3 nodes are available/)
  assert.match(text, /team\/few pods: 1 → 2 of 2/)
})

test('a node that dies is forecast as it then happens: same pods go, as many are placed on the same nodes', async (context) => {
  const live = await startLive(context)
  const fork = await forkOf(context, live)
  await fork.loseNode('node-2')
  await fork.pacer.jump(420 * SECOND)
  const { workloads, nodes, budgets } = await fork.forecast()

  const before = new Map((await live.list('v1', 'Pod')).map((pod) => [pod.metadata.name, pod]))
  await live.machine('node-2').kill('crash')
  await live.clock.advance(420 * SECOND)
  const after = (await live.list('v1', 'Pod')).filter(({ metadata }) => metadata.deletionTimestamp === undefined)

  const left = new Set(after.map(({ metadata }) => metadata.name))
  const gone = [...before.keys()].filter((name) => !left.has(name))
  const forecastGone = workloads.flatMap(({ gone: pods }) => pods.map(({ name }) => name))
  assert.deepEqual(forecastGone.sort(), gone.sort())
  const counts = (pods: readonly Pod[], app: string) =>
    pods
      .filter(({ metadata }) => metadata.labels?.['app'] === app)
      .reduce<Record<string, number>>((sum, { spec }) => {
        sum[spec.nodeName ?? ''] = (sum[spec.nodeName ?? ''] ?? 0) + 1
        return sum
      }, {})
  assert.deepEqual(workloads.find(({ owner }) => owner === 'Deployment default/web')?.after.nodes, counts(after, 'web'))
  const node = await live.get('v1', 'Node', 'node-2')
  const dead = nodes.find(({ name }) => name === 'node-2')
  assert.equal(dead?.after?.ready, false)
  assert.deepEqual(
    dead?.after?.taints,
    (node.spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`),
  )
  assert.equal(budgets[0]?.allowed, 0)
  // The set's pod of a silent node may still run there: nobody makes a second one, here or there.
  assert.equal(workloads.find(({ owner }) => owner === 'StatefulSet default/db')?.placed.length ?? 0, 0)
})

test('an eviction that a budget forbids is refused in the fork as it would be', async (context) => {
  const live = await startLive(context)
  const fork = await forkOf(context, live)
  const pod = (await live.list('v1', 'Pod')).find(({ metadata }) => metadata.labels?.['app'] === 'web')
  const path = `/api/v1/namespaces/default/pods/${pod?.metadata.name}/eviction`
  const body = JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace: 'default', name: pod?.metadata.name } })
  const answer = await fork.transport.send({ method: 'POST', path, headers: { 'content-type': 'application/json' }, body })
  assert.equal(answer.status, 429)
  assert.match(await answer.text(), /Cannot evict pod as it would violate the pod's disruption budget/)
})

test('a person of few rights gets a fork of what they may read, and is told what is missing', async (context) => {
  const live = await startLive(context)
  await live.client.create('rbac.authorization.k8s.io/v1', 'RoleBinding', {
    metadata: { name: 'viewer', namespace: 'default' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'ann' }],
  })
  await live.clock.settle()
  const ann = { name: 'ann', groups: ['system:authenticated'] }
  const fork = await forkOf(context, live, ann, { namespaces: ['default'] })
  await fork.pacer.jump(60 * SECOND)
  const forecast = await fork.forecast()
  assert.deepEqual([forecast.workloads, forecast.pending], [[], []], 'pods of nodes that could not be read stay')
  assert.ok(forecast.leftOut.some((sentence) => /^nodes: nodes is forbidden: User "ann" cannot list/.test(sentence)))
  assert.ok(forecast.leftOut.some((sentence) => /^pods, but for namespaces default:/.test(sentence)))
  assert.ok(forecast.leftOut.some((sentence) => /^secrets: /.test(sentence)))
  assert.ok(forecast.changed.some((sentence) => /^nodes node-1.*stand-ins/.test(sentence)))
  await assert.rejects(fork.client.get('apps/v1', 'Deployment', { namespace: 'team', name: 'small' }), /not found/)

  const nobody = { name: 'nobody', groups: ['system:authenticated'] }
  await assert.rejects(copyOf(live, nobody), /nothing of this cluster can be listed/)
})

test('what would reach out of the process is not in a fork, and that is said', async (context) => {
  const live = await startSimulatedCluster(context, { nodes: 1 })
  const clientConfig = { url: 'https://hooks.example/x' }
  await live.client.create('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', {
    metadata: { name: 'guard' },
    webhooks: [
      {
        ...{ name: 'guard.example.com', clientConfig, sideEffects: 'None', admissionReviewVersions: ['v1'], failurePolicy: 'Fail' },
        rules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'], scope: '*' }],
      },
    ],
  })
  await live.client.create('apiregistration.k8s.io/v1', 'APIService', {
    metadata: { name: 'v1.others.example' },
    spec: {
      ...{ group: 'others.example', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 15, insecureSkipTLSVerify: true },
      service: { name: 'others', namespace: 'default' },
    },
  })
  await live.clock.advance(SECOND)
  const fork = await forkOf(context, live)
  await fork.client.create('apps/v1', 'Deployment', deployment('web', 1))
  const { changed } = await fork.forecast()
  assert.deepEqual([...changed].sort(), ["v1.others.example is another server's, and not served", 'webhooks of guard are not asked'])
})

test('a fork connects to nobody: the nodes and pods whose addresses it has are those of the live cluster', async (context) => {
  const live = await startLive(context)
  const fork = await forkOf(context, live)
  const pod = (await live.list('v1', 'Pod')).find(({ metadata }) => metadata.labels?.['app'] === 'web')
  const place = `/api/v1/namespaces/default/pods/${pod?.metadata.name}`
  for (const path of [`${place}/log`, `${place}/proxy/`, '/api/v1/nodes/node-1/proxy/pods']) {
    const answer = await fork.transport.send({ method: 'GET', path, headers: {} })
    assert.deepEqual([path, answer.status], [path, 503])
    assert.match(await answer.text(), /a fork of a cluster: it connects to no node/)
  }
})

test('a cluster that is too large for the bound is refused with the flag that moves it', async (context) => {
  const live = await startSimulatedCluster(context, { nodes: 1 })
  await assert.rejects(
    copyOf(live, 'what-if', { maxBytes: 100_000 }),
    (error) => error instanceof ClusterTooLarge && /--max-bytes/.test(error.message),
  )
})

test('the clock of a fork is asked and set over its API, and a jump is refused that is none', async (context) => {
  const live = await startSimulatedCluster(context, { nodes: 1 })
  const fork = await forkOf(context, live)
  const { transport, close } = connectClient({ kubeconfig: fork.kubeconfig, clock: realClock(), userAgent: 'test' })
  context.after(close)
  const send = async (method: string, body?: string) => {
    const answer = await transport.send({ method, path: '/what-if/clock', headers: { 'content-type': 'application/json' }, body })
    return { status: answer.status, body: JSON.parse(await answer.text()) }
  }
  assert.deepEqual((await send('GET')).body, { kind: 'Clock', time: new Date(live.clock.now()).toISOString(), passedSeconds: 0, speed: 0 })
  assert.deepEqual((await send('POST', '{"jump": "10m"}')).body.passedSeconds, 600)
  for (const body of ['', '[]', '{}', '{"jump": "soon"}', '{"jump": "9000h"}', '{"speed": -1}', '{"speed": "1"}', '{"till": 1}']) {
    assert.equal((await send('POST', body)).status, 400, body)
  }
  assert.equal((await send('DELETE')).status, 405)
  assert.equal((await send('POST', '{"speed": 100}')).body.speed, 100)
  assert.equal((await send('POST', '{"speed": 0}')).body.speed, 0)
})
