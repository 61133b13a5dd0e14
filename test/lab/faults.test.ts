/** Machines are cut off, move and die; afterwards everything is as it should be, and nothing was there twice meanwhile. */
import assert from 'node:assert/strict'
import { afterEach, before, test } from 'node:test'
import { delayPackets, disturb, moveMachine, switchOff, switchOn } from '../../deploy/lab/namespaces/faults.ts'
import { labCommand } from '../../deploy/lab/namespaces/lab.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../../shared/openapi/generated/discovery-v1.ts'
import { eventually } from '../harness/eventually.ts'
import { GRACE, LAB, NODES } from './lab-of-tests.ts'
import { useLab } from './use-lab.ts'
import { watchForTwins } from './watch-for-twins.ts'
import { asker, webDeployment, webStatefulSet } from './workload.ts'

const lab = await useLab('faults')
const { kubectl, client, clock } = lab
const nodes = Array.from({ length: NODES }, (_, index) => `n${index + 1}`)
const last = nodes.at(-1)!
const others = nodes.slice(0, -1)

/** The longest that a Service may lead to a machine that is gone: until its node counts as gone, and what follows is done (docs/lab.md). */
const DEAD_ENDPOINT_MOST = GRACE.node + 10_000
const LOADED = 60_000

before(async () => {
  await kubectl.apply(webDeployment('web', NODES))
  await kubectl.apply(webStatefulSet('db', NODES))
  for (const node of nodes) await kubectl.apply(asker(node))
  await lab.pods('app=web', NODES)
  await lab.pods('app=db', NODES)
  await lab.pods('app=asker', NODES)
})

afterEach(() => disturb(LAB, {}))

/** Answers of the Service, asked from a pod on that machine: pods' names, or `-` for none. */
async function ask(from: string, times: number): Promise<string[]> {
  const loop = `i=0; while [ $i -lt ${times} ]; do wget -qO- -T 2 http://web/ 2>/dev/null || echo -; i=$((i+1)); done`
  return (await kubectl.ok(['exec', `asker-${from}`, '--', 'sh', '-c', loop])).split('\n')
}

/** Resolves when the Service leads to no pod of that machine. */
const withoutEndpointsOn = (machine: string) =>
  eventually(
    client,
    ['discovery.k8s.io/v1', 'EndpointSlice'],
    (slices: EndpointSlice[]) =>
      slices.flatMap(({ endpoints }) => endpoints ?? []).every((one) => one.nodeName !== machine || one.conditions?.ready === false),
    { namespace: 'faults', labelSelector: 'kubernetes.io/service-name=web', withinMilliseconds: DEAD_ENDPOINT_MOST + LOADED },
  )

/** All nodes Ready, every pod of every set there and ready, the Service answers from every machine. */
async function converged(): Promise<void> {
  await lab.nodesReady(nodes, 90_000)
  await lab.pods('app=web', NODES, undefined, 90_000)
  await lab.pods('app=db', NODES, undefined, 90_000)
  const started = clock.monotonic()
  for (const node of nodes) {
    // The last rules are written a moment after the last object says so.
    let answers = await ask(node, 6)
    while (answers.includes('-') && clock.monotonic() - started < 30_000) answers = await ask(node, 6)
    assert.ok(!answers.includes('-'), `from ${node} the Service answers: ${answers}`)
  }
}

const since = (started: number) => ((clock.monotonic() - started) / 1000).toFixed(1)

test('the lab falls in two: pods are replaced in the half with the server, those of sets are not, the Service leaves the other half; then all is one again', async (t) => {
  const twins = watchForTwins(lab, 'db-', t)
  const started = clock.monotonic()
  const half = nodes.slice(0, Math.floor(NODES / 2))
  const cut = nodes.slice(half.length)
  await disturb(LAB, { groups: [['server', ...half], cut] })
  await Promise.all(cut.map(withoutEndpointsOn))
  const left = clock.monotonic() - started
  lab.note(`two halves: the Service left the one without the server after ${(left / 1000).toFixed(1)} s`)
  assert.ok(left < DEAD_ENDPOINT_MOST + 5_000, 'not longer than documented')
  const isThere = ({ spec, metadata }: Pod) => !cut.includes(spec.nodeName ?? '') || metadata.deletionTimestamp !== undefined
  await lab.pods('app=web', NODES + cut.length, isThere)
  assert.ok(!(await ask(half[0]!, 12)).includes('-'), 'none of 12 requests goes to the other half')
  // It runs on where it is: nobody can know that it does not.
  const [set] = (await lab.running()).filter(({ machine, pod }) => machine === last && pod.startsWith('db-'))
  assert.ok(set, 'the pod of the set still runs on the machine that is cut off')
  await disturb(LAB, {})
  const healed = clock.monotonic()
  await converged()
  lab.note(`healed: all as before after ${since(healed)} s`)
  assert.deepEqual(await twins.end(), [], 'no pod of the set ran twice')
})

test('a fifth of the packets of a machine is lost: what was asked for is done, only later', async () => {
  await disturb(LAB, { loss: { [last]: 20 } })
  const isDelayed = await delayPackets(LAB, others[0]!, 100)
  if (!isDelayed) lab.note('this kernel has no netem: delay was not tried, only loss')
  const started = clock.monotonic()
  await kubectl.ok(`set env deployment/web ROUND=loss`)
  await kubectl.ok('rollout status deployment/web --timeout=120s')
  lab.note(`rolled out with loss in ${since(started)} s`)
  await disturb(LAB, {})
  if (isDelayed) await delayPackets(LAB, others[0]!, 0)
  await converged()
})

test('a machine gets another address: it is found there, its pods are the same ones', async () => {
  const before = (await lab.running()).filter(({ machine }) => machine === last).map(({ id }) => id)
  const { network } = lab.state()
  const started = clock.monotonic()
  await moveMachine(lab.state(), lab.machine(last), `${network}.200`)
  await eventually(
    client,
    ['v1', 'Node'],
    (all) =>
      all.some(({ metadata, status }) => metadata.name === last && status.addresses?.some(({ address }) => address === `${network}.200`)),
    { withinMilliseconds: 90_000 },
  )
  lab.note(`moved: the node says its new address after ${since(started)} s`)
  await converged()
  const after = (await lab.running()).filter(({ machine }) => machine === last).map(({ id }) => id)
  for (const id of before) assert.ok(after.includes(id), 'containers ran on')
  assert.equal(await kubectl.ok(`exec asker-${last} -- echo reached`), 'reached', 'the API server reaches its kubelet')
})

test('a machine loses its power and comes back: its pods were elsewhere meanwhile, those of sets were not, and come back with it', async (t) => {
  const twins = watchForTwins(lab, 'db-', t)
  const started = clock.monotonic()
  await switchOff(lab.state(), lab.machine(last))
  await withoutEndpointsOn(last)
  lab.note(`power off: the Service left the machine after ${since(started)} s`)
  assert.ok(!(await ask(others[0]!, 12)).includes('-'))
  await switchOn(lab.state(), lab.machine(last))
  await labCommand(LAB, lab.machine(last), ['start'])
  await converged()
  assert.deepEqual(await twins.end(), [])
})
