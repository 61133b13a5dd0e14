/**
 * A highly available cluster of its own, in which every part of the control plane fails while a Deployment is rolled out: who asks through a Service
 * loses no request, who uses kubectl waits two seconds at most, and nothing is there twice.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { outputOf, runCommand } from '../../deploy/command.ts'
import { findContainers, type HostContainer } from '../../deploy/hosts.ts'
import { eventually } from '../harness/eventually.ts'
import { soon } from '../harness/soon.ts'
import { useCluster } from './cluster.ts'
import { crash } from './faults.ts'
import { bringUp, takeDown } from './own-cluster.ts'
import { steadyKubectl } from './steady-kubectl.ts'
import { getText, steadyTraffic } from './traffic.ts'

await bringUp('highly available')
const cluster = await useCluster('high-availability')
after(takeDown)
const { kubectl, clock, settings } = cluster

/** By compose's name and number: `etcd-1`, `controller-manager/2`. */
async function container(service: string, index = 0): Promise<HostContainer> {
  const found = (await findContainers(settings, service))[index]
  assert.ok(found, `there is no container of ${service}`)
  return found
}

/** What the container's own health check asks, asked until it is content. */
async function untilHealthy({ id, name }: HostContainer): Promise<void> {
  const deadline = clock.monotonic() + 60_000
  const check = JSON.parse(await outputOf('docker', ['inspect', '--format', '{{json .Config.Healthcheck.Test}}', id])) as string[]
  for (;;) {
    const asked = await runCommand('docker', ['exec', id, ...check.slice(1)])
    if (asked.code === 0) return
    assert.ok(clock.monotonic() < deadline, `${name} does not come back: ${asked.stdout}${asked.stderr}`)
  }
}

const LEASES = { 'controller-manager': 'kube-controller-manager', scheduler: 'kube-scheduler' } as const
type Elected = keyof typeof LEASES

/** Upstream's defaults: how long a dead leader's lease lasts, and how often others look at it, with their jitter. */
const LEASE_MILLISECONDS = 15_000
const LOOK_MILLISECONDS = 2_400

async function holderOf(service: Elected): Promise<string> {
  return kubectl.in('kube-system').ok(`get lease ${LEASES[service]} -o jsonpath={.spec.holderIdentity}`)
}

/** The copy that leads: an identity begins with its container's id. */
async function leaderOf(service: Elected): Promise<HostContainer> {
  const holder = await holderOf(service)
  const leader = (await findContainers(settings, service)).find(({ id }) => holder.startsWith(id.slice(0, 12)))
  assert.ok(leader, `${holder} leads, and is no container of ${service}`)
  return leader
}

/** Milliseconds from now until another process leads. */
async function untilAnotherLeads(service: Elected, than: string): Promise<number> {
  const began = clock.monotonic()
  const isAnother = (holder = '') => holder !== '' && holder !== than
  await eventually(
    cluster.client,
    ['coordination.k8s.io/v1', 'Lease'],
    (leases) => leases.some(({ spec }) => isAnother(spec.holderIdentity)),
    {
      ...{ namespace: 'kube-system', fieldSelector: `metadata.name=${LEASES[service]}`, withinMilliseconds: 60_000 },
    },
  )
  return clock.monotonic() - began
}

let round = 0
let traffic: ReturnType<typeof steadyTraffic>
let commands: ReturnType<typeof steadyKubectl>

before(async () => {
  await kubectl.ok('apply -f examples/web.yaml')
  await kubectl.ok('create configmap steady')
  await kubectl.ok('rollout status deployment/web --timeout=60s')
  const [worker] = [...(await cluster.workers()).values()]
  const url = `http://${worker?.address}:30080/`
  // Rolled out is not yet led to by every node.
  await soon(async () => void (await getText(url)))
  traffic = steadyTraffic(url)
  commands = steadyKubectl(kubectl, clock)
})

