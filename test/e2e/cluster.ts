import assert from 'node:assert/strict'
import { after } from 'node:test'
import { outputOf } from '../../deploy/command.ts'
import { findContainers, type HostContainer } from '../../deploy/hosts.ts'
import { readSettings, type Settings } from '../../deploy/settings.ts'
import type { Client } from '../../shared/client/client.ts'
import { connectClient } from '../../shared/client/connect.ts'
import { isTrue } from '../../shared/objects/conditions.ts'
import type { Event as CoreEvent, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { type Clock, realClock } from '../../shared/time/clock.ts'
import { eventually } from '../harness/eventually.ts'
import { findKubectl, type Kubectl, kubectlFor } from '../harness/kubectl.ts'
import { isPrepared } from './own-cluster.ts'

/** A container that a worker host's own engine runs for a pod. */
export interface PodContainer {
  readonly id: string
  readonly pod: string
  readonly container: string
}

/** The cluster of the tests, and what a person at this machine can do to it. */
export interface E2eCluster {
  readonly settings: Settings
  readonly clock: Clock
  /** As the administrator. */
  readonly client: Client
  /** In the namespace of this test file. */
  readonly kubectl: Kubectl
  readonly namespace: string
  /** Worker hosts by node name, running or not. */
  workers(): Promise<ReadonlyMap<string, HostContainer>>
  worker(node: string): Promise<HostContainer>
  service(name: string): Promise<HostContainer>
  /** Runs a program on a worker host and gives what it prints. */
  onHost(node: string, ...command: string[]): Promise<string>
  /** Runs a shell line in a pod's container and gives what it prints. */
  inPod(pod: string, line: string): Promise<string>
  /** Containers of pods of this file's namespace that run on a host; sandboxes left out. */
  containersOn(node: string): Promise<PodContainer[]>
  /** All of them, as `pod/container` → id. */
  containerIds(): Promise<ReadonlyMap<string, string>>
  /** Pods of this file's namespace, when all of them satisfy the condition and there are `count`. */
  pods(selector: string, count: number, condition?: (pod: Pod) => boolean, withinMilliseconds?: number): Promise<Pod[]>
  /** Waits until an event about something of that name in this file's namespace says so; events come a moment after what they tell of. */
  untilTold(name: string, message: RegExp): Promise<void>
  /** Prints a measurement among the results. */
  note(text: string): void
}

/** Whether a pod's Ready condition is true and it is not on its way out. */
export function isReady(pod: Pod): boolean {
  return !pod.metadata.deletionTimestamp && isTrue(pod.status.conditions, 'Ready')
}

export function isRunning(pod: Pod): boolean {
  return pod.status.phase === 'Running' && !pod.metadata.deletionTimestamp
}

/**
 * Connects to the cluster that was brought up for the tests and makes a namespace, which goes when the file ends.
 * Call it once, at the top of a test file.
 */
export async function useCluster(namespace: string): Promise<E2eCluster> {
  assert.ok(isPrepared(), 'these tests need their cluster: run them with make test ONLY=test/e2e')
  const settings = readSettings(new URL('../..', import.meta.url).pathname, process.env)
  const clock = realClock()
  const { client, close } = connectClient({ kubeconfig: settings.kubeconfig, clock, userAgent: 'e2e' })
  const kubectl = kubectlFor(await findKubectl(), settings.kubeconfig, namespace)
  await kubectl.ok(`create namespace ${namespace}`)
  // Pods of an earlier namespace would find the account by themselves; a bare Pod made at once needs it to be there.
  await eventually(client, ['v1', 'ServiceAccount'], (accounts) => accounts.some(({ metadata }) => metadata.name === 'default'), {
    namespace,
  })
  after(async () => {
    await kubectl.ok(`delete namespace ${namespace} --wait=true --timeout=120s`)
    close()
  })

  const nodeNames = new Map<string, string>()
  const nodeOf = async ({ id }: HostContainer) => {
    // Kept in the host's volume: it can be read while the host is down, and never changes.
    const known = nodeNames.get(id) ?? (await readNodeName(id))
    nodeNames.set(id, known)
    return known
  }
  const workers = async () => {
    const hosts = await findContainers(settings, 'worker')
    return new Map(await Promise.all(hosts.map(async (host) => [await nodeOf(host), host] as const)))
  }
  const worker = async (node: string) => {
    const host = (await workers()).get(node)
    assert.ok(host, `no worker host is the node ${node}`)
    return host
  }
  const onHost = async (node: string, ...command: string[]) => outputOf('docker', ['exec', (await worker(node)).id, ...command])
  const containersOn = async (node: string): Promise<PodContainer[]> => {
    const names = await onHost(node, 'docker', 'ps', '--no-trunc', '--format', '{{.ID}} {{.Names}}')
    return names.split('\n').flatMap((line) => {
      const [id = '', name = ''] = line.split(' ')
      const [, container = '', pod = '', home] = name.split('_')
      return home === namespace && container !== 'POD' ? [{ id, pod, container }] : []
    })
  }
  return {
    ...{ settings, clock, client, kubectl, namespace, workers, worker, onHost, containersOn },
    async service(name) {
      const [container] = await findContainers(settings, name)
      assert.ok(container, `there is no container of the service ${name}`)
      return container
    },
    inPod: (pod, line) => kubectl.ok(['exec', pod, '--', 'sh', '-c', line]),
    async containerIds() {
      const running = [...(await workers())].filter(([, { state }]) => state === 'running')
      const all = await Promise.all(running.map(([node]) => containersOn(node)))
      return new Map(all.flat().map(({ pod, container, id }) => [`${pod}/${container}`, id]))
    },
    async pods(selector, count, condition = isReady, withinMilliseconds = 60_000) {
      const isThere = (pods: Pod[]) => pods.length === count && pods.every(condition)
      try {
        return await eventually(client, ['v1', 'Pod'], isThere, { namespace, labelSelector: selector, withinMilliseconds })
      } catch (error) {
        // What a person would look at next.
        const seen = await kubectl.run(['get', 'pods,deployments,replicasets,nodes', '-o', 'wide'])
        const events = await kubectl.run(['get', 'events', '--sort-by=.lastTimestamp'])
        const about = `${count} pods of ${selector || 'any label'} within ${withinMilliseconds} ms`
        throw new Error(`not as expected: ${about}\n${seen.stdout}\n${events.stdout.split('\n').slice(-25).join('\n')}`, { cause: error })
      }
    },
    async untilTold(name, message) {
      const isTold = (events: CoreEvent[]) => events.some((event) => message.test(event.message ?? ''))
      await eventually(client, ['v1', 'Event'], isTold, { namespace, fieldSelector: `involvedObject.name=${name}` })
    },
    note: (text) => process.stdout.write(`# ${text}\n`),
  }
}

async function readNodeName(id: string): Promise<string> {
  const archive = await outputOf('sh', ['-c', 'docker cp "$1:/var/lib/kubelet/node-name" - | tar -xO', 'sh', id])
  return archive.trim()
}
