// Decisions per second of the scheduling cycle on simulated nodes, without the API server: the upper bound of what a scheduler process can do.
// Counted by processor time, which bears neighbours on the machine better than the clock does, and printed as a ratio to a bare loop that
// looks at every node once a pod. `tools/node bench/scheduling-rate.ts [scenario] [nodes]` runs one.

import { ClusterState } from '../scheduler/cluster-state.ts'
import { podInfo } from '../scheduler/pod-info.ts'
import { defaultProfile } from '../scheduler/policy/profile.ts'
import { findPreemption } from '../scheduler/preemption/preemption.ts'
import { SchedulingCycle } from '../scheduler/scheduling-cycle.ts'
import type { Node, Pod, PodSpec } from '../shared/openapi/generated/core-v1.ts'
import { seededRandom } from '../shared/random/random.ts'

const SIZES = process.argv[3] === undefined ? [5_000, 500] : [Number(process.argv[3])]
const ZONE = 'topology.kubernetes.io/zone'
const HOSTNAME = 'kubernetes.io/hostname'
/** Controllers whose pods come mixed. */
const APPS = 100

function node(index: number): Node {
  const name = `node-${index}`
  const labels = { [HOSTNAME]: name, [ZONE]: `zone-${index % 3}` }
  const status = { allocatable: { cpu: '32', memory: '128Gi', pods: '110' } } as unknown as Node['status']
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: {}, status }
}

function pod(index: number, spec: Partial<PodSpec> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `pod-${index}`,
      namespace: 'default',
      uid: `uid-${index}`,
      labels: { app: `app-${index % APPS}` },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: `rs-${index % APPS}`, controller: true }],
    },
    spec: { containers: [{ name: 'main', image: 'x', resources: { requests: { cpu: '100m', memory: '128Mi' } } }], ...spec },
    status: {},
  }
}

const labelSelector = (index: number) => ({ matchLabels: { app: `app-${index % APPS}` } })

const near = (index: number): Partial<PodSpec> => ({
  affinity: {
    podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: ZONE, labelSelector: labelSelector(index) }] },
  },
})

const apart = (index: number): Partial<PodSpec> => ({
  affinity: {
    podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: HOSTNAME, labelSelector: labelSelector(index) }] },
  },
})

const spread = (index: number): Partial<PodSpec> => ({
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', labelSelector: labelSelector(index) },
    { maxSkew: 1, topologyKey: HOSTNAME, whenUnsatisfiable: 'ScheduleAnyway', labelSelector: labelSelector(index) },
  ],
})

/** Pods per second of processor time. */
function perSecond(count: number, act: (index: number) => void): number {
  const before = process.cpuUsage()
  for (let index = 0; index < count; index += 1) act(index)
  const { user, system } = process.cpuUsage(before)
  return (count * 1e6) / (user + system)
}

function rate(nodes: number, pods: number, specOf: (index: number) => Partial<PodSpec> = () => ({})): number {
  const cluster = new ClusterState()
  for (let index = 0; index < nodes; index += 1) cluster.setNode(node(index))
  const cycle = new SchedulingCycle(defaultProfile(), seededRandom(1))
  return perSecond(pods, (index) => {
    const info = podInfo(pod(index, specOf(index)))
    const placement = cycle.place(info, cluster)
    if (!placement.node) throw new Error(placement.message)
    cluster.assume(info, placement.node.name)
  })
}

function bareRate(count: number): number {
  const nodes = Array.from({ length: count }, (_, index) => ({ free: 32_000 - index }))
  let seen = 0
  const found = perSecond(10_000_000 / count, (index) => {
    for (const each of nodes) if (each.free > index) seen += 1
  })
  if (seen === 0) throw new Error('the bare loop saw nothing')
  return found
}

/** Clusters full of less important pods, into which important ones come: each finds its victims, and keeps their room. */
function preemptionRate(nodes: number, pods: number): number {
  const cluster = new ClusterState()
  const random = seededRandom(1)
  for (let index = 0; index < nodes; index += 1) {
    cluster.setNode(node(index))
    for (let each = 0; each < 8; each += 1) {
      const containers = [{ name: 'main', resources: { requests: { cpu: '4' } } }]
      cluster.setPod(pod(index * 8 + each, { containers, priority: each % 3, nodeName: `node-${index}` }))
    }
  }
  const cycle = new SchedulingCycle(defaultProfile(), random)
  return perSecond(pods, (index) => {
    const info = podInfo(pod(nodes * 8 + index, { priority: 10 }))
    const placement = cycle.place(info, cluster)
    if (placement.node) throw new Error('there was room')
    const { refusers } = placement
    const found = findPreemption(info, { cluster, budgets: [], random, refusers, fits: cycle.fitsAfterRemoval(info, cluster) })
    if (!found.node) throw new Error(found.why)
    cluster.nominations.set(info, found.node.name)
  })
}

const scenarios: Record<string, (nodes: number) => number> = {
  'plain pods': (nodes) => rate(nodes, 10_000),
  'required pod affinity by zone': (nodes) => rate(nodes, 3_000, near),
  'required anti-affinity by host': (nodes) => rate(nodes, 3_000, apart),
  'hard zone spread, soft by host': (nodes) => rate(nodes, 3_000, spread),
  'preemption, all nodes full': (nodes) => preemptionRate(nodes, 300),
}
for (const nodes of SIZES) {
  const bare = bareRate(nodes)
  console.log(`scheduling, ${nodes} nodes, per second of processor time`)
  console.log(`  ${'bare loop over the nodes'.padEnd(32)}${bare.toFixed(0).padStart(7)}`)
  for (const [name, measure] of Object.entries(scenarios)) {
    if (process.argv[2] !== undefined && !name.includes(process.argv[2])) continue
    const found = measure(nodes)
    console.log(`  ${name.padEnd(32)}${found.toFixed(0).padStart(7)} pods   ${(found / bare).toFixed(3)} of the bare loop`)
  }
}
