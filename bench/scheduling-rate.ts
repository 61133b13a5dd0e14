// Decisions per second of the scheduling cycle on simulated nodes, without the API server: the upper bound of what a
// scheduler process can do. Printed as a ratio to a bare loop that looks at every node once a pod.

import { ClusterState } from '../scheduler/cluster-state.ts'
import { podInfo } from '../scheduler/pod-info.ts'
import { findPreemption } from '../scheduler/preemption/preemption.ts'
import { defaultProfile } from '../scheduler/profile.ts'
import { SchedulingCycle } from '../scheduler/scheduling-cycle.ts'
import type { Node, Pod } from '../shared/openapi/generated/core-v1.ts'
import { seededRandom } from '../shared/random/random.ts'

const NODES = 5_000
const PODS = 10_000

function node(index: number): Node {
  const name = `node-${index}`
  const labels = { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': `zone-${index % 3}` }
  const status = { allocatable: { cpu: '32', memory: '128Gi', pods: '110' } } as unknown as Node['status']
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: {}, status }
}

function pod(index: number, affinity?: Pod['spec']['affinity']): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `pod-${index}`,
      namespace: 'default',
      uid: `uid-${index}`,
      labels: { app: `app-${index % 100}` },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: `rs-${index % 100}`, controller: true }],
    },
    spec: {
      containers: [{ name: 'main', image: 'x', resources: { requests: { cpu: '100m', memory: '128Mi' } } }],
      ...(affinity ? { affinity } : {}),
    },
    status: {},
  }
}

function rate(pods: number, make: (index: number) => Pod): number {
  const cluster = new ClusterState()
  for (let index = 0; index < NODES; index += 1) cluster.setNode(node(index))
  const cycle = new SchedulingCycle(defaultProfile(), seededRandom(1))
  const began = performance.now()
  for (let index = 0; index < pods; index += 1) {
    const info = podInfo(make(index))
    const placement = cycle.place(info, cluster)
    if (!placement.node) throw new Error(placement.message)
    cluster.assume(info, placement.node.name)
  }
  return (pods * 1_000) / (performance.now() - began)
}

function bareRate(): number {
  const nodes = Array.from({ length: NODES }, (_, index) => ({ free: 32_000 - index }))
  const began = performance.now()
  let seen = 0
  for (let index = 0; index < 2_000; index += 1) for (const each of nodes) if (each.free > index) seen += 1
  if (seen === 0) throw new Error('the bare loop saw nothing')
  return (2_000 * 1_000) / (performance.now() - began)
}

const near = (index: number) => ({
  podAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: 'topology.kubernetes.io/zone', labelSelector: { matchLabels: { app: `app-${index % 100}` } } },
    ],
  },
})

/** Clusters full of less important pods, into which important ones come: each finds its victims, and keeps their room. */
function preemptionRate(pods: number): number {
  const cluster = new ClusterState()
  const random = seededRandom(1)
  for (let index = 0; index < NODES; index += 1) {
    cluster.setNode(node(index))
    for (let each = 0; each < 8; each += 1) {
      const low = pod(index * 8 + each)
      const containers = [{ name: 'main', resources: { requests: { cpu: '4' } } }]
      cluster.setPod({ ...low, spec: { ...low.spec, containers, priority: each % 3, nodeName: `node-${index}` } })
    }
  }
  const cycle = new SchedulingCycle(defaultProfile(), random)
  const began = performance.now()
  for (let index = 0; index < pods; index += 1) {
    const wanted = pod(NODES * 8 + index)
    const info = podInfo({ ...wanted, spec: { ...wanted.spec, priority: 10 } })
    const placement = cycle.place(info, cluster)
    if (placement.node) throw new Error('there was room')
    const { refusers } = placement
    const found = findPreemption(info, { cluster, budgets: [], random, refusers, fits: cycle.fitsAfterRemoval(info, cluster) })
    if (!found.node) throw new Error(found.why)
    cluster.nominations.set(info, found.node.name)
  }
  return (pods * 1_000) / (performance.now() - began)
}

const bare = bareRate()
const plain = rate(PODS, (index) => pod(index))
const preempting = preemptionRate(300)
const affine = rate(1_000, (index) => pod(index, near(index)))
console.log(`scheduling, ${NODES} nodes`)
console.log(`  bare loop over the nodes       ${bare.toFixed(0)} pods/s`)
console.log(`  plain pods                     ${plain.toFixed(0)} pods/s   ${(plain / bare).toFixed(3)} of the bare loop`)
console.log(`  required pod affinity by zone  ${affine.toFixed(0)} pods/s   ${(affine / bare).toFixed(3)} of the bare loop`)
console.log(`  preemption, all nodes full     ${preempting.toFixed(0)} pods/s   ${(preempting / bare).toFixed(3)} of the bare loop`)
