// From a pod bound to a node to its container running, on a containerd of its own; beside it the runtime's bare calls for the same container.
// Alternately, so that other work on the machine meets both. `tools/node bench/container-start.ts`, needs root.
import { join } from 'node:path'
import { defaultNetwork, offerNetwork } from '../kubelet/network/cni-config.ts'
import { criClient } from '../kubelet/runtime/cri/cri-client.ts'
import { createCriRuntime } from '../kubelet/runtime/cri/cri-runtime.ts'
import type { Pod } from '../shared/openapi/generated/core-v1.ts'
import { realClock } from '../shared/time/clock.ts'
import { startApi } from '../test/harness/api.ts'
import { dockerNode } from '../test/harness/docker-node.ts'
import { eventually } from '../test/harness/eventually.ts'
import { printRow, ratio } from '../test/harness/pod-load.ts'
import { privateContainerd } from '../test/harness/private-containerd.ts'

const TRIALS = 9
const AT_ONCE = 20
const POD_RANGE = '10.199.93.0/24'
const namespace = 'default'
const command = ['sleep', '1000']
const { signal } = new AbortController()
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!

const clock = realClock()
const containerd = await privateContainerd(['busybox', 'registry.k8s.io/pause:3.10'])
const { endpoint, folder, networkConfigDir } = containerd
await offerNetwork(networkConfigDir, defaultNetwork({ podRanges: [POD_RANGE], mtu: 1500, ipamDir: join(folder, 'addresses') }))
const api = await startApi()
const client = api.client()
const node = await dockerNode(client, POD_RANGE, {
  other: {
    name: 'containerd',
    open: ({ name, log }) => createCriRuntime({ endpoint, nodeName: name, logsDir: join(folder, 'pods'), clock, log }),
  },
})
const cri = criClient(endpoint, clock)

// What is interrupted is taken down all the same: containers outlive this process.
let isOver = false
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void takeDown().finally(() => process.exit(1)))

async function takeDown(): Promise<void> {
  if (isOver) return
  isOver = true
  await removeAll().catch(() => undefined)
  await node.dispose()
  await api.stop()
  await containerd.dispose()
}

let count = 0

/** The calls that any kubelet must make, and nothing else. */
async function bare(): Promise<string> {
  const name = `bare-${count++}`
  const sandboxConfig = { metadata: { name, namespace, uid: name, attempt: 0 }, logDirectory: join(folder, 'bare'), linux: {} }
  const { podSandboxId } = await cri.call('RunPodSandbox', { config: sandboxConfig })
  const config = { metadata: { name: 'main', attempt: 0 }, image: { image: 'busybox' }, command, logPath: `${name}.log`, linux: {} }
  const { containerId } = await cri.call('CreateContainer', { podSandboxId, config, sandboxConfig })
  await cri.call('StartContainer', { containerId })
  return podSandboxId
}

const isRunning = ({ status }: Pod) => status.containerStatuses?.[0]?.state.running !== undefined

/** Pods until the API says that they run. */
async function pods(number: number): Promise<void> {
  const label = `round-${count++}`
  const container = { name: 'main', image: 'busybox', imagePullPolicy: 'IfNotPresent', command }
  const spec = { nodeName: node.name, terminationGracePeriodSeconds: 0, automountServiceAccountToken: false, containers: [container] }
  const waiting = eventually(client, ['v1', 'Pod'], (found) => found.length === number && found.every(isRunning), {
    ...{ namespace, labelSelector: `round=${label}`, withinMilliseconds: 120_000 },
  })
  const metadata = (one: number) => ({ name: `${label}-${one}`, labels: { round: label } })
  await Promise.all(
    Array.from({ length: number }, (_, one) => client.create('v1', 'Pod', { metadata: metadata(one), spec }, { namespace })),
  )
  await waiting
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = clock.monotonic()
  await work()
  return clock.monotonic() - begun
}

async function removeAll(): Promise<void> {
  for (const { metadata } of (await client.list('v1', 'Pod', { namespace })).items)
    await client.delete('v1', 'Pod', { namespace, name: metadata.name ?? '' })
  await eventually(client, ['v1', 'Pod'], (left) => left.length === 0, { namespace, withinMilliseconds: 120_000 })
  // The kubelet still removes its own.
  const { items } = await cri.call('ListPodSandbox', {})
  for (const { id: podSandboxId } of items.filter(({ metadata }) => metadata?.name.startsWith('bare-'))) {
    await cri.call('StopPodSandbox', { podSandboxId }, { signal })
    await cri.call('RemovePodSandbox', { podSandboxId }, { signal })
  }
}

try {
  const amounts = { cpu: '64', memory: '64Gi', pods: '500', 'ephemeral-storage': '10Gi' }
  await client.create('v1', 'Node', { metadata: { name: node.name }, status: { capacity: amounts, allocatable: amounts } })
  await client.create('v1', 'ServiceAccount', { metadata: { name: 'default' } }, { namespace })
  await bare()
  await pods(1)
  const single = { bare: [] as number[], kubelet: [] as number[] }
  for (let trial = 0; trial < TRIALS; trial++) {
    single.bare.push(await timed(bare))
    single.kubelet.push(await timed(() => pods(1)))
  }
  const [calls, one] = [median(single.bare), median(single.kubelet)]
  printRow('one pod on containerd, until its status says so', one, 'ms', `${ratio(one, calls)}: ${Math.round(one - calls)} ms more`)
  await removeAll()
  const many = { bare: [] as number[], kubelet: [] as number[] }
  for (let trial = 0; trial < 3; trial++) {
    many.bare.push(await timed(() => Promise.all(Array.from({ length: AT_ONCE }, bare))))
    await removeAll()
    many.kubelet.push(await timed(() => pods(AT_ONCE)))
    await removeAll()
  }
  const [together, all] = [median(many.bare), median(many.kubelet)]
  printRow(`${AT_ONCE} pods at once on containerd`, all, 'ms', ratio(all, together))
} finally {
  await takeDown()
}
process.exit(0)
