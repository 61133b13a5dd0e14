import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { settings as schedulerSettings } from '../../scheduler/config.ts'
import { createScheduler } from '../../scheduler/create-scheduler.ts'
import { readExtenders, type WrittenExtender } from '../../scheduler/extenders/extender-config.ts'
import { policyOf } from '../../scheduler/policy/read-policy.ts'
import { readConfig } from '../../shared/process/config.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { pod } from '../harness/workloads.ts'

type Answers = Readonly<
  Record<string, (question: { Pod: { metadata: { name: string } }; NodeNames: string[] } & Record<string, unknown>) => unknown>
>

/** A real extender over HTTP beside the API server; on virtual time nothing is late. */
async function clusterWith(context: TestContext, answers: Answers, written: Partial<WrittenExtender>, nodes = 3) {
  const asked: string[] = []
  const server = createServer(async (request, reply) => {
    let text = ''
    for await (const part of request) text += String(part)
    const verb = (request.url ?? '').slice(1)
    asked.push(verb)
    const answer = answers[verb]?.(JSON.parse(text))
    if (answer === undefined) reply.writeHead(500)
    reply.end(JSON.stringify(answer ?? null))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const urlPrefix = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const verbs = Object.fromEntries(Object.keys(answers).map((verb) => [`${verb}Verb`, verb]))
  const extenders = await readExtenders(
    [{ urlPrefix, weight: 1, nodeCacheCapable: true, httpTimeout: '24h', ...verbs, ...written }],
    'test',
  )
  const controllers = ['serviceaccount', 'node-lifecycle', 'pod-garbage-collector']
  const cluster = await startSimulatedCluster(context, { nodes, controllers, scheduler: false })
  const defaults = readConfig({ name: 'scheduler', summary: '' }, schedulerSettings, { args: [], env: {} })
  const policy = policyOf({ schedulerName: undefined, plugins: [] }, {}, '', extenders)
  await cluster.add(createScheduler({ ...defaults, leaderElect: false, healthPort: 0 }, cluster.tools, policy))
  await cluster.clock.advance(1_000)
  return { cluster, asked }
}

const nodeOf = async (cluster: SimulatedCluster, name: string) => (await cluster.get('v1', 'Pod', name)).spec.nodeName
const messageOf = async (cluster: SimulatedCluster, name: string) =>
  (await cluster.get('v1', 'Pod', name)).status.conditions?.find(({ type }) => type === 'PodScheduled')?.message ?? ''
/** Many steps of little time: what is asked over a socket takes turns of the loop, not time. */
const until = (cluster: SimulatedCluster, what: string, isSo: () => Promise<unknown>) => cluster.until(what, isSo, 120_000, 20)

test('an extender filters and gives points; what it refuses is told in its words', async (context) => {
  const answers: Answers = {
    filter: ({ Pod, NodeNames }) => {
      const left = Pod.metadata.name === 'nowhere' ? [] : NodeNames.filter((name) => name !== 'node-1')
      return {
        NodeNames: left,
        FailedNodes: Object.fromEntries(NodeNames.filter((name) => !left.includes(name)).map((name) => [name, 'no licence'])),
      }
    },
    prioritize: ({ NodeNames }) => NodeNames.map((Host) => ({ Host, Score: Host === 'node-3' ? 10 : 0 })),
  }
  const { cluster, asked } = await clusterWith(context, answers, {})
  await cluster.client.create('v1', 'Pod', pod('there'))
  await until(cluster, 'placed', async () => (await nodeOf(cluster, 'there')) !== undefined)
  assert.equal(await nodeOf(cluster, 'there'), 'node-3')
  assert.deepEqual(asked, ['filter', 'prioritize'])
  await cluster.client.create('v1', 'Pod', pod('nowhere'))
  await until(cluster, 'refused', async () => (await messageOf(cluster, 'nowhere')) !== '')
  assert.match(await messageOf(cluster, 'nowhere'), /^0\/3 nodes are available: 3 no licence\./)
})

test('one that fails holds its pods up, unless it may be ignored; pods that are none of its business go on', async (context) => {
  const managed = { managedResources: [{ name: 'example.com/chip', ignoredByScheduler: true }] }
  const chip = (name: string) =>
    pod(name, { containers: [{ name: 'main', image: 'x', resources: { limits: { 'example.com/chip': '1' } } }] })
  const strict = await clusterWith(context, { filter: () => undefined }, managed)
  await strict.cluster.client.create('v1', 'Pod', chip('held'))
  await strict.cluster.client.create('v1', 'Pod', pod('free'))
  await until(strict.cluster, 'placed', () => nodeOf(strict.cluster, 'free'))
  await until(strict.cluster, 'told', async () => (await messageOf(strict.cluster, 'held')) !== '')
  assert.match(await messageOf(strict.cluster, 'held'), /extender http:.*failed filter, code 500/)
  const asked = strict.asked.length
  await until(strict.cluster, 'asked again after the back-off', async () => strict.asked.length > asked)
  const lax = await clusterWith(context, { filter: () => undefined }, { ...managed, ignorable: true })
  await lax.cluster.client.create('v1', 'Pod', chip('placed'))
  await until(lax.cluster, 'placed', () => nodeOf(lax.cluster, 'placed'))
})

test('an extender binds, and has the last word on who is displaced', async (context) => {
  const bound: unknown[] = []
  const late: { cluster?: SimulatedCluster } = {}
  const answers: Answers = {
    bind: ({ PodName, PodNamespace, PodUID, Node }) => {
      bound.push([PodName, Node])
      const target = { apiVersion: 'v1', kind: 'Node', name: Node }
      const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name: PodName, namespace: PodNamespace, uid: PodUID }, target }
      const name = { namespace: String(PodNamespace), name: String(PodName) }
      void late.cluster?.client.createSubresource('v1', 'Pod', name, 'binding', body)
      return {}
    },
    preempt: ({ NodeNameToMetaVictims }) => {
      const all = NodeNameToMetaVictims as Record<string, unknown>
      return { NodeNameToMetaVictims: { 'node-2': all['node-2'] } }
    },
  }
  const { cluster } = await clusterWith(context, answers, {}, 2)
  late.cluster = cluster
  await cluster.client.create('scheduling.k8s.io/v1', 'PriorityClass', { metadata: { name: 'high' }, value: 1000 })
  const asking = (name: string, more: object = {}) =>
    pod(name, { containers: [{ name: 'main', image: 'x', resources: { requests: { cpu: '3' } } }], ...more })
  for (const name of ['low-1', 'low-2']) await cluster.client.create('v1', 'Pod', asking(name))
  await until(cluster, 'placed', async () => (await cluster.pods()).every(({ spec }) => spec.nodeName))
  assert.equal(bound.length, 2)
  await cluster.client.create('v1', 'Pod', asking('high', { priorityClassName: 'high' }))
  await until(cluster, 'placed', () => nodeOf(cluster, 'high'))
  assert.equal(await nodeOf(cluster, 'high'), 'node-2')
  assert.deepEqual(bound.at(-1), ['high', 'node-2'])
})
