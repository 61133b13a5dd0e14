/** How long a pod takes to start and to run again, beside the same containers started with the engine's own command: machines differ. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { outputOf } from '../../deploy/command.ts'
import type { Client } from '../../shared/client/client.ts'
import { isTrue } from '../../shared/objects/conditions.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { realClock } from '../../shared/time/clock.ts'
import { startApi, type TestApi } from '../harness/api.ts'
import { dockerNode } from '../harness/docker-node.ts'
import { eventually } from '../harness/eventually.ts'

const namespace = 'default'
const ATTEMPTS = 3
const PAUSE = 'registry.k8s.io/pause:3.10'
const script = 'trap "exit 0" TERM; while :; do sleep 0.1; done'

describe('the time a pod takes', () => {
  const clock = realClock()
  let api: TestApi
  let client: Client
  let node: Awaited<ReturnType<typeof dockerNode>>

  before(async () => {
    api = await startApi()
    client = api.client()
    node = await dockerNode(client, '10.199.73.0/24')
    await node.register()
  })
  after(async () => {
    await node?.dispose()
    await api?.stop()
  })

  async function until(name: string, wanted: (pod: Pod) => boolean): Promise<Pod> {
    const selection = { namespace, fieldSelector: `metadata.name=${name}`, withinMilliseconds: 60_000 }
    const [pod] = await eventually(client, ['v1', 'Pod'], (pods) => pods.some(wanted), selection)
    assert.ok(pod)
    return pod
  }
  const isReady = ({ status }: Pod) => isTrue(status.conditions, 'Ready')
  const idOf = (pod: Pod) => pod.status.containerStatuses?.[0]?.containerID?.replace('docker://', '') ?? ''

  async function startPod(name: string): Promise<Pod> {
    const container = { name: 'main', image: 'busybox', imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', script] }
    const spec = { nodeName: node.name, terminationGracePeriodSeconds: 5, automountServiceAccountToken: false, containers: [container] }
    await client.create('v1', 'Pod', { metadata: { name }, spec }, { namespace })
    return until(name, isReady)
  }
  async function removePod(name: string): Promise<void> {
    await client.delete('v1', 'Pod', { namespace, name })
    await eventually(client, ['v1', 'Pod'], (pods) => pods.length === 0, { namespace, fieldSelector: `metadata.name=${name}` })
  }

  /** What has to be done whoever does it: a container that holds the network, and one that joins it. */
  async function startBare(): Promise<{ holder: string; main: string }> {
    const holder = await outputOf('docker', ['run', '--detach', PAUSE])
    const main = await outputOf('docker', ['run', '--detach', `--network=container:${holder}`, 'busybox', 'sh', '-c', script])
    return { holder, main }
  }
  const removeBare = async ({ holder, main }: { holder: string; main: string }) => {
    await outputOf('docker', ['rm', '--force', main, holder])
  }

  async function timed<T>(work: () => Promise<T>): Promise<{ milliseconds: number; result: T }> {
    const begun = clock.monotonic()
    const result = await work()
    return { milliseconds: clock.monotonic() - begun, result }
  }
  /** The best of some attempts says what it takes; the rest says what else the machine did. */
  function compare(test: TestContext, what: string, pods: number[], bare: number[], most: number): void {
    const [pod, engine] = [Math.min(...pods), Math.min(...bare)]
    test.diagnostic(`${what}: ${Math.round(pod)} ms, the engine alone ${Math.round(engine)} ms: ${(pod / engine).toFixed(2)}`)
    assert.ok(pod < most * engine, `${what}: ${pods.map(Math.round)} ms beside ${bare.map(Math.round)} ms`)
  }

  it('to be Ready is less than twice what the engine takes for its two containers', async (test) => {
    await startPod('warm')
    const [pods, bare]: [number[], number[]] = [[], []]
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const engine = await timed(startBare)
      bare.push(engine.milliseconds)
      await removeBare(engine.result)
      pods.push((await timed(() => startPod(`pod-${attempt}`))).milliseconds)
      await removePod(`pod-${attempt}`)
    }
    compare(test, 'create to Ready', pods, bare, 2)
    await removePod('warm')
  })

  it('to run again after a kill is less than twice what the engine takes to replace the container', async (test) => {
    const [pods, bare]: [number[], number[]] = [[], []]
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { holder, main } = await startBare()
      const replaced = await timed(async () => {
        await outputOf('docker', ['kill', main])
        return outputOf('docker', ['run', '--detach', `--network=container:${holder}`, 'busybox', 'sh', '-c', script])
      })
      bare.push(replaced.milliseconds)
      await removeBare({ holder, main })
      await outputOf('docker', ['rm', '--force', replaced.result])
      const name = `victim-${attempt}`
      const id = idOf(await startPod(name))
      const isAgain = (pod: Pod) => pod.status.containerStatuses?.[0]?.restartCount === 1 && isReady(pod)
      pods.push((await timed(async () => [await outputOf('docker', ['kill', id]), await until(name, isAgain)])).milliseconds)
      await removePod(name)
    }
    compare(test, 'kill to Ready again', pods, bare, 2)
  })
})
