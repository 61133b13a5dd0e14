import assert from 'node:assert/strict'
import type { ReplicaSet } from '../shared/openapi/generated/apps-v1.ts'
import type { Pod } from '../shared/openapi/generated/core-v1.ts'
import { isReady } from './pod-state.ts'
import type { SimulatedCluster } from './simulated-cluster.ts'

const isGoing = (pod: Pod) => pod.metadata.deletionTimestamp !== undefined
const ownerOf = (pod: Pod | ReplicaSet) => pod.metadata.ownerReferences?.find(({ controller }) => controller)
const byName = (left: string, right: string) => (left < right ? -1 : 1)

/** What a set looked like at the last check. */
interface Seen {
  generation: number
  wanted: number
  active: number
}

const lastSeen = new WeakMap<SimulatedCluster, Map<string, Seen>>()

/** No set makes more pods than it was asked for, not even for a moment: a second one in place of one whose answer was lost, say. */
function checkNothingDoubled(cluster: SimulatedCluster, sets: readonly ReplicaSet[], pods: readonly Pod[]): void {
  const before = lastSeen.get(cluster)
  const now = new Map<string, Seen>()
  for (const { metadata, spec } of sets) {
    const active = pods.filter((pod) => ownerOf(pod)?.uid === metadata.uid && !isGoing(pod)).length
    const seen = { generation: metadata.generation ?? 0, wanted: spec.replicas ?? 1, active }
    now.set(metadata.uid ?? '', seen)
    const { generation, wanted, active: had } = before?.get(metadata.uid ?? '') ?? { generation: 0, wanted: 0, active: 0 }
    // What it was asked for in between, nobody saw.
    if (seen.generation - generation > 1) continue
    assert.ok(
      active <= Math.max(seen.wanted, wanted, had),
      `${metadata.name} has ${active} pods: asked for ${wanted} then ${seen.wanted}, it had ${had}`,
    )
  }
  lastSeen.set(cluster, now)
}

/** What holds at every moment, in the middle of every fault. */
export async function checkAlways(cluster: SimulatedCluster): Promise<void> {
  const seen = new Map<string, string>()
  for (const machine of cluster.machines) {
    for (const [uid, name] of machine.running) {
      assert.equal(seen.get(uid), undefined, `pod ${name} runs on ${seen.get(uid)} and on ${machine.name}`)
      seen.set(uid, machine.name)
    }
  }
  const pods = await cluster.pods()
  checkNothingDoubled(cluster, await cluster.list('apps/v1', 'ReplicaSet'), pods)
  for (const pod of pods) {
    const where = seen.get(pod.metadata.uid ?? '')
    if (where !== undefined) assert.equal(pod.spec.nodeName, where, `pod ${pod.metadata.name} runs on another node than it was given`)
    const owners = (pod.metadata.ownerReferences ?? []).filter(({ controller }) => controller)
    assert.ok(owners.length <= 1, `pod ${pod.metadata.name} has ${owners.length} controllers`)
  }
  const ranges = (await cluster.list('v1', 'Node')).flatMap(({ spec }) => spec.podCIDR || [])
  assert.equal(new Set(ranges).size, ranges.length, `two nodes have one pod range: ${ranges}`)
}

/** What holds when nothing has happened for a while: desired and actual are the same, everywhere. */
export async function checkSettled(cluster: SimulatedCluster): Promise<void> {
  await checkAlways(cluster)
  for (const node of await cluster.list('v1', 'Node')) {
    assert.equal(node.status.conditions?.find(({ type }) => type === 'Ready')?.status, 'True', `node ${node.metadata.name} is not ready`)
    assert.deepEqual(node.spec.taints ?? [], [], `node ${node.metadata.name} is tainted`)
  }
  const pods = await cluster.pods()
  for (const pod of pods) assert.ok(!isGoing(pod) && isReady(pod), `pod ${pod.metadata.name} is going or not ready`)
  const sets = await cluster.list('apps/v1', 'ReplicaSet')
  for (const deployment of await cluster.list('apps/v1', 'Deployment')) {
    const { metadata, spec, status } = deployment
    const mine = sets.filter((set) => ownerOf(set)?.uid === metadata.uid)
    const uids = new Set(mine.map((set) => set.metadata.uid))
    const images = pods.filter((pod) => uids.has(ownerOf(pod)?.uid ?? '')).map((pod) => pod.spec.containers[0]?.image)
    assert.deepEqual(images, Array(spec.replicas).fill(spec.template.spec.containers[0]?.image), `the pods of ${metadata.name}`)
    const counts = [status.observedGeneration, status.updatedReplicas ?? 0, status.readyReplicas ?? 0, status.availableReplicas ?? 0]
    assert.deepEqual(counts, [metadata.generation, spec.replicas, spec.replicas, spec.replicas], `the status of ${metadata.name}`)
  }
  for (const set of sets) {
    const mine = pods.filter((pod) => ownerOf(pod)?.uid === set.metadata.uid)
    assert.equal(mine.length, set.spec.replicas, `the pods of set ${set.metadata.name}`)
  }
  const uids = pods.map(({ metadata }) => metadata.uid ?? '').sort(byName)
  const running = cluster.machines.flatMap((machine) => [...machine.running.keys()]).sort(byName)
  assert.deepEqual(running, uids, 'what runs on the machines')
  await checkServices(cluster, pods)
}

/** Every Service leads to its ready pods, each once, in slices and in the older form. */
async function checkServices(cluster: SimulatedCluster, pods: readonly Pod[]): Promise<void> {
  const slices = await cluster.list('discovery.k8s.io/v1', 'EndpointSlice')
  for (const { metadata, spec } of await cluster.list('v1', 'Service')) {
    const { name = '' } = metadata
    if (!spec.selector) continue
    const wanted = pods
      .filter((pod) => pod.metadata.labels?.['app'] === spec.selector?.['app'])
      .map((pod) => pod.status.podIP ?? '')
      .sort(byName)
    const mine = slices.filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name)
    const endpoints = mine.flatMap((slice) => slice.endpoints ?? [])
    assert.deepEqual(
      endpoints
        .filter(({ conditions }) => conditions?.ready)
        .map(({ addresses }) => addresses[0] ?? '')
        .sort(byName),
      wanted,
      `slices of ${name}`,
    )
    assert.equal(endpoints.length, wanted.length, `slices of ${name} hold others too`)
    const legacy = await cluster.get('v1', 'Endpoints', name)
    const addresses = (legacy.subsets ?? [])
      .flatMap((subset) => subset.addresses ?? [])
      .map(({ ip }) => ip)
      .sort(byName)
    assert.deepEqual(addresses, wanted, `endpoints of ${name}`)
  }
}
