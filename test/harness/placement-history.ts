import { ClusterState } from '../../scheduler/cluster-state.ts'
import { podInfo } from '../../scheduler/pod-info.ts'
import { defaultProfile } from '../../scheduler/policy/profile.ts'
import { SchedulingCycle } from '../../scheduler/scheduling-cycle.ts'
import type { Pod, PodAffinityTerm, PodSpec, TopologySpreadConstraint } from '../../shared/openapi/generated/core-v1.ts'
import { type Random, seededRandom } from '../../shared/random/random.ts'
import { made } from './admission-trial.ts'
import { HOST, type Labels, Picture, type Selector, ZONE } from './placement-oracle.ts'

/** A small cluster that changes at random: the scheduler's picture of it, and the plain one beside it. */
export class History {
  readonly picture = new Picture()
  readonly state: ClusterState
  readonly cycle: SchedulingCycle
  readonly random: Random
  #serial = 0

  constructor(seed: number, state = new ClusterState()) {
    this.state = state
    this.random = seededRandom(seed)
    this.cycle = new SchedulingCycle(defaultProfile(), this.random)
    for (const namespace of ['one', 'two']) this.setNamespace(namespace)
    for (let index = 0; index < 6; index += 1) this.setNode(`node-${index}`)
  }

  pick<T>(...from: T[]): T {
    return from[Math.floor(this.random.fraction() * from.length)] as T
  }

  chance(share: number): boolean {
    return this.random.fraction() < share
  }

  setNamespace(name: string): void {
    const labels: Labels = this.chance(0.5) ? { team: 'red' } : {}
    this.picture.namespaces.set(name, labels)
    this.state.setNamespace(name, labels)
  }

  setNode(name: string): void {
    const labels = { [HOST]: name, ...(this.chance(0.9) ? { [ZONE]: this.pick('x', 'y', 'z') } : {}), disk: this.pick('ssd', 'spinning') }
    const effect = this.pick(undefined, undefined, undefined, 'NoSchedule', 'PreferNoSchedule')
    const spec = { ...(effect ? { taints: [{ key: 'team', effect }] } : {}), ...(this.chance(0.1) ? { unschedulable: true } : {}) }
    const node = made('v1', 'Node', { metadata: { name, labels }, spec, status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' } } })
    this.picture.nodes.set(name, node)
    this.state.setNode(node)
  }

  selector(): Exclude<Selector, undefined> {
    if (this.chance(0.7)) return { matchLabels: { app: this.pick('a', 'b') } }
    return this.pick<Exclude<Selector, undefined>>(
      { matchExpressions: [{ key: 'app', operator: this.pick('In', 'NotIn'), values: ['a', 'c'] }] },
      {},
      { matchExpressions: [{ key: 'tier', operator: this.pick('Exists', 'DoesNotExist') }] },
    )
  }

  term(): PodAffinityTerm {
    const where = this.pick<object>(
      {},
      {},
      { namespaces: ['two'] },
      { namespaceSelector: { matchLabels: { team: 'red' } } },
      { namespaceSelector: {} },
    )
    return { topologyKey: this.pick(ZONE, HOST, 'disk'), labelSelector: this.selector(), ...where }
  }

  constraint(): TopologySpreadConstraint {
    const whenUnsatisfiable = this.pick('DoNotSchedule', 'ScheduleAnyway')
    const more = this.pick<object>({}, {}, { nodeTaintsPolicy: 'Honor' }, { nodeAffinityPolicy: 'Ignore' })
    const minDomains = whenUnsatisfiable === 'DoNotSchedule' && this.chance(0.2) ? { minDomains: 3 } : {}
    return {
      maxSkew: this.pick(1, 2),
      topologyKey: this.pick(ZONE, HOST, 'disk'),
      whenUnsatisfiable,
      labelSelector: this.selector(),
      ...more,
      ...minDomains,
    }
  }

  newPod(priority = this.pick(0, 1)): Pod {
    const some = <T>(make: () => T, share: number) =>
      this.chance(share) ? { requiredDuringSchedulingIgnoredDuringExecution: [make(), ...(this.chance(0.2) ? [make()] : [])] } : {}
    const weighted = (share: number) =>
      this.chance(share)
        ? { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: this.pick(1, 30), podAffinityTerm: this.term() }] }
        : {}
    const term = () => this.term()
    const podAffinity = { ...some(term, 0.15), ...weighted(0.2) }
    const podAntiAffinity = { ...some(term, 0.15), ...weighted(0.2) }
    const spec: Partial<PodSpec> = {
      priority,
      ...(this.chance(0.5) ? { affinity: { podAffinity, podAntiAffinity } } : {}),
      ...(this.chance(0.2) ? { nodeSelector: { disk: 'ssd' } } : {}),
      ...(this.chance(0.3) ? { tolerations: [{ key: 'team', operator: 'Exists' }] } : {}),
      ...(this.chance(0.4) ? { topologySpreadConstraints: [this.constraint(), ...(this.chance(0.3) ? [this.constraint()] : [])] } : {}),
    }
    const name = `pod-${this.#serial++}`
    const labels: Labels = { app: this.pick('a', 'b', 'c'), ...(this.chance(0.3) ? { tier: 'front' } : {}) }
    const owners = this.chance(0.6)
      ? { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: this.pick('rs-1', 'rs-2'), controller: true }] }
      : {}
    const cpu = this.pick('0m', '200m', '700m')
    return made('v1', 'Pod', {
      metadata: { name, uid: name, namespace: this.pick('one', 'two'), labels, ...owners },
      spec: { containers: [{ name: 'main', image: 'x', resources: { requests: cpu === '0m' ? {} : { cpu } } }], ...spec },
    })
  }

  put(pod: Pod, node: string): void {
    const placed = { ...pod, spec: { ...pod.spec, nodeName: node } }
    this.picture.pods.set(pod.metadata.uid ?? '', placed)
    // Sometimes the watch confirms what was assumed.
    this.state.assume(podInfo(pod), node)
    if (this.chance(0.5)) this.state.setPod(placed)
  }

  remove(pod: Pod): void {
    this.picture.pods.delete(pod.metadata.uid ?? '')
    this.state.removePod(pod.metadata.uid ?? '')
  }

  change(): void {
    const pods = [...this.picture.pods.values()]
    const pod = pods[Math.floor(this.random.fraction() * pods.length)]
    const choice = this.pick('place', 'place', 'remove', 'ending', 'relabel', 'node', 'namespace', 'gone')
    if (choice === 'node') return this.setNode(`node-${this.pick(0, 1, 2, 3, 4, 5, 6)}`)
    if (choice === 'namespace') return this.setNamespace(this.pick('one', 'two'))
    if (choice === 'gone' && this.chance(0.3)) {
      const name = `node-${this.pick(0, 1, 2, 3, 4, 5)}`
      this.picture.nodes.delete(name)
      return this.state.removeNode(name)
    }
    if (!pod || choice === 'place' || choice === 'gone') return
    if (choice === 'remove') return this.remove(pod)
    const metadata = choice === 'ending' ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : { labels: { app: this.pick('a', 'b', 'c') } }
    const next = { ...pod, metadata: { ...pod.metadata, ...metadata } }
    this.picture.pods.set(pod.metadata.uid ?? '', next)
    this.state.setPod(next)
  }
}
