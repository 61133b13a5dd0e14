// The scheduler beside a slow and plain second opinion: random histories of small clusters, in which every decision is compared with what looking at every
// pod on every node comes to. The same picture is used all along, so whatever is counted beforehand must stay right as nodes and pods come, change and go.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node, Pod } from '../shared/openapi/generated/core-v1.ts'
import { History } from '../test/harness/placement-history.ts'
import { fits, Picture, totals } from '../test/harness/placement-oracle.ts'
import { podInfo } from './pod-info.ts'
import { findPreemption } from './preemption/preemption.ts'

test('every decision is one that looking at everything would make: it fits, and nothing that fits is better', () => {
  let placed = 0
  let refused = 0
  for (let seed = 1; seed <= 40; seed += 1) {
    const history = new History(seed)
    const { picture, state, cycle } = history
    for (let step = 0; step < 40; step += 1) {
      history.change()
      const pod = history.newPod()
      const told = `seed ${seed}, step ${step}`
      const fitting = [...picture.nodes.values()].filter((node) => fits(pod, node, picture))
      const placement = cycle.place(podInfo(pod), state)
      if (placement.node === undefined) {
        assert.deepEqual(
          fitting.map(({ metadata }) => metadata.name),
          [],
          `${told}: ${placement.message}`,
        )
        refused += 1
        continue
      }
      const { name } = placement.node
      const chosen = fitting.findIndex(({ metadata }) => metadata.name === name)
      assert.notEqual(chosen, -1, `${told}: ${name} does not fit`)
      if (fitting.length > 1) {
        const points = totals(pod, fitting, picture)
        assert.ok(
          (points[chosen] ?? Number.NaN) >= Math.max(...points) - 1e-6,
          `${told}: ${name} gets ${points[chosen]}, others ${points.join(' ')}`,
        )
      }
      history.put(pod, name)
      placed += 1
    }
  }
  assert.ok(placed > 400 && refused > 40, `${placed} placed, ${refused} refused: too much alike`)
})

test('room is made where it can be, and only by those whose leaving is needed', () => {
  let found = 0
  let vain = 0
  for (let seed = 100; seed < 130; seed += 1) {
    const history = new History(seed)
    const { picture, state, cycle, random } = history
    for (let step = 0; step < 60; step += 1) {
      if (step % 3 === 0) history.change()
      const pod = history.newPod(step % 4 === 3 ? 10 : history.pick(0, 1))
      const info = podInfo(pod)
      const placement = cycle.place(info, state)
      if (placement.node) {
        history.put(pod, placement.node.name)
        continue
      }
      const told = `seed ${seed}, step ${step}`
      const tools = { cluster: state, budgets: [], random, refusers: placement.refusers, fits: cycle.fitsAfterRemoval(info, state) }
      const made = findPreemption(info, tools)
      const without = (leaving: (other: Pod) => boolean): Picture => {
        const rest = new Picture()
        for (const [name, node] of picture.nodes) rest.nodes.set(name, node)
        for (const [name, labels] of picture.namespaces) rest.namespaces.set(name, labels)
        for (const [uid, other] of picture.pods) if (!leaving(other)) rest.pods.set(uid, other)
        return rest
      }
      if (!made.node) {
        const lower = (node: Node) => (other: Pod) =>
          other.spec.nodeName === node.metadata.name && (other.spec.priority ?? 0) < info.priority
        const possible = [...picture.nodes.values()].filter(
          (node) => [...picture.pods.values()].some(lower(node)) && fits(pod, node, without(lower(node))),
        )
        assert.deepEqual(
          possible.map(({ metadata }) => metadata.name),
          [],
          `${told}: ${made.why}`,
        )
        vain += 1
        continue
      }
      const { name } = made.node
      const victims = new Set(made.victims.map(({ uid }) => uid))
      const node = picture.nodes.get(name)
      assert.ok(node && made.victims.every(({ priority }) => priority < info.priority), told)
      assert.ok(
        fits(
          pod,
          node,
          without((other) => victims.has(other.metadata.uid ?? '')),
        ),
        `${told}: it would not fit on ${name}`,
      )
      assert.ok(!fits(pod, node, picture), `${told}: it fits on ${name} as it is`)
      found += 1
      for (const { pod: victim } of made.victims) history.remove(victim)
      history.put(pod, name)
    }
  }
  assert.ok(found > 20 && vain > 20, `${found} found, ${vain} in vain: too much alike`)
})
