// How long the policies of one node take: 1,000 policies and 10,000 pods, 200 of them this node's, in full and for one change of each kind,
// in a network namespace of its own; beside nft doing nothing. Needs root and nft.

import { PolicyPlan } from '../kube-proxy/policies/policy-plan.ts'
import { PolicyPlane } from '../kube-proxy/policies/policy-plane.ts'
import { policyPod } from '../kube-proxy/policies/policy-pod.ts'
import { objectKey } from '../shared/objects/object.ts'
import { NetworkLab } from '../test/harness/network-lab.ts'
import { networkPolicy, policyPodBody } from '../test/harness/policy-bodies.ts'

const POLICIES = 1_000
const PODS = 10_000
const SPACES = 100
const NODES = 50
const CHANGES = 11

const pod = (index: number, app = Math.floor(index / SPACES) % 10) =>
  policyPodBody(`s${index % SPACES}`, `p${index}`, {
    ...{ labels: { app: `${app}` }, node: `node-${Math.floor(index / SPACES) % NODES}` },
    address: `10.${100 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`,
  })
/** Ten a namespace, one for each app: from another app of the same namespace, from one of all, and from a range. */
const policy = (index: number, port = 80) => {
  const from = [
    { podSelector: { matchLabels: { app: `${(index + 1) % 10}` } } },
    { namespaceSelector: {}, podSelector: { matchLabels: { app: `${(index + 2) % 10}` } } },
    { ipBlock: { cidr: '192.0.2.0/24', except: [`192.0.2.${index % 255}/32`] } },
  ]
  const podSelector = { matchLabels: { app: `${Math.floor(index / SPACES)}` } }
  return networkPolicy(`s${index % SPACES}`, `n${index}`, { podSelector, ingress: [{ from, ports: [{ port }] }] })
}

const times: Record<string, number[]> = {}
async function timed(what: string, work: () => unknown): Promise<void> {
  const began = performance.now()
  await work()
  ;(times[what] ??= []).push(performance.now() - began)
}

const lab = new NetworkLab(12)
const host = await lab.node('172.31.79.1')
try {
  const plane = new PolicyPlane(
    { table: 'coxswain-policy', family: 'IPv4' },
    async (text) => void (await host.run(['nft', '-f', '-'], text)),
  )
  const plan = new PolicyPlan('node-7')
  for (let index = 0; index < SPACES; index += 1) plan.setNamespace(`s${index}`, {})
  await timed('planned from nothing', () => {
    for (let index = 0; index < PODS; index += 1) plan.setPod(objectKey(pod(index)), policyPod(pod(index)))
    for (let index = 0; index < POLICIES; index += 1) plan.setPolicy(objectKey(policy(index)), policy(index))
    return plan.whole()
  })
  await timed('planned and applied', () => plane.replace(plan.whole()))
  for (let round = 0; round < CHANGES; round += 1) {
    await timed('nft does nothing', () => host.run(['nft', 'list', 'tables']))
    await timed("another node's pod changes its labels", () => {
      plan.setPod(objectKey(pod(round)), policyPod(pod(round, 9)))
      return plane.update(plan.changes())
    })
    const own = 7 * SPACES + round
    await timed('a pod of this node changes its labels', () => {
      plan.setPod(objectKey(pod(own)), policyPod(pod(own, 9)))
      return plane.update(plan.changes())
    })
    await timed('a policy of pods here changes', () => {
      plan.setPolicy(objectKey(policy(700 + 20 + round)), policy(700 + 20 + round, 81))
      return plane.update(plan.changes())
    })
  }
  const whole = plan.whole()
  const elements = [...whole.come.values()].reduce((sum, { size }) => sum + size, 0)
  console.log(
    `network policies, ${POLICIES} policies, ${PODS} pods: ${whole.newChains.size} chains, ${whole.newSets.length} sets, ${elements} elements`,
  )
  for (const [what, all] of Object.entries(times)) {
    const median = all.sort((one, other) => one - other)[Math.floor(all.length / 2)] ?? 0
    console.log(`  ${what.padEnd(40)} ${median.toFixed(1)} ms`)
  }
} finally {
  await lab.close()
}
