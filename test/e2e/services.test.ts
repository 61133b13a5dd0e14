/** Services on real nodes: session affinity switched while it serves, and what load balancers and metrics are told. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { runCommand } from '../../deploy/command.ts'
import { dashboardLink } from '../../deploy/dashboard-link.ts'
import type { EndpointSlice } from '../../shared/openapi/generated/discovery-v1.ts'
import { eventually } from '../harness/eventually.ts'
import { isReady, useCluster } from './cluster.ts'
import { askerPod, getText } from './traffic.ts'

const ASKED = 8

const cluster = await useCluster('services')
const { client, kubectl, namespace } = cluster
before(async () => {
  await kubectl.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: busybox:1.36
          command: [sh, -c, 'mkdir /www && hostname > /www/index.html && exec httpd -f -p 8080 -h /www']
          ports: [{ name: http, containerPort: 8080 }]
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  sessionAffinity: ClientIP
  trafficDistribution: PreferSameNode
  selector: { app: web }
  ports: [{ port: 80, targetPort: http }]
---${askerPod('asker')}`)
  await cluster.pods('app=web', 3, isReady, 90_000)
  await cluster.pods('run=asker', 1, isReady, 90_000)
})

describe('a Service with everything', () => {
  const answers = async () => {
    const text = await cluster.inPod('asker', `for i in $(seq ${ASKED}); do wget -q -O - http://web; done`)
    return new Set(text.trim().split('\n'))
  }
  /** Looks until the change has arrived on the node. */
  const until = async (isRight: (found: Set<string>) => boolean) => {
    for (let tries = 0; tries < 20; tries += 1) if (isRight(await answers())) return
    assert.fail('the change did not arrive')
  }

  test('leads a client to one pod while affinity is on, and to all when it is off', async () => {
    const endpointsOf = (all: readonly EndpointSlice[]) => all.flatMap((slice) => slice.endpoints ?? [])
    // Hints are for those that are ready, which a slice says a little later than its pods.
    const areReady = (all: readonly EndpointSlice[]) => endpointsOf(all).filter(({ conditions }) => conditions.ready).length === 3
    const slices = await eventually(client, ['discovery.k8s.io/v1', 'EndpointSlice'], areReady, { namespace })
    for (const { hints, nodeName } of endpointsOf(slices)) assert.deepEqual(hints?.forNodes, [{ name: nodeName }])
    assert.equal((await answers()).size, 1)
    await kubectl.ok(['patch', 'service', 'web', '-p', '{"spec":{"sessionAffinity":"None","trafficDistribution":null}}'])
    await until((found) => found.size > 1)
    await kubectl.ok(['patch', 'service', 'web', '-p', '{"spec":{"sessionAffinity":"ClientIP"}}'])
    await until((found) => found.size === 1)
    assert.equal((await answers()).size, 1)
  })

  test('tells on each node how many of its endpoints are there, and counts what it does', async () => {
    const port = (await client.get('v1', 'Service', { namespace, name: 'web' })).spec.healthCheckNodePort
    const pods = await cluster.pods('app=web', 3)
    // One program a host: to start it costs more than what it asks.
    const program = `
      const [service, healthz, metrics] = await Promise.all(
        ['http://127.0.0.1:${port}/', 'http://127.0.0.1:10256/healthz', 'http://127.0.0.1:10256/metrics'].map((url) => fetch(url)))
      console.log(JSON.stringify({ code: service.status, said: await service.json(), healthz: await healthz.json(), metrics: await metrics.text() }))`
    const look = async (node: string) => {
      const here = pods.filter(({ spec }) => spec.nodeName === node).length
      const { code, said, healthz, metrics } = JSON.parse(await cluster.onHost(node, 'node', '--input-type=module', '-e', program))
      assert.equal(code, here > 0 ? 200 : 503)
      assert.deepEqual(said, { service: { namespace, name: 'web' }, localEndpoints: here, serviceProxyHealthy: true })
      assert.equal(healthz.nodeEligible, true)
      assert.match(metrics, /^kubeproxy_sync_proxy_rules_duration_seconds_count [1-9]/m)
    }
    await Promise.all(Array.from((await cluster.workers()).keys(), look))
  })
})

test('the dashboard is called from this machine: a link signs in once, and it holds no credential', async () => {
  const { settings, clock } = cluster
  const link = new URL(await dashboardLink(settings, clock))
  assert.match(await getText(link.origin), /<div id="app">/)
  const headers = { 'content-type': 'application/json' }
  const redeem = () => fetch(`${link.origin}/session`, { method: 'POST', headers, body: JSON.stringify({ code: link.hash.slice(1) }) })
  const { token } = (await (await redeem()).json()) as { token: string }
  const nodes = await fetch(`${link.origin}/cluster/api/v1/nodes`, { headers: { authorization: `Bearer ${token}` } })
  assert.equal(((await nodes.json()) as { items: unknown[] }).items.length, (await cluster.workers()).size)
  assert.equal((await redeem()).status, 401)
  const { id } = await cluster.service('dashboard')
  // 1 is grep's word for "nowhere"; what could not be looked at is another.
  const held = await runCommand('docker', ['exec', id, 'grep', '-rlE', 'token|client-', '/etc/coxswain'])
  assert.deepEqual([held.code, held.stdout], [1, ''], held.stderr)
})
