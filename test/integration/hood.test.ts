import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptySimulatedState } from '../../kubelet/runtime/simulated-state.ts'
import { silentRecorder } from '../../shared/client/event-recorder.ts'
import { isTrue } from '../../shared/objects/conditions.ts'
import type { Caller, InProcessCluster } from '../../simulation/cluster.ts'
import { startCluster } from '../../simulation/cluster.ts'
import { startApi } from '../harness/api.ts'
import { configMap } from '../harness/bodies.ts'
import { joinNode } from '../harness/node-reports.ts'
import { type SimulatedNode, simulatedNode } from '../harness/simulated-node.ts'
import { deployment } from '../harness/workloads.ts'

interface Deed {
  revision: string
  type: string
  resource: string
  name: string
  fields?: { path: string; before?: unknown; after?: unknown }[]
  request: { verb: string; user: string; manager?: string; allowedBy?: string }
  cause?: { by: string; revision?: string; why?: string }
  told?: { watches: number; users: string[]; afterMilliseconds: number }
}

const jane: Caller = { name: 'jane', groups: ['system:authenticated'] }
const WEB = '/hood/apis/apps/v1/namespaces/default/deployments/web'

async function startScene(): Promise<{
  cluster: InProcessCluster
  nodes: SimulatedNode[]
  settleUntil(condition: () => Promise<boolean>): Promise<void>
  stop(): Promise<void>
}> {
  const cluster = await startCluster({ controllers: ['*'], scheduler: true })
  const nodes: SimulatedNode[] = []
  for (const number of [1, 2]) {
    const [name, address] = [`node-${number}`, `192.0.2.10${number}`]
    const client = cluster.clientOf({ name: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'] })
    await joinNode(client, name, cluster.clock)
    const addresses = [{ type: 'InternalIP', address }]
    await client.patch('v1', 'Node', { name }, { type: 'merge', body: { status: { addresses } }, subresource: 'status' })
    const node = simulatedNode({
      ...{ name, address, client, tools: cluster.tools, events: silentRecorder() },
      // Addresses of pods begin elsewhere on each.
      runtime: { state: { ...emptySimulatedState(), next: 250 * (number - 1) } },
    })
    nodes.push(node)
    await node.start()
  }
  await cluster.client.create('rbac.authorization.k8s.io/v1', 'RoleBinding', {
    metadata: { name: 'jane-edits', namespace: 'default' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' }],
  })
  await cluster.clock.advance(5_000)
  return {
    cluster,
    nodes,
    async settleUntil(condition) {
      for (let step = 0; step < 300; step++) {
        await cluster.clock.settle()
        if (await condition()) return
        await cluster.clock.advance(100)
      }
      const all = await cluster.client.list('v1', 'Pod', { namespace: 'default' })
      assert.fail(
        `not so after 30 s: ${JSON.stringify(all.items.map(({ metadata, spec, status }) => [metadata.name, spec.nodeName, status]))}`,
      )
    },
    async stop() {
      for (const node of nodes) await node.stop()
      await cluster.stop()
    },
  }
}

test('the story of a Deployment is told whole: two are run, one is scaled away, one crashes', async (context) => {
  const { cluster, nodes, settleUntil, stop } = await startScene()
  context.after(stop)
  const { client } = cluster
  const ask = async (path: string, of = client) => (await of.request('GET', path)) as { items: Deed[] }
  const pods = async () => (await client.list('v1', 'Pod', { namespace: 'default' })).items
  const ready = async () => (await pods()).filter(({ status }) => isTrue(status.conditions ?? [], 'Ready')).length
  const newest = async () => ((await client.request('GET', '/rewind')) as { newest: { revision: string } }).newest.revision

  // What the store's log has of these kinds since `from`: nothing may be missing in the chain.
  const logged = async (from: string) => {
    const { items } = await ask(`/rewind/${from}/changes?namespace=default&limit=5000`)
    return items.filter(({ resource }) => ['deployments', 'replicasets', 'pods'].includes(resource))
  }
  const isWhole = async (from: string, roots: number) => {
    const { items } = await ask(WEB)
    const byRevision = new Map(items.map((item) => [item.revision, item]))
    for (const { revision, type, resource, name } of await logged(from)) {
      assert.ok(byRevision.has(revision), `revision ${revision} (${type} ${resource} ${name}) is not in the chain`)
    }
    const began = items.filter(({ cause }) => cause === undefined)
    assert.equal(began.length, roots, JSON.stringify(began))
    for (const item of items.filter(({ cause }) => cause !== undefined)) {
      const cause = byRevision.get(item.cause!.revision ?? '')
      assert.ok(cause && Number(cause.revision) < Number(item.revision), `the cause of ${JSON.stringify(item)} is not there`)
    }
    return items
  }

  const start = await newest()
  const hers = cluster.clientOf(jane)
  await hers.create('apps/v1', 'Deployment', deployment('web', 2))
  await settleUntil(async () => (await ready()) === 2)
  await cluster.clock.advance(1_000)
  const run = await isWhole(start, 1)
  const [first] = run
  assert.deepEqual([first!.resource, first!.type, first!.request.user, first!.request.verb], ['deployments', 'created', 'jane', 'create'])
  assert.match(first!.request.allowedBy ?? '', /RoleBinding "jane-edits/)
  assert.ok(first!.told!.watches > 0 && first!.told!.users.includes('system:kube-controller-manager'), JSON.stringify(first!.told))
  const made = run.find(({ resource, type }) => resource === 'replicasets' && type === 'created')!
  assert.deepEqual([made.cause!.by, made.cause!.revision], ['deployment', first!.revision])
  assert.equal(run.filter(({ resource, type, cause }) => resource === 'pods' && type === 'created' && cause?.by === 'replicaset').length, 2)
  const bound = run.filter(({ cause }) => cause?.by === 'scheduler')
  assert.equal(bound.length, 2)
  for (const { cause, fields } of bound) {
    assert.match(cause!.why ?? '', /^node-\d: \d+ points of 2 that fit \(node-\d \d+\)$/)
    assert.ok(fields!.some(({ path }) => path === 'spec.nodeName'))
  }
  assert.ok(run.some(({ cause, request }) => cause?.by === 'kubelet' && /^system:node:node-[12]$/.test(request.user)))

  await hers.patch('apps/v1', 'Deployment', { namespace: 'default', name: 'web' }, { type: 'merge', body: { spec: { replicas: 1 } } })
  await settleUntil(async () => (await pods()).length === 1)
  await cluster.clock.advance(1_000)
  const scaled = await isWhole(start, 2)
  const wish = scaled.find(({ fields }) => fields?.some(({ path, after }) => path === 'spec.replicas' && after === 1))!
  assert.equal(wish.request.user, 'jane')
  const gone = scaled.find(({ resource, type }) => resource === 'pods' && type === 'deleted')!
  // Back from the end of the pod to the wish: the kubelet, the ReplicaSet controller, the Deployment controller, jane.
  const by: string[] = []
  for (let at: Deed | undefined = gone; at; at = scaled.find(({ revision }) => revision === at!.cause?.revision))
    by.push(at.cause?.by ?? at.request.user)
  assert.deepEqual([...new Set(by)], ['kubelet', 'replicaset', 'deployment', 'jane'])

  const [left] = await pods()
  const node = nodes.find((each) => [...each.state.containers.values()].some(({ podUid }) => podUid === left!.metadata.uid))!
  const container = [...node.state.containers.values()].find(({ podUid }) => podUid === left!.metadata.uid)!
  node.runtime.crash(container.status.id, 3)
  await settleUntil(async () => (await pods())[0]!.status.containerStatuses?.[0]?.restartCount === 1)
  await isWhole(start, 2)
  const { items } = await ask(`/hood/api/v1/namespaces/default/pods/${left!.metadata.name}`)
  const crash = items.find(({ fields }) => fields?.some(({ path, after }) => path.endsWith('restartCount') && after === 1))
  assert.equal(crash?.cause?.by, 'kubelet')
})

test('who may not get an object hears nothing of it, and what is no object has no chain', async (context) => {
  const { cluster, settleUntil, stop } = await startScene()
  context.after(stop)
  const { client } = cluster
  await client.create('apps/v1', 'Deployment', deployment('web', 1))
  const pods = async () => (await client.list('v1', 'Pod', { namespace: 'default' })).items
  await settleUntil(async () => (await pods()).some(({ spec }) => spec.nodeName !== undefined))
  const role = { metadata: { name: 'pods', namespace: 'default' }, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] }
  await client.create('rbac.authorization.k8s.io/v1', 'Role', role)
  await client.create('rbac.authorization.k8s.io/v1', 'RoleBinding', {
    metadata: role.metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'pods' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'half' }],
  })
  await cluster.clock.settle()
  const half = cluster.clientOf({ name: 'half', groups: ['system:authenticated'] })
  const [pod] = await pods()
  const { items } = (await half.request('GET', `/hood/api/v1/namespaces/default/pods/${pod!.metadata.name}`)) as { items: Deed[] }
  assert.ok(items.length > 1 && items.every(({ resource }) => resource === 'pods'), JSON.stringify(items.map(({ resource }) => resource)))
  await assert.rejects(half.request('GET', WEB), { code: 403 })
  for (const path of [
    '/hood',
    '/hood/',
    '/hood/api/v1/pods',
    '/hood/version',
    '/hood/rewind/1/api/v1/pods',
    `${WEB}/status`,
    '/hood/api/v1/watch/pods',
  ])
    await assert.rejects(client.request('GET', path), { code: 404 }, path)
  await assert.rejects(client.request('DELETE', WEB), { code: 405 })
  assert.deepEqual(((await client.request('GET', `${WEB}-never`)) as { items: Deed[] }).items, [])
})

test('who follows a chain is told of each thing that joins it, and of nothing else', async (context) => {
  const api = await startApi({}, context)
  const maps = '/api/v1/namespaces/default/configmaps'
  await api.request('POST', maps, configMap('followed'))
  const gone = new AbortController()
  const path = `/hood${maps}/followed?follow=true`
  const response = await api.transport().send({ method: 'GET', path, headers: {}, signal: gone.signal, stream: true })
  assert.equal(response.status, 200)
  const cause = { 'x-coxswain-cause': '' }
  const seen: { type: string; name: string; cause?: { by: string } }[] = []
  let text = ''
  for await (const chunk of response.chunks()) {
    text += Buffer.from(chunk).toString()
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const item = JSON.parse(text.slice(0, end)) as (typeof seen)[number] & { revision: string }
      text = text.slice(end + 1)
      seen.push(item)
      if (seen.length > 1) continue
      await api.request('POST', maps, configMap('unrelated'))
      cause['x-coxswain-cause'] = JSON.stringify({ by: 'someone', revision: item.revision })
      await api.request('POST', maps, configMap('effect'), cause)
      await api.request('DELETE', `${maps}/followed`)
    }
    if (seen.length === 3) break
  }
  gone.abort()
  assert.deepEqual(
    seen.map(({ type, name, cause: said }) => [type, name, said?.by]),
    [
      ['created', 'followed', undefined],
      ['created', 'effect', 'someone'],
      ['deleted', 'followed', undefined],
    ],
  )
  assert.equal((await api.request('GET', `${path}&timeoutSeconds=x`)).status, 400)
})
