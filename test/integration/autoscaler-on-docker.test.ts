import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { HorizontalPodAutoscaler } from '../../shared/openapi/generated/autoscaling-v2.ts'
import { eventually } from '../harness/eventually.ts'
import { type RealNode, startRealNode } from '../harness/kubelet-process.ts'

/** Real containers, real CPU: load, kubectl top, more pods, no load, fewer pods. */
describe('autoscaling on a real node', () => {
  let node: RealNode
  let loadFile = ''

  before(async () => {
    node = await startRealNode('10.199.89.0/24', ['--horizontal-pod-autoscaler-sync-period=5s'])
    await node.joined(60_000)
    loadFile = join(node.rootDir, 'load')
    // Each pod uses what it may, a fifth of a core, while the file is there.
    const script =
      'trap exit TERM; while :; do if [ -e /shared/load ]; then i=0; while [ $i -lt 999 ]; do i=$((i+1)); done; else sleep 1; fi; done'
    await node.client.create('apps/v1', 'Deployment', {
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: {
            terminationGracePeriodSeconds: 1,
            containers: [
              {
                ...{ name: 'main', image: 'busybox', imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', script] },
                resources: { requests: { cpu: '100m', memory: '8Mi' }, limits: { cpu: '200m' } },
                volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
              },
            ],
            volumes: [{ name: 'shared', hostPath: { path: node.rootDir } }],
          },
        },
      },
    })
    await node.kubectl.ok(['rollout', 'status', 'deployment/web', '--timeout=60s'])
  })
  after(async () => {
    if (!node) return
    await node.kubectl.run(['delete', 'hpa,deployment', '--all', '--timeout=30s'])
    await eventually(node.client, ['v1', 'Pod'], (pods) => pods.length === 0, { namespace: 'default', withinMilliseconds: 60_000 })
    await node.dispose()
  })

  it('kubectl top says what nodes, pods and containers use, at the first time of asking', async () => {
    const { kubectl, nodeName } = node
    assert.match(
      await kubectl.ok(['top', 'nodes']),
      new RegExp(`NAME +CPU\\(cores\\) +CPU\\(%\\) +MEMORY\\(bytes\\) +MEMORY\\(%\\)\\s+${nodeName} +\\d+m +\\d+% +\\d+Mi +\\d+%`),
    )
    assert.match(await kubectl.ok(['top', 'pods', '-A', '-l', 'app=web', '--sum']), /default +web-\S+ +\d+m +\d+Mi\s+_+ +_+\s+\d+m +\d+Mi/)
    assert.match(await kubectl.ok(['top', 'pods', '--containers']), /web-\S+ +main +\d+m +\d+Mi/)
    assert.match(await kubectl.ok(['get', 'pods.metrics.k8s.io']), /NAME +CPU +MEMORY +WINDOW\s+web-\S+ +\d+\w* +\d+\w+ +[\d.]+s/)
  })

  it('load brings pods, and its end takes them away', async () => {
    const { kubectl, client } = node
    await kubectl.ok(['autoscale', 'deployment', 'web', '--min=1', '--max=3', '--cpu-percent=50'])
    const behavior = { scaleDown: { stabilizationWindowSeconds: 0 } }
    await kubectl.ok(['patch', 'hpa', 'web', '--type=merge', '-p', JSON.stringify({ spec: { behavior } })])
    const until = (condition: (autoscaler: HorizontalPodAutoscaler) => boolean) =>
      eventually(client, ['autoscaling/v2', 'HorizontalPodAutoscaler'], (all) => all.some(condition), {
        ...{ namespace: 'default', withinMilliseconds: 120_000 },
      })
    const active = ({ status }: HorizontalPodAutoscaler) =>
      status.conditions?.some(({ type, reason }) => type === 'ScalingActive' && reason === 'ValidMetricFound') ?? false
    await until((one) => active(one) && one.status.desiredReplicas === 1)
    writeFileSync(loadFile, '')
    await until(({ status }) => status.desiredReplicas === 3)
    await kubectl.ok(['rollout', 'status', 'deployment/web', '--timeout=60s'])
    await until(({ status }) => status.currentReplicas === 3)
    assert.match(await kubectl.ok(['get', 'hpa']), /web +Deployment\/web +cpu: \d+%\/50% +1 +3 +3 /)
    const described = await kubectl.ok(['describe', 'hpa', 'web'])
    assert.match(described, /resource cpu on pods +\(as a percentage of request\): +\d+% \(\d+m\) \/ 50%/)
    assert.match(
      described,
      /SuccessfulRescale +.*horizontal-pod-autoscaler +New size: \d; reason: cpu resource utilization \(percentage of request\) above target/,
    )
    rmSync(loadFile)
    await until(({ status }) => status.desiredReplicas === 1 && status.currentReplicas === 1)
    await eventually(client, ['v1', 'Pod'], (pods) => pods.length === 1, { namespace: 'default', withinMilliseconds: 60_000 })
    assert.match(await kubectl.ok(['get', 'events']), /New size: 1; reason: All metrics below target/)
  })
})
