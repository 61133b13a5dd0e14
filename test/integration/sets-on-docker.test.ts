import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { eventually } from '../harness/eventually.ts'
import { type RealNode, startRealNode } from '../harness/kubelet-process.ts'

const NAMESPACE = { namespace: 'default' }
const IMAGE = 'busybox:1.36'
const isReady = ({ metadata, status }: Pod) =>
  !metadata.deletionTimestamp && status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true

/** The examples on a real kubelet: containers, claims and folders are real, and kubectl is people's own. */
describe('sets on a real node', () => {
  let node: RealNode

  const podsOf = (app: string, isThere: (pods: Pod[]) => boolean, withinMilliseconds = 60_000) =>
    eventually(node.client, ['v1', 'Pod'], isThere, { ...NAMESPACE, labelSelector: `app=${app}`, withinMilliseconds })
  const ready = (app: string, count: number) => podsOf(app, (pods) => pods.length === count && pods.every(isReady))
  const inPod = (pod: string, line: string) => node.kubectl.ok(['exec', pod, '--', 'sh', '-c', line])

  before(async () => {
    node = await startRealNode('10.199.87.0/24')
    await node.joined(60_000)
    await node.kubectl.ok('apply -f examples/daemonset.yaml -f examples/statefulset.yaml')
  })
  after(async () => {
    if (!node) return
    await node.kubectl.run(['delete', 'sts,ds', '--all', '--timeout=60s'])
    await eventually(node.client, ['v1', 'Pod'], (pods) => pods.length === 0, { ...NAMESPACE, withinMilliseconds: 60_000 })
    await eventually(node.client, ['v1', 'PersistentVolume'], (volumes) => volumes.length === 0, { withinMilliseconds: 60_000 })
    await node.dispose()
  })

  it('a DaemonSet’s agent runs where it belongs, is rolled out and back by kubectl', async () => {
    const { kubectl, nodeName } = node
    assert.match(await kubectl.ok('rollout status ds/agent --timeout=90s'), /daemon set "agent" successfully rolled out/)
    const [agent] = await ready('agent', 1)
    assert.match(await kubectl.ok(`logs ${agent?.metadata.name}`), new RegExp(`^${nodeName}: \\d`))
    assert.match(await kubectl.ok('get ds'), /UP-TO-DATE +AVAILABLE +NODE SELECTOR +AGE\nagent +1 +1 +1 +1 +1 +<none>/)
    await kubectl.ok('set env ds/agent COLOUR=blue')
    await kubectl.ok('rollout status ds/agent --timeout=90s')
    const [renewed] = await ready('agent', 1)
    assert.notEqual(renewed?.metadata.uid, agent?.metadata.uid)
    assert.match(await kubectl.ok('rollout history ds/agent'), /REVISION +CHANGE-CAUSE\n1 .*\n2 /)
    await kubectl.ok('rollout undo ds/agent')
    await kubectl.ok('rollout status ds/agent --timeout=90s')
    assert.match(await kubectl.ok('rollout history ds/agent'), /REVISION +CHANGE-CAUSE\n2 .*\n3 /)
    assert.match(
      await kubectl.ok('describe ds agent'),
      /Desired Number of Nodes Scheduled: 1[\s\S]*SuccessfulCreate +.*Created pod: agent-/,
    )
  })

  it('a StatefulSet’s pods find their data again: deleted, rolled out, rolled back', async () => {
    const { kubectl } = node
    await kubectl.ok('rollout status sts/db --timeout=90s')
    await ready('db', 2)
    assert.match(await kubectl.ok('get sts'), /NAME +READY +AGE\ndb +2\/2/)
    assert.match(await kubectl.ok('get pvc'), /data-db-0 +Bound[\s\S]*data-db-1 +Bound/)
    assert.match(await kubectl.ok('describe sts db'), /Volume Claims:\s+Name: +data[\s\S]*create Pod db-0 in StatefulSet db successful/)
    assert.equal(await inPod('db-1', 'hostname'), 'db-1')
    assert.match(await inPod('db-1', 'cat /etc/hosts'), /db-1\.db\.default\.svc\.cluster\.local/)

    await kubectl.ok('delete pod db-1')
    await ready('db', 2)
    assert.equal(await inPod('db-1', 'cat /data/starts'), 'db-1\ndb-1')
    await kubectl.ok('rollout restart sts/db')
    await kubectl.ok('rollout status sts/db --timeout=120s')
    await ready('db', 2)
    assert.match(await kubectl.ok('rollout history sts/db'), /REVISION +CHANGE-CAUSE\n1 .*\n2 /)
    await kubectl.ok('rollout undo sts/db')
    await kubectl.ok('rollout status sts/db --timeout=120s')
    await ready('db', 2)
    assert.equal(await inPod('db-1', 'cat /data/starts'), Array(4).fill('db-1').join('\n'))
    assert.equal(await inPod('db-0', 'cat /data/starts'), Array(3).fill('db-0').join('\n'))
  })

  it('a pod that its node turns away ends Failed, and is made again until there is room', async () => {
    const { client, nodeName, kubectl } = node
    const port = { containerPort: 80, hostPort: 38_087 }
    const container = { name: 'main', image: IMAGE, command: ['sleep', '3600'], ports: [port] }
    const spec = { nodeName, containers: [container], terminationGracePeriodSeconds: 1 }
    await client.create('v1', 'Pod', { metadata: { name: 'holder', labels: { app: 'holder' }, ...NAMESPACE }, spec })
    await ready('holder', 1)
    const template = { metadata: { labels: { app: 'turned-away' } }, spec }
    const selector = { matchLabels: { app: 'turned-away' } }
    const uids = new Set<string>()
    const seen = podsOf('turned-away', (pods) => {
      for (const { metadata, status } of pods) if (status.phase === 'Failed' && status.reason === 'NodePorts') uids.add(metadata.uid ?? '')
      return uids.size >= 2
    })
    await client.create('apps/v1', 'StatefulSet', {
      metadata: { name: 'turned-away', ...NAMESPACE },
      spec: { serviceName: 'x', selector, template },
    })
    await seen
    await kubectl.ok('delete pod holder')
    const [pod] = await ready('turned-away', 1)
    assert.equal(pod?.metadata.name, 'turned-away-0')
  })

  it('a deleted set takes along what it says: its pods, its claims, their folders', async () => {
    await node.kubectl.ok('delete sts db --timeout=60s')
    await podsOf('db', (pods) => pods.length === 0)
    await eventually(node.client, ['v1', 'PersistentVolumeClaim'], (claims) => claims.length === 0, {
      ...NAMESPACE,
      withinMilliseconds: 60_000,
    })
    await eventually(node.client, ['v1', 'PersistentVolume'], (volumes) => volumes.length === 0, { withinMilliseconds: 60_000 })
  })
})
