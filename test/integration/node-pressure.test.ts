import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type EvictionManager, evictionManager } from '../../kubelet/eviction/eviction-manager.ts'
import type { Signal } from '../../kubelet/eviction/signals.ts'
import { type ThresholdTexts, thresholdsOf } from '../../kubelet/eviction/thresholds.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { podBench } from '../harness/pod-bench.ts'

const MI = 2 ** 20
const none: ThresholdTexts = { evictionHard: [], evictionSoft: [], evictionSoftGracePeriod: [], evictionMinimumReclaim: [] }

/** A node whose amounts a test says, and pods that use what a test says. */
async function bench(context: TestContext, texts: Partial<ThresholdTexts>, mostGraceSeconds = 0) {
  const there: Partial<Record<Signal, number>> = { 'memory.available': 900 * MI, 'nodefs.available': 900 * MI }
  const used: Record<string, number> = {}
  let reclaimed = 0
  let onReclaim = () => {}
  let manager: EvictionManager | undefined
  const pods = await podBench(context, () => ({}), { pressure: () => manager?.pressure ?? new Set() })
  const { client, clock, said } = pods
  const { signal } = new AbortController()
  const status = { allocatable: { memory: '1Gi', pods: '110' } }
  await client.patch('v1', 'Node', { name: 'n1' }, { type: 'merge', subresource: 'status', body: { status } })
  await clock.settle()
  const made = evictionManager({
    ...{ thresholds: thresholdsOf({ ...none, ...texts }), transitionMilliseconds: 300_000, mostGraceSeconds, clock, log: silentLogger() },
    observe: async () => new Map(Object.entries(there).map(([name, available]) => [name as Signal, { available, capacity: 1000 * MI }])),
    candidates: async () =>
      pods.node.workers.list().map((pod) => ({ pod, containers: new Map([['main', used[pod.metadata.name ?? ''] ?? 0]]), besides: 0 })),
    async reclaimDisk() {
      reclaimed++
      onReclaim()
    },
    evict: (pod, verdict) => pods.node.workers.end(pod.metadata.uid ?? '', verdict),
    node: () => undefined,
    events: { record: (_about, _type, reason, message) => void said.push(`${reason}: ${message}`), flush: async () => {} },
  })
  manager = made
  return {
    ...pods,
    ...{ there, used, client, clock },
    freeing(amounts: Partial<Record<Signal, number>>) {
      onReclaim = () => Object.assign(there, amounts)
    },
    failingToReclaim() {
      onReclaim = () => {
        throw new Error('an image is in use')
      }
    },
    reclaims: () => reclaimed,
    async look() {
      const looking = made.look(signal)
      await clock.advance(1_000)
      // It waits for a pod that takes its time.
      await Promise.race([looking, clock.settle()])
    },
    status: async (name: string) => (await pods.get(name)).status,
  }
}

test('short of memory, the node ends one pod a look: who uses most above what it asked for', async (context) => {
  const { start, there, used, look, status, phase, said } = await bench(context, { evictionHard: ['memory.available<100Mi'] })
  await start('modest', { main: { resources: { requests: { memory: '50Mi' } } } })
  await start('greedy')
  await start('greedier')
  Object.assign(used, { modest: 40 * MI, greedy: 100 * MI, greedier: 200 * MI })
  await look()
  assert.equal(await phase('greedier'), 'Running', 'nothing is short')
  there['memory.available'] = 90 * MI
  await look()
  const message =
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. Container main was using 200Mi, request is 0, has larger consumption of memory. '
  const { phase: end, reason, message: told, conditions } = await status('greedier')
  assert.deepEqual([end, reason, told], ['Failed', 'Evicted', message])
  const condition = conditions?.find(({ type }) => type === 'DisruptionTarget')
  assert.deepEqual([condition?.status, condition?.reason, condition?.message], ['True', 'TerminationByKubelet', message])
  assert.ok(said.includes(`Evicted: ${message}`))
  assert.deepEqual([await phase('greedy'), await phase('modest')], ['Running', 'Running'])
  await look()
  assert.deepEqual([await phase('greedy'), await phase('modest')], ['Failed', 'Running'])
})

test('short of disk, what nobody needs goes first; when that is enough no pod does', async (context) => {
  const { start, there, used, look, phase, freeing, reclaims } = await bench(context, { evictionHard: ['nodefs.available<10%'] })
  await start('filler')
  used['filler'] = 50 * MI
  there['nodefs.available'] = 99 * MI
  freeing({ 'nodefs.available': 120 * MI })
  await look()
  assert.deepEqual([reclaims(), await phase('filler')], [1, 'Running'])
  there['nodefs.available'] = 99 * MI
  freeing({})
  await look()
  assert.deepEqual([reclaims(), await phase('filler')], [2, 'Failed'])
})

test('what cannot be reclaimed does not keep the pods that fill the disk', async (context) => {
  const { start, there, used, look, phase, failingToReclaim } = await bench(context, { evictionHard: ['nodefs.available<10%'] })
  await start('filler')
  used['filler'] = 50 * MI
  there['nodefs.available'] = 99 * MI
  failingToReclaim()
  await look()
  assert.equal(await phase('filler'), 'Failed')
})

test('a node short of memory takes no pod that asks for none; one short of disk takes none but critical ones', async (context) => {
  const { start, there, look, status, phase } = await bench(context, {
    evictionHard: ['memory.available<100Mi', 'nodefs.available<100Mi'],
  })
  there['memory.available'] = 90 * MI
  await look()
  await start('best-effort')
  const { phase: refused, reason, message } = await status('best-effort')
  assert.deepEqual([refused, reason, message], ['Failed', 'Evicted', 'Pod was rejected: The node had condition: [MemoryPressure]. '])
  await start('asks', { main: { resources: { requests: { memory: '1Mi' } } } })
  await start('tolerates', { tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }] })
  assert.deepEqual([await phase('asks'), await phase('tolerates')], ['Running', 'Running'])
  there['nodefs.available'] = 1
  there['memory.available'] = 900 * MI
  await look()
  await start('later', { main: { resources: { requests: { memory: '1Mi' } } } })
  assert.equal((await status('later')).message, 'Pod was rejected: The node had condition: [MemoryPressure DiskPressure]. ')
  await start('critical', { priorityClassName: 'system-node-critical' })
  assert.equal(await phase('critical'), 'Running')
})

test('a soft threshold ends a pod after its grace period, with time to end; until then the pod does not count as ended', async (context) => {
  const soft = { evictionSoft: ['memory.available<100Mi'], evictionSoftGracePeriod: ['memory.available=60s'] }
  const { start, there, used, look, clock, status, phase, node } = await bench(context, soft, 20)
  await start('slow', { terminationGracePeriodSeconds: 30 })
  const [container] = [...node.state.containers.values()]
  assert.ok(container)
  container.behaviour.ignoresTerm = true
  used['slow'] = MI
  there['memory.available'] = 90 * MI
  await look()
  await clock.advance(50_000)
  await look()
  assert.equal(await phase('slow'), 'Running')
  await clock.advance(10_000)
  await look()
  const stopping = await status('slow')
  assert.deepEqual([stopping.phase, stopping.reason], ['Running', undefined])
  assert.ok(stopping.conditions?.some(({ type }) => type === 'DisruptionTarget'))
  await clock.advance(20_000)
  assert.deepEqual([(await status('slow')).phase, (await status('slow')).reason], ['Failed', 'Evicted'])
})
