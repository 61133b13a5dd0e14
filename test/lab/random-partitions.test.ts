/** Cuts at random, for MINUTES, from SEED; left out where no MINUTES are given. In the end everything converges, and no pod of a set ran twice. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disturbance, disturb } from '../../deploy/lab/namespaces/faults.ts'
import { type Random, seededRandom } from '../../shared/random/random.ts'
import { LAB, NODES } from './lab-of-tests.ts'
import { useLab } from './use-lab.ts'
import { watchForTwins } from './watch-for-twins.ts'
import { webDeployment, webStatefulSet } from './workload.ts'

const minutes = Number(process.env['MINUTES'] ?? 0)
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const nodes = Array.from({ length: NODES }, (_, index) => `n${index + 1}`)

/** A cut of the lab into two or three parts, sometimes with loss besides, sometimes none; and how long it lasts. */
function nextCut(random: Random): { disturbance: Disturbance; milliseconds: number } {
  const parts = 1 + Math.floor(random.fraction() * 3)
  const groups: string[][] = Array.from({ length: parts }, () => [])
  for (const machine of ['server', ...nodes]) groups[Math.floor(random.fraction() * parts)]?.push(machine)
  const loss = random.fraction() < 0.3 ? { [nodes[Math.floor(random.fraction() * NODES)] ?? 'n1']: random.fraction() * 30 } : {}
  return { disturbance: { groups, loss }, milliseconds: 2_000 + random.fraction() * 38_000 }
}

test('random partitions', { skip: minutes > 0 ? false : 'MINUTES says for how long', timeout: (minutes + 6) * 60_000 }, async (t) => {
  const lab = await useLab('random')
  const { clock } = lab
  const random = seededRandom(seed)
  lab.note(`SEED=${seed} MINUTES=${minutes}`)
  await lab.kubectl.apply(webDeployment('web', NODES))
  await lab.kubectl.apply(webStatefulSet('db', NODES))
  await lab.pods('app=web', NODES)
  await lab.pods('app=db', NODES)
  t.after(() => disturb(LAB, {}))
  const twins = watchForTwins(lab, 'db-', t)
  const deadline = clock.monotonic() + minutes * 60_000
  while (clock.monotonic() < deadline) {
    const { disturbance, milliseconds } = nextCut(random)
    const parts = (disturbance.groups ?? []).map((group) => group.join('+') || '-').join(' | ')
    lab.note(`${(milliseconds / 1000).toFixed(0)} s: ${parts} ${JSON.stringify(disturbance.loss)}`)
    await disturb(LAB, disturbance)
    await clock.sleep(Math.min(milliseconds, Math.max(0, deadline - clock.monotonic())))
  }
  await disturb(LAB, {})
  const healed = clock.monotonic()
  await lab.nodesReady(nodes, 120_000)
  await lab.pods('app=web', NODES, undefined, 120_000)
  await lab.pods('app=db', NODES, undefined, 120_000)
  lab.note(`all as it should be ${((clock.monotonic() - healed) / 1000).toFixed(1)} s after the last cut healed`)
  assert.deepEqual(await twins.end(), [])
})
