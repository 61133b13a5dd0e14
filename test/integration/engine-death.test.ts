import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Client } from '../../shared/client/client.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { startApi, type TestApi } from '../harness/api.ts'
import { dockerNode } from '../harness/docker-node.ts'
import { eventually } from '../harness/eventually.ts'
import { type PrivateEngine, privateEngine } from '../harness/private-engine.ts'

const namespace = 'default'

/** The container engine dies under the kubelet's hands. */
describe('a container engine that dies', () => {
  let api: TestApi
  let client: Client
  let engine: PrivateEngine
  let node: Awaited<ReturnType<typeof dockerNode>>

  before(async () => {
    engine = await privateEngine(['busybox', 'registry.k8s.io/pause:3.10'])
    api = await startApi()
    client = api.client()
    node = await dockerNode(client, '10.199.77.0/24', { socketPath: engine.socketPath })
    await node.register()
    await client.create('v1', 'ConfigMap', { metadata: { name: 'kube-root-ca.crt' }, data: { 'ca.crt': 'none' } }, { namespace })
  })
  after(async () => {
    await node?.dispose()
    await api?.stop()
    await engine?.dispose()
  })

  const isReady = ({ status }: Pod) => status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false
  const restartsOf = ({ status }: Pod) => status.containerStatuses?.[0]?.restartCount ?? -1

  async function until(name: string, wanted: (pod: Pod) => boolean): Promise<Pod> {
    const selection = { namespace, fieldSelector: `metadata.name=${name}`, withinMilliseconds: 60_000 }
    const found = await eventually(client, ['v1', 'Pod'], (pods) => pods.some(wanted), selection)
    const pod = found.find(wanted)
    assert.ok(pod)
    return pod
  }

  async function create(name: string, spec: object = {}): Promise<void> {
    const command = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done']
    const containers = [{ name: 'main', image: 'busybox', imagePullPolicy: 'Never', command }]
    const draft = { metadata: { name }, spec: { nodeName: node.name, terminationGracePeriodSeconds: 2, containers, ...spec } }
    await client.create('v1', 'Pod', draft, { namespace })
  }

  it('has all its pods again when it is back, each counted once', async () => {
    const names = ['one', 'two', 'three']
    for (const name of names) await create(name)
    const before = await Promise.all(names.map((name) => until(name, isReady)))
    await engine.kill()
    await engine.start()
    const after = await Promise.all(names.map((name) => until(name, (pod) => isReady(pod) && restartsOf(pod) > 0)))
    assert.deepEqual(after.map(restartsOf), [1, 1, 1])
    assert.deepEqual(
      after.map(({ metadata }) => metadata.uid),
      before.map(({ metadata }) => metadata.uid),
    )
    const { signal } = new AbortController()
    const sandboxes = await node.runtime.listSandboxes({}, signal)
    const [ready, dead] = [sandboxes.filter(({ state }) => state === 'ready'), sandboxes.filter(({ state }) => state !== 'ready')]
    assert.deepEqual(
      ready.map(({ attempt }) => attempt),
      [1, 1, 1],
    )
    assert.equal(new Set(ready.flatMap(({ ips }) => ips)).size, 3)
    // Those that died stay only for what ended in them and still counts.
    assert.ok(dead.length <= 3 && dead.every(({ attempt }) => attempt === 0))
  })

  it('starts what was created, and ends what was deleted, while it was away', async () => {
    await engine.kill()
    await create('late')
    await client.delete('v1', 'Pod', { namespace, name: 'one' })
    await node.clock.sleep(500)
    await engine.start()
    await until('late', isReady)
    await eventually(client, ['v1', 'Pod'], (pods) => pods.length === 0, {
      namespace,
      fieldSelector: 'metadata.name=one',
      withinMilliseconds: 60_000,
    })
  })

  it('lets a pod that is never restarted end with it', async () => {
    await create('once', { restartPolicy: 'Never' })
    await until('once', isReady)
    await engine.kill()
    await engine.start()
    const pod = await until('once', ({ status }) => status.phase === 'Failed' || status.phase === 'Succeeded')
    assert.equal(restartsOf(pod), 0)
    assert.ok(pod.status.containerStatuses?.[0]?.state.terminated)
  })
})
