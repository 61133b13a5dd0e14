import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { objectKey } from '../../shared/objects/object.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { NetworkPolicy } from '../../shared/openapi/generated/networking-v1.ts'
import { networkPolicy, policyPodBody } from '../../test/harness/policy-bodies.ts'
import { PolicyPlan } from './policy-plan.ts'
import { policyPod } from './policy-pod.ts'
import type { TableChange } from './table-state.ts'

function planOf(pods: readonly Pod[], policies: readonly NetworkPolicy[], namespaces: Record<string, Record<string, string>> = {}) {
  const plan = new PolicyPlan('node-1')
  plan.setRange('10.244.1.0/24')
  for (const [name, labels] of Object.entries(namespaces)) plan.setNamespace(name, labels)
  for (const pod of pods) plan.setPod(objectKey(pod), policyPod(pod))
  for (const policy of policies) plan.setPolicy(objectKey(policy), policy)
  return plan
}

const elements = (change: TableChange, set: string) => [...(change.come.get(set)?.keys() ?? [])].sort()
const isNothing = ({ newSets, newChains, gone, come, goneChains, goneSets }: TableChange) =>
  newSets.length + newChains.size + gone.size + come.size + goneChains.length + goneSets.length === 0

const web = policyPodBody('shop', 'web', { labels: { app: 'web' }, address: '10.244.1.2' })
const db = policyPodBody('shop', 'db', { labels: { app: 'db' }, address: '10.244.1.3' })
const far = policyPodBody('shop', 'far', { labels: { app: 'web' }, address: '10.244.2.2', node: 'node-2' })
const guard = networkPolicy('shop', 'guard', {
  podSelector: { matchLabels: { app: 'db' } },
  ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }], ports: [{ port: 80 }] }],
})

describe('the table of a node', () => {
  it('restricts its own pods, and knows them all', () => {
    const whole = planOf([web, db, far], [guard]).whole()
    assert.deepEqual(elements(whole, 'known'), ['10.244.1.2', '10.244.1.3'])
    assert.deepEqual(elements(whole, 'ingress'), ['10.244.1.3'])
    assert.deepEqual(elements(whole, 'egress'), [])
    assert.deepEqual(elements(whole, 'selves'), ['10.244.1.3 . 10.244.1.3'])
    const [peers = ''] = whole.newSets
    assert.deepEqual(elements(whole, peers), ['10.244.1.2', '10.244.2.2'])
    assert.deepEqual([...whole.newChains.values()], [[{ peers, protocol: 'tcp', ports: [[80, 80]] }]])
  })

  it('holds nothing of policies whose pods are elsewhere, and no closed range', () => {
    const whole = planOf([web, far], [guard]).whole()
    assert.deepEqual([whole.newSets, whole.newChains.size, elements(whole, 'closed_ingress')], [[], 0, []])
  })

  it('closes the node’s range to the unknown while somebody is restricted, who may have no address yet', () => {
    const coming = policyPodBody('shop', 'db', { labels: { app: 'db' } })
    const plan = planOf([web, coming], [guard])
    const before = plan.changes()
    assert.deepEqual([elements(before, 'closed_ingress'), elements(before, 'closed_egress')], [['10.244.1.0/24'], []])
    assert.equal(before.newChains.size, 1, 'the chain is there before the pod')
    plan.setPod('shop/db', policyPod(db))
    const after = plan.changes()
    assert.deepEqual([after.newChains.size, elements(after, 'ingress'), elements(after, 'known')], [0, ['10.244.1.3'], ['10.244.1.3']])
    plan.setPod('shop/db', undefined)
    assert.deepEqual([...(plan.changes().gone.get('closed_ingress') ?? [])], [['10.244.1.0/24', '']])
  })

  it('shares chains and sets between pods and policies that mean the same', () => {
    const again = policyPodBody('shop', 'db-2', { labels: { app: 'db' }, address: '10.244.1.4' })
    const plan = planOf([web, db, again], [guard, { ...guard, metadata: { name: 'twin', namespace: 'shop' } }])
    const whole = plan.whole()
    assert.deepEqual([whole.newSets.length, whole.newChains.size, elements(whole, 'ingress').length], [1, 1, 2])
    plan.setPolicy('shop/twin', undefined)
    assert.ok(isNothing(plan.changes()))
  })

  it('costs the change', () => {
    const plan = planOf([web, db, far], [guard])
    plan.whole()
    plan.setPod('shop/far', policyPod(policyPodBody('shop', 'far', { labels: { app: 'x' }, address: '10.244.2.2', node: 'node-2' })))
    const change = plan.changes()
    assert.deepEqual([...change.gone.values()], [new Map([['10.244.2.2', '']])])
    assert.deepEqual([change.come.size, change.newChains.size, change.goneChains.length], [0, 0, 0])
    assert.ok(isNothing(plan.changes()))
  })

  it('leaves pods on the host’s network and pods that ended alone', () => {
    const host = policyPodBody('shop', 'host', { labels: { app: 'db' }, address: '172.28.0.3', hostNetwork: true })
    const ended = policyPodBody('shop', 'ended', { labels: { app: 'db' }, address: '10.244.1.9', phase: 'Succeeded' })
    const whole = planOf([host, ended], [guard]).whole()
    assert.ok(isNothing({ ...whole, come: new Map([...whole.come].filter(([, { size }]) => size > 0)) }))
  })

  it('gives an address to the youngest who says it has it, and back', () => {
    const heir = policyPodBody('lab', 'heir', { address: '10.244.1.3', created: '2026-02-01T00:00:00Z' })
    const plan = planOf([web, db], [guard])
    plan.whole()
    plan.setPod('lab/heir', policyPod(heir))
    assert.deepEqual(plan.changes().gone.get('ingress')?.size, 1)
    plan.setPod('lab/heir', undefined)
    assert.deepEqual(elements(plan.changes(), 'ingress'), ['10.244.1.3'])
  })

  it('moves an address from pod to pod in one change', () => {
    const plan = planOf([web, db], [networkPolicy('shop', 'all', { ingress: [{ from: [{ podSelector: {} }] }] })])
    plan.whole()
    plan.setPod('shop/web', policyPod(policyPodBody('shop', 'web', { address: '10.244.1.3', created: '2026-03-01T00:00:00Z' })))
    plan.setPod('shop/db', policyPod(policyPodBody('shop', 'db', { address: '10.244.1.2', created: '2026-03-01T00:00:00Z' })))
    assert.ok(isNothing(plan.changes()))
  })

  it('lets nothing through that restricts nobody: a rule for everybody ends the restriction', () => {
    const plan = planOf([db], [guard, networkPolicy('shop', 'open', { ingress: [{}] })])
    assert.deepEqual(elements(plan.whole(), 'ingress'), [])
  })

  it('never lets more through for a selector that is none', () => {
    const strange = { matchExpressions: [{ key: 'a', operator: 'Near', values: [] }] }
    const plan = planOf([db], [networkPolicy('shop', 'strange', { ingress: [{ from: [{ podSelector: strange }] }] })])
    assert.deepEqual([...plan.whole().newChains.values()], [[]])
  })
})
