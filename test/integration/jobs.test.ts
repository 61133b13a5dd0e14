import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Job } from '../../shared/openapi/generated/batch-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../harness/simulated-cluster.ts'
import type { PodScript } from '../harness/simulated-machine.ts'
import { job, podTemplate } from '../harness/workloads.ts'

const SECOND = 1_000
const INDEX = 'batch.kubernetes.io/job-completion-index'
const TRACKING = 'batch.kubernetes.io/job-tracking'
const indexOf = (pod: Pod) => Number(pod.metadata.annotations?.[INDEX])
const running = (pod: Pod) => pod.status.phase === 'Running' && pod.metadata.deletionTimestamp === undefined
const tracked = (pod: Pod) => pod.metadata.finalizers?.includes(TRACKING) === true
const conditionsOf = ({ status }: Job) => (status.conditions ?? []).map(({ type, status: is, reason }) => `${type}=${is} ${reason ?? ''}`.trim())

/** Pods that end after a second, well unless `exitCode` says otherwise. */
async function cluster(context: TestContext, script: (pod: Pod) => Partial<PodScript> = () => ending(0)): Promise<SimulatedCluster> {
  return startSimulatedCluster(context, { machine: { script } })
}

const ending = (exitCode: number, afterMilliseconds = SECOND): Partial<PodScript> => ({ ends: { afterMilliseconds, exitCode } })
const get = (it: SimulatedCluster, name: string) => it.get('batch/v1', 'Job', name)
const change = (it: SimulatedCluster, name: string, spec: object) =>
  it.client.patch('batch/v1', 'Job', { namespace: 'default', name }, { type: 'merge', body: { spec } })
const finished = async (it: SimulatedCluster, name: string, within?: number) => {
  await it.until(`${name} is over`, async () => conditionsOf(await get(it, name)).some((each) => /^(Complete|Failed)=True/.test(each)), within)
  return get(it, name)
}

test('a job runs as many pods as it may at once, until as many have succeeded as it wants', async (context) => {
  const it = await cluster(context)
  await it.client.create('batch/v1', 'Job', job('count', { completions: 5, parallelism: 2 }))
  let most = 0
  await it.until('over', async () => {
    const pods = await it.pods()
    most = Math.max(most, pods.filter(({ status }) => status.phase !== 'Succeeded').length)
    return conditionsOf(await get(it, 'count')).includes('Complete=True CompletionsReached')
  })
  assert.equal(most, 2)
  const { status } = await get(it, 'count')
  assert.deepEqual(conditionsOf(await get(it, 'count')), ['SuccessCriteriaMet=True CompletionsReached', 'Complete=True CompletionsReached'])
  assert.deepEqual([status.succeeded, status.failed, status.active, status.ready, status.terminating], [5, undefined, undefined, 0, 0])
  assert.deepEqual(status.uncountedTerminatedPods, {})
  assert.ok(status.startTime && status.completionTime && status.startTime < status.completionTime)
  const pods = await it.pods()
  assert.equal(pods.length, 5, 'they stay, to be looked at')
  assert.ok(!pods.some(tracked), 'and nothing holds them any more')
  assert.equal((await it.eventMessages('SuccessfulCreate')).length, 5)
  assert.deepEqual(await it.eventMessages('Completed'), ['Job completed'])
})