/** Begins a rollout, lets it fail in the middle of it what may, and sees that it ends as if nothing had happened. */
async function rolloutDuring(faults: () => Promise<void>): Promise<void> {
  const began = clock.monotonic()
  await kubectl.ok(`set env deployment/web ROUND=${++round}`)
  await faults()
  await kubectl.ok('rollout status deployment/web --timeout=90s')
  const wanted = `${round}`
  await cluster.pods('app=web', 2, (pod) => pod.spec.containers[0]?.env?.some(({ value }) => value === wanted) ?? false, 90_000)
  const worst = commands.worst()
  assert.ok(worst.failing < 2_000, `kubectl failed for ${worst.failing} ms: ${worst.said}`)
  cluster.note(
    `${((clock.monotonic() - began) / 1000).toFixed(1)} s; kubectl failed for ${Math.round(worst.failing)} ms, took ${Math.round(worst.took)} ms`,
  )
}

for (const kind of ['etcd', 'apiserver']) {
  test(`each ${kind} is killed, one after the other`, () =>
    rolloutDuring(async () => {
      for (const number of [1, 2, 3]) {
        const victim = await container(`${kind}-${number}`)
        await crash(victim)
        await untilHealthy(victim)
      }
    }))
}

test('the leaders are killed: others follow within the time of their leases', () =>
  rolloutDuring(async () => {
    const services = Object.keys(LEASES) as Elected[]
    const took = await Promise.all(
      services.map(async (service) => {
        const [holder, leader] = [await holderOf(service), await leaderOf(service)]
        await crash(leader)
        const milliseconds = await untilAnotherLeads(service, holder)
        await untilHealthy(leader)
        return milliseconds
      }),
    )
    for (const milliseconds of took) assert.ok(milliseconds < LEASE_MILLISECONDS + LOOK_MILLISECONDS + 3_000, `${milliseconds} ms`)
    cluster.note(`new leaders after ${took.map((milliseconds) => (milliseconds / 1000).toFixed(1)).join(' and ')} s`)
  }))

test('each API server stands still while a rollout goes on', () =>
  rolloutDuring(async () => {
    for (const number of [1, 2, 3]) {
      const { id } = await container(`apiserver-${number}`)
      await outputOf('docker', ['pause', id])
      try {
        await kubectl.ok(`set env deployment/web ROUND=${++round}`)
        await kubectl.ok('rollout status deployment/web --timeout=60s')
      } finally {
        await outputOf('docker', ['unpause', id])
      }
      await untilHealthy(await container(`apiserver-${number}`))
    }
  }))

test('everything is restarted, one after the other, and who leads hands over at once', () =>
  rolloutDuring(async () => {
    for (const service of ['etcd-1', 'etcd-2', 'etcd-3', 'apiserver-1', 'apiserver-2', 'apiserver-3']) {
      const each = await container(service)
      await outputOf('docker', ['restart', each.id])
      await untilHealthy(each)
    }
    for (const service of Object.keys(LEASES) as Elected[]) {
      const [holder, leader] = [await holderOf(service), await leaderOf(service)]
      await outputOf('docker', ['stop', leader.id])
      const milliseconds = await untilAnotherLeads(service, holder)
      assert.ok(milliseconds < LEASE_MILLISECONDS / 2, `${service} was followed after ${milliseconds} ms`)
      await outputOf('docker', ['start', leader.id])
      await untilHealthy(leader)
    }
  }))

test('no request was lost, and nothing is there twice', async () => {
  const { answered, failures } = await traffic.stop()
  const { count, worst } = await commands.stop()
  cluster.note(
    `${answered} requests through the Service, ${count} commands of kubectl; the longest that failed: ${Math.round(worst.failing)} ms`,
  )
  assert.deepEqual(failures, [])
  assert.ok(answered > 200 && count > 20, 'enough to mean something')
  const counts = await kubectl.ok('get replicasets -o jsonpath={.items[*].spec.replicas}')
  assert.equal(
    counts.split(' ').reduce((sum, each) => sum + Number(each), 0),
    2,
  )
  const services = (await cluster.client.list('v1', 'Service', {})).items
  const given = services.flatMap(({ spec }) => [
    ...(spec.clusterIPs ?? []).filter((address) => address !== 'None'),
    ...(spec.ports ?? []).flatMap(({ nodePort, protocol }) => (nodePort ? [`${nodePort}/${protocol}`] : [])),
  ])
  assert.equal(new Set(given).size, given.length, given.join())
  const hosts = [...(await cluster.workers()).keys()]
  const running = (await Promise.all(hosts.map(cluster.containersOn))).flat()
  assert.equal(new Set(running.map(({ pod, container }) => `${pod}/${container}`)).size, running.length, 'no container twice')
})
