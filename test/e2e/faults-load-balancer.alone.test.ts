/** The address of a load balancer outlives the host that answers for it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outputOf, runCommand } from '../../deploy/command.ts'
import { ANNOUNCED_BY } from '../../shared/addresses/announced-by.ts'
import type { Service } from '../../shared/openapi/generated/core-v1.ts'
import { eventually } from '../harness/eventually.ts'
import { useCluster } from './cluster.ts'

const cluster = await useCluster('faults-load-balancer')
const { kubectl, clock, client } = cluster

/** The grace period of the tests' cluster, one renewal of the Lease, and a second for each of noticing, moving and telling. */
const LONGEST_MILLISECONDS = 8_000 + 2_000 + 3_000

const holderOf = ({ metadata }: Service) => metadata.annotations?.[ANNOUNCED_BY]
const watched = (condition: (service: Service) => boolean, withinMilliseconds: number) =>
  eventually(client, ['v1', 'Service'], (all) => all.some((each) => each.metadata.name === 'web' && condition(each)), {
    namespace: cluster.namespace,
    withinMilliseconds,
  }).then((all) => all.find(({ metadata }) => metadata.name === 'web')!)

test('the host that answers for an address is killed: the address answers again from another, and stays there', async () => {
  await kubectl.ok('apply -f examples/web.yaml')
  await kubectl.ok(['patch', 'service', 'web', '-p', '{"spec":{"type":"LoadBalancer"}}'])
  await kubectl.ok('rollout status deployment/web --timeout=60s')
  await cluster.pods('app=web', 2)
  const service = await watched((each) => holderOf(each) !== undefined, 20_000)
  const address = service.status.loadBalancer.ingress?.[0]?.ip
  const first = holderOf(service)
  assert.ok(address && first)
  const answers = async () => (await runCommand('curl', ['-s', '-o', '/dev/null', '--max-time', '1', `http://${address}/`])).code === 0
  const untilAnswers = async (within: number) => {
    const began = clock.monotonic()
    while (!(await answers())) assert.ok(clock.monotonic() - began < within, `${address} does not answer`)
    return clock.monotonic() - began
  }
  await untilAnswers(10_000)
  const host = await cluster.worker(first)

  await outputOf('docker', ['kill', host.id])
  const killed = clock.monotonic()
  const moved = await watched((each) => holderOf(each) !== first, LONGEST_MILLISECONDS)
  const movedAfter = clock.monotonic() - killed
  const second = holderOf(moved)
  assert.ok(second !== undefined && second !== first)
  // The dead host's pod is an endpoint until its node is not ready: of that time some connections are lost, none of the address is.
  await untilAnswers(LONGEST_MILLISECONDS - movedAfter)
  cluster.note(
    `the holder of an address died: another after ${Math.round(movedAfter)} ms, answers after ${Math.round(clock.monotonic() - killed)} ms`,
  )

  await outputOf('docker', ['start', host.id])
  await kubectl.ok(['wait', 'node', first, '--for=condition=Ready', '--timeout=60s'])
  await cluster.pods('app=web', 2, undefined, 60_000)
  assert.equal(holderOf(await watched(() => true, 1_000)), second, 'nothing moves back')
  // A pod of the host that came back may be asked before its node knows the way to it.
  await untilAnswers(10_000)
  await kubectl.ok('delete service web')
  const left = () => cluster.onHost(second, 'ip', '-4', '-o', 'addr', 'show', 'dev', 'lo', 'label', 'lo:announced')
  for (const deleted = clock.monotonic(); (await left()) !== ''; ) {
    assert.ok(clock.monotonic() - deleted < 5_000, 'the address goes with its Service')
  }
})
