import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type NodeShutdown, nodeShutdown } from '../../kubelet/shutdown/node-shutdown.ts'
import { type ShutdownPeriod, shutdownPeriods } from '../../kubelet/shutdown/shutdown-periods.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { podBench } from '../harness/pod-bench.ts'

const PERIODS = shutdownPeriods({
  ...{ shutdownGracePeriod: 30_000, shutdownGracePeriodCriticalPods: 10_000, shutdownGracePeriodByPodPriority: [] },
})

/** A node whose machine goes down when a test says so. */
async function bench(context: TestContext, periods: readonly ShutdownPeriod[] = PERIODS) {
  let manager: NodeShutdown | undefined
  const pods = await podBench(context, () => ({}), { isShuttingDown: () => manager?.isShuttingDown ?? false })
  let goDown: () => Promise<void> = () => assert.fail('nobody follows the machine')
  let stayUp = () => {}
  manager = nodeShutdown({
    ...{ periods, clock: pods.clock, log: silentLogger(), node: () => ({ metadata: { name: 'n1' } }) as never },
    sources: [
      {
        follow(onShutdown, onCancel) {
          goDown = onShutdown
          stayUp = onCancel
          return new Promise(() => {})
        },
      },
    ],
    pods: () => pods.node.workers.list(),
    end: (pod, verdict) => pods.node.workers.end(pod.metadata.uid ?? '', verdict),
    events: { record: (_about, _type, reason, message) => void pods.said.push(`${reason}: ${message}`), flush: async () => {} },
  })
  void manager.run(new AbortController().signal)
  return {
    ...pods,
    stayUp: () => stayUp(),
    goDown() {
      const state = { isOver: false }
      void goDown().then(() => {
        state.isOver = true
      })
      return state
    },
    status: async (name: string) => (await pods.get(name)).status,
    stubborn(name: string) {
      const uid = pods.node.workers.list().find(({ metadata }) => metadata.name === name)?.metadata.uid
      const container = [...pods.node.state.containers.values()].find((one) => one.podUid === uid)
      assert.ok(container)
      container.behaviour.ignoresTerm = true
    },
  }
}

test('a machine that goes down ends plain pods, then critical ones, and says so of each', async (context) => {
  const { start, goDown, clock, phase, status, said, stubborn } = await bench(context)
  await start('web', { terminationGracePeriodSeconds: 5 })
  await start('system', { priorityClassName: 'system-node-critical' })
  stubborn('web')
  const shutdown = goDown()
  await clock.advance(3_000)
  assert.deepEqual([await phase('web'), await phase('system'), shutdown.isOver], ['Running', 'Running', false])
  await clock.advance(3_000)
  const { phase: end, reason, message, conditions } = await status('web')
  const words = 'Pod was terminated in response to imminent node shutdown.'
  assert.deepEqual([end, reason, message], ['Failed', 'Terminated', words])
  const condition = conditions?.find(({ type }) => type === 'DisruptionTarget')
  assert.deepEqual([condition?.status, condition?.reason, condition?.message], ['True', 'TerminationByKubelet', words])
  await clock.advance(1_000)
  assert.deepEqual([await phase('system'), shutdown.isOver], ['Failed', true])
  assert.ok(said.includes('NodeShutdown: Shutdown manager detected shutdown event'))
})

test('a pod that wants more time than its period gets that of the period, and the machine waits no longer', async (context) => {
  const { start, goDown, clock, status, stubborn } = await bench(context)
  await start('slow', { terminationGracePeriodSeconds: 600 })
  stubborn('slow')
  const shutdown = goDown()
  await clock.advance(19_000)
  assert.equal(shutdown.isOver, false)
  await clock.advance(2_000)
  assert.deepEqual([shutdown.isOver, (await status('slow')).reason], [true, 'Terminated'])
})

test('meanwhile the node takes no pod; when the machine stays up it does again, and what was ended stays so', async (context) => {
  const { start, goDown, stayUp, clock, phase, status, said } = await bench(context)
  await start('web')
  goDown()
  await clock.advance(1_000)
  await start('late')
  const { phase: refused, reason, message } = await status('late')
  assert.deepEqual(
    [refused, reason, message],
    ['Failed', 'NodeShutdown', 'Pod was rejected: Pod was rejected as the node is shutting down.'],
  )
  stayUp()
  await start('later')
  assert.deepEqual([await phase('web'), await phase('later')], ['Failed', 'Running'])
  assert.ok(said.includes('NodeShutdown: Shutdown manager detected shutdown cancellation'))
})

test('a machine that stays up after all ends no further pods', async (context) => {
  const { start, goDown, stayUp, clock, phase, stubborn } = await bench(context)
  await start('web', { terminationGracePeriodSeconds: 5 })
  await start('system', { priorityClassName: 'system-node-critical' })
  stubborn('web')
  const shutdown = goDown()
  await clock.advance(1_000)
  stayUp()
  await clock.advance(30_000)
  assert.deepEqual([await phase('web'), await phase('system'), shutdown.isOver], ['Failed', 'Running', true])
})
