// Random histories in which pods wait, beside somebody who tries every one of them again after every change: whoever sleeps, would be refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics } from '../shared/metrics/metrics.ts'
import type { Pod } from '../shared/openapi/generated/core-v1.ts'
import { manualClock } from '../simulation/time/manual-clock.ts'
import { History } from '../test/harness/placement-history.ts'
import { ClusterState } from './cluster-state.ts'
import type { SchedulingPlugin } from './framework.ts'
import { type PodInfo, podInfo } from './pod-info.ts'
import { findPreemption } from './preemption/preemption.ts'
import { SchedulingQueue } from './queue.ts'

const backoff = { firstBackoffMilliseconds: 1_000, longestBackoffMilliseconds: 10_000 }

interface Trial {
  readonly history: History
  readonly queue: SchedulingQueue
  readonly waiting: Map<string, PodInfo>
  /** Who has to leave, and leaves in the end. */
  readonly leaving: Pod[]
  /** How many waited when something changed, and how many were tried again. */
  slept: number
  woken: number
}

function begin(seed: number, clock = manualClock()): Trial & { clock: typeof clock } {
  let queue: SchedulingQueue | undefined
  const state = new ClusterState((change) => queue?.cluster(change))
  const history = new History(seed, state)
  queue = new SchedulingQueue({ clock, cluster: state, metrics: new Metrics(), backoff })
  return { clock, history, queue, waiting: new Map(), leaving: [], slept: 0, woken: 0 }
}

/** As the scheduler does: everybody who is due is placed, or room is made, or it sleeps. */
function work({ history, queue, waiting, leaving }: Trial): void {
  const { state, cycle, random } = history
  for (let info = queue.take(); info; info = queue.take()) {
    const placement = cycle.place(info, state)
    if (placement.node) {
      queue.delete(info.uid)
      waiting.delete(info.uid)
      history.put(info.pod, placement.node.name)
      continue
    }
    const refusedBy = new Set(placement.refusedBy)
    const made = roomFor(info, history, random, refusedBy)
    if (made) {
      for (const other of [...state.nominations.on(made.node.name).values()]) {
        if (other.priority >= info.priority) continue
        state.dropNomination(other.uid)
        queue.retry(other.uid)
      }
      state.nominate(info, made.node.name)
      leaving.push(...made.victims.map(({ pod }) => pod))
    } else state.dropNomination(info.uid)
    queue.refused(info.uid, refusedBy)
  }
}

function roomFor(info: PodInfo, { state, cycle }: History, random: History['random'], refusedBy: Set<SchedulingPlugin>) {
  const placement = cycle.place(info, state)
  if (placement.node || placement.refusers.length === 0) return undefined
  const { refusers } = placement
  const fits = cycle.fitsAfterRemoval(info, state, refusedBy)
  const made = findPreemption(info, { cluster: state, budgets: [], random, refusers, fits })
  return made.node ? made : undefined
}

/** Some ask for so much that nodes are full soon. */
function large(history: History, pod: Pod): Pod {
  if (history.chance(0.5)) return pod
  const requests = { cpu: history.pick('1500m', '2500m', '3500m') }
  return { ...pod, spec: { ...pod.spec, containers: [{ name: 'main', resources: { requests } }] } }
}

function checkSleepers({ history, queue, waiting }: Trial, told: string): void {
  const { state, cycle, random } = history
  for (const info of waiting.values()) {
    if (!queue.sleeps(info.uid)) continue
    const placement = cycle.place(info, state)
    assert.equal(placement.node?.name, undefined, `${told}: ${info.key} sleeps, and would fit`)
    if (state.nominations.nodeOf(info.uid) !== undefined) continue
    const made = roomFor(info, history, random, new Set())
    assert.equal(made?.node.name, undefined, `${told}: ${info.key} sleeps, and room could be made for it`)
  }
}

test('no pod sleeps that would be placed if it were tried, or for which room could be made', async () => {
  let slept = 0
  let woken = 0
  for (let seed = 1; seed <= 40; seed += 1) {
    const trial = begin(seed)
    const { history, queue, waiting, leaving, clock } = trial
    for (let step = 0; step < 60; step += 1) {
      const told = `seed ${seed}, step ${step}`
      const sleepers = [...waiting.keys()].filter((uid) => queue.sleeps(uid))
      history.change()
      checkSleepers(trial, told)
      slept += sleepers.length
      woken += sleepers.filter((uid) => !queue.sleeps(uid)).length
      const victim = history.chance(0.4) ? leaving.shift() : undefined
      if (victim) history.remove(victim)
      checkSleepers(trial, told)
      const info = podInfo(large(history, history.newPod(history.pick(0, 0, 1, 10))))
      waiting.set(info.uid, info)
      queue.set(info, false)
      work(trial)
      checkSleepers(trial, told)
      if (history.chance(0.3)) {
        await clock.advance(11_000)
        work(trial)
        checkSleepers(trial, told)
      }
      const [oldest] = waiting.keys()
      if (waiting.size > 15 && oldest !== undefined) {
        waiting.delete(oldest)
        queue.delete(oldest)
        history.state.dropNomination(oldest)
        checkSleepers(trial, told)
      }
    }
  }
  assert.ok(slept > 4_000 && woken > 200, `${slept} slept, ${woken} woken: too few to tell`)
  assert.ok(woken < slept / 4, `${woken} of ${slept} were woken: hardly anybody was spared`)
})
