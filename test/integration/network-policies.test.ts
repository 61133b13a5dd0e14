import assert from 'node:assert/strict'
import { test } from 'node:test'
import { followPeers } from '../../kube-proxy/policies/policy-peers.ts'
import { PolicyPlane } from '../../kube-proxy/policies/policy-plane.ts'
import { PolicySync } from '../../kube-proxy/policies/policy-sync.ts'
import { createInformers } from '../../shared/informer/shared-informers.ts'
import { startCluster } from '../../simulation/cluster.ts'
import { joinNode, report } from '../harness/node-reports.ts'
import { pod } from '../harness/workloads.ts'

const NETWORKING = 'networking.k8s.io/v1'

test('a node sees policies, pods and namespaces with the rights that it has, and its table follows them', async (t) => {
  const cluster = await startCluster({ controllers: ['serviceaccount'] })
  t.after(() => cluster.stop())
  const { client, clock } = cluster
  await clock.advance(100)
  await joinNode(client, 'node-1', clock)
  const ending = new AbortController()
  const node = cluster.clientOf({ name: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'] })
  const tools = { ...cluster.tools, client: node }
  const informers = createInformers(tools)
  const texts: string[] = []
  const sync = new PolicySync({
    ...{ policies: informers.of(NETWORKING, 'NetworkPolicy'), nodes: informers.of('v1', 'Node'), nodeName: 'node-1' },
    peers: (signal) => followPeers({ ...tools, informers }, signal),
    plane: new PolicyPlane({ table: 'policy-test', family: 'IPv4' }, async (text) => void texts.push(text)),
    ...{ clock: tools.clock, log: tools.log },
  })
  informers.start(ending.signal)
  await clock.advance(1_000)
  const running = sync.run(ending.signal)
  t.after(async () => {
    ending.abort()
    await running
  })
  /** What was applied since the last question. */
  const applied = async () => {
    await clock.advance(1_000)
    return texts.splice(0).join('')
  }
  const make = async (name: string, nodeName: string, podIP: string) => {
    await client.create('v1', 'Pod', { ...pod(name, { nodeName }), metadata: { name, namespace: 'default', labels: { app: name } } })
    await report(client, { namespace: 'default', name }, clock, { ready: true, podIP })
  }
  await make('web', 'node-1', '10.244.1.2')
  await applied()

  await client.create(
    NETWORKING,
    'NetworkPolicy',
    {
      metadata: { name: 'only-shop' },
      spec: { podSelector: {}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'a' } } }] }] },
    },
    { namespace: 'default' },
  )
  assert.match(await applied(), /add element ip policy-test ingress \{ 10\.244\.1\.2 : jump ingress_\w+ \}/)

  await make('db', 'node-1', '10.244.1.3')
  assert.match(await applied(), /add element ip policy-test ingress \{ 10\.244\.1\.3 : jump/)

  await client.patch('v1', 'Namespace', { name: 'default' }, { type: 'merge', body: { metadata: { labels: { team: 'a' } } } })
  assert.match(await applied(), /add element ip policy-test pods_\w+ \{ 10\.244\.1\.2, 10\.244\.1\.3 \}/)

  await client.delete(NETWORKING, 'NetworkPolicy', { namespace: 'default', name: 'only-shop' })
  assert.equal(await applied(), 'table ip policy-test\ndelete table ip policy-test\n')
})
