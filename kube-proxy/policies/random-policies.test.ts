import assert from 'node:assert/strict'
import { test } from 'node:test'
import { objectKey } from '../../shared/objects/object.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { LabelSelector } from '../../shared/openapi/generated/meta-v1.ts'
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../shared/openapi/generated/networking-v1.ts'
import { type Random, seededRandom } from '../../shared/random/random.ts'
import { networkPolicy, policyPodBody } from '../../test/harness/policy-bodies.ts'
import { type End, lets, type PolicyWorld } from '../../test/harness/policy-oracle.ts'
import { TableModel } from '../../test/harness/table-model.ts'
import { PolicyPlan } from './policy-plan.ts'
import { policyPod } from './policy-pod.ts'

const NODES = ['node-1', 'node-2']
const SPACES = ['x', 'y', 'z']
const OUTSIDE = ['192.0.2.1', '192.0.2.130']
const PORTS = [
  { protocol: 'TCP', port: 80 },
  { protocol: 'TCP', port: 81 },
  { protocol: 'UDP', port: 80 },
  { protocol: 'SCTP', port: 85 },
]

/** Worlds small enough that chance meets itself: few labels, few ports, overlapping ranges. */
class Chance {
  readonly #random: Random
  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }
  one<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random.fraction() * list.length)]!
  }
  often(share = 0.5): boolean {
    return this.#random.fraction() < share
  }
  some<T>(most: number, make: () => T): T[] {
    return Array.from({ length: Math.floor(this.#random.fraction() * (most + 1)) }, make)
  }
  labels(): Record<string, string> {
    return { ...(this.often() ? { a: this.one(['1', '2']) } : {}), ...(this.often() ? { b: this.one(['1', '2']) } : {}) }
  }
  selector(): LabelSelector {
    const operator = this.one(['In', 'NotIn', 'Exists', 'DoesNotExist'])
    const values = operator.endsWith('In') ? [this.one(['1', '2'])] : undefined
    return this.one<() => LabelSelector>([
      () => ({}),
      () => ({ matchLabels: this.labels() }),
      () => ({ matchExpressions: [{ key: this.one(['a', 'b']), operator, values }] }),
    ])()
  }
  peer(): NetworkPolicyPeer {
    const ranges = ['10.244.0.0/16', '10.244.1.0/24', '10.244.1.0/30', '192.0.2.0/24', '0.0.0.0/0', '0.0.0.0/1', 'fd00::/8']
    const cidr = this.one(ranges)
    const inner = ['10.244.1.2/31', '10.244.2.0/24', '192.0.2.128/25', '10.244.0.0/17'].filter((range) => {
      return Number(range.split('/')[1]) > Number(cidr.split('/')[1])
    })
    return this.one<() => NetworkPolicyPeer>([
      () => ({ podSelector: this.selector() }),
      () => ({ namespaceSelector: this.selector() }),
      () => ({ podSelector: this.selector(), namespaceSelector: this.selector() }),
      () => ({ ipBlock: { cidr, except: inner.length ? this.some(2, () => this.one(inner)) : [] } }),
    ])()
  }
  port(): NetworkPolicyPort {
    const protocol = this.one(['TCP', 'TCP', 'UDP', 'SCTP'])
    return this.one<() => NetworkPolicyPort>([
      () => ({ protocol }),
      () => ({ protocol, port: this.one([80, 81]) }),
      () => ({ protocol, port: this.one([79, 81]), endPort: 85 }),
      () => ({ protocol, port: this.one(['http', 'alt']) }),
    ])()
  }
  policy(name: string): NetworkPolicy {
    const rule = () => ({ peers: this.some(3, () => this.peer()), ports: this.some(3, () => this.port()) })
    return networkPolicy(this.one(SPACES), name, {
      podSelector: this.selector(),
      ingress: this.some(2, rule).map(({ peers, ports }) => ({ from: peers, ports })),
      egress: this.some(2, rule).map(({ peers, ports }) => ({ to: peers, ports })),
      policyTypes: this.one([['Ingress'], ['Egress'], ['Ingress', 'Egress']]),
    })
  }
  pod(namespace: string, name: string, number: number): Pod {
    const node = NODES[number % 2] ?? ''
    const isOnHost = this.often(0.1)
    return policyPodBody(namespace, name, {
      ...{ labels: this.labels(), node, hostNetwork: isOnHost, created: `2026-01-01T00:00:${10 + number}Z` },
      address: isOnHost ? `172.28.0.${3 + (number % 2)}` : `10.244.${1 + (number % 2)}.${2 + number}`,
      ports: this.some(2, () => ({
        ...{ name: this.one(['http', 'alt']), containerPort: this.one([80, 81]), protocol: this.one(['TCP', 'UDP']) },
      })),
    })
  }
}

/** One node's plan, told every change, and the table that follows it. */
class NodeTable {
  readonly node: string
  readonly plan: PolicyPlan
  readonly model = new TableModel()
  constructor(node: string) {
    this.node = node
    this.plan = new PolicyPlan(node)
    this.plan.setRange(`10.244.${node.slice(-1)}.0/24`)
  }
}

const addressOf = (end: End) => (typeof end === 'string' ? end : (end.status.podIP ?? ''))
const nodeOf = (end: End) => (typeof end === 'string' ? undefined : end.spec.nodeName)

/** What the two nodes do together; a node's own traffic to its pods is not forwarded, and passes. */
function enforced(tables: readonly NodeTable[], from: End, to: End, { protocol, port }: (typeof PORTS)[number]): boolean {
  const packet = { from: addressOf(from), to: addressOf(to), protocol: protocol.toLowerCase(), port }
  return tables.filter(({ node }) => node === nodeOf(from) || node === nodeOf(to)).every(({ model }) => model.lets(packet))
}

for (let seed = 1; seed <= 25; seed += 1) {
  test(`what is enforced is what the policies say, change after change (seed ${seed})`, () => {
    const chance = new Chance(seed)
    const policies = new Map<string, NetworkPolicy>()
    const pods = new Map<string, Pod>()
    const namespaces = new Map<string, Record<string, string>>()
    const tables = NODES.map((node) => new NodeTable(node))
    const tell = (each: (plan: PolicyPlan) => void) => {
      for (const { plan } of tables) each(plan)
    }
    const setPolicy = (key: string, policy: NetworkPolicy | undefined) => {
      if (policy) policies.set(key, policy)
      else policies.delete(key)
      tell((plan) => plan.setPolicy(key, policy))
    }
    const setPod = (pod: Pod) => {
      pods.set(objectKey(pod), pod)
      tell((plan) => plan.setPod(objectKey(pod), policyPod(pod)))
    }
    const setNamespace = (name: string) => {
      const labels = chance.labels()
      namespaces.set(name, labels)
      tell((plan) => plan.setNamespace(name, labels))
    }
    const anyPod = () => {
      const number = Math.floor(Number(chance.one(['0', '1', '2', '3', '4', '5', '6', '7'])))
      return chance.pod(SPACES[number % 3] ?? '', `p${number}`, number)
    }
    const steps = [
      () => setNamespace(chance.one(SPACES)),
      () => setPod(anyPod()),
      () => {
        const policy = chance.policy(`n${chance.one([1, 2, 3])}`)
        setPolicy(objectKey(policy), policy)
      },
      () => setPolicy(chance.one([...policies.keys(), 'x/none']), undefined),
    ]
    for (const name of SPACES) setNamespace(name)
    for (let number = 0; number < 8; number += 1) setPod(chance.pod(SPACES[number % 3] ?? '', `p${number}`, number))
    for (let step = 0; step < 20; step += 1) {
      for (const act of chance.some(2, () => chance.one(steps))) act()
      for (const { plan, model } of tables) model.apply(plan.changes())
      const world: PolicyWorld = { policies: [...policies.values()], pods: [...pods.values()], namespaces }
      // Of pods on a host's network only the address is seen, which two of them share, and the node's own packets are not forwarded.
      const ends: End[] = [...world.pods.filter((pod) => !pod.spec.hostNetwork), ...OUTSIDE]
      for (const from of ends) {
        for (const to of ends) {
          for (const wanted of PORTS) {
            const [is, should] = [enforced(tables, from, to, wanted), lets(world, from, to, wanted)]
            assert.equal(is, should, `step ${step}: ${addressOf(from)} → ${addressOf(to)} ${JSON.stringify(wanted)}`)
          }
        }
      }
    }
    for (const { node, model } of tables) {
      const fresh = new NodeTable(node)
      for (const [name, labels] of namespaces) fresh.plan.setNamespace(name, labels)
      for (const [key, policy] of policies) fresh.plan.setPolicy(key, policy)
      for (const [key, pod] of pods) fresh.plan.setPod(key, policyPod(pod))
      fresh.model.apply(fresh.plan.whole())
      assert.deepEqual([model.sets, model.chains], [fresh.model.sets, fresh.model.chains], 'changes lead where a fresh start leads')
    }
  })
}
