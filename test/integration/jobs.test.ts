import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Job } from '../../shared/openapi/generated/batch-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { PodScript } from '../../simulation/machines/simulated-machine.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { job, podTemplate } from '../harness/workloads.ts'

const SECOND = 1_000
const INDEX = 'batch.kubernetes.io/job-completion-index'
const TRACKING = 'batch.kubernetes.io/job-tracking'
const indexOf = (pod: Pod) => Number(pod.metadata.annotations?.[INDEX])
const running = (pod: Pod) => pod.status.phase === 'Running' && pod.metadata.deletionTimestamp === undefined
const tracked = (pod: Pod) => pod.metadata.finalizers?.includes(TRACKING) === true
const conditionsOf = ({ status }: Job) =>
  (status.conditions ?? []).map(({ type, status: is, reason }) => `${type}=${is} ${reason ?? ''}`.trim())

/** Pods that end after a second, well unless `exitCode` says otherwise. */
async function cluster(context: TestContext, script: (pod: Pod) => Partial<PodScript> = () => ending(0)): Promise<SimulatedCluster> {
  return startSimulatedCluster(context, { machine: { script } })
}

const ending = (exitCode: number, afterMilliseconds = SECOND): Partial<PodScript> => ({ ends: { afterMilliseconds, exitCode } })
const get = (it: SimulatedCluster, name: string) => it.get('batch/v1', 'Job', name)
const change = (it: SimulatedCluster, name: string, spec: object) =>
  it.client.patch('batch/v1', 'Job', { namespace: 'default', name }, { type: 'merge', body: { spec } })
const finished = async (it: SimulatedCluster, name: string, within?: number) => {
  await it.until(
    `${name} is over`,
    async () => conditionsOf(await get(it, name)).some((each) => /^(Complete|Failed)=True/.test(each)),
    within,
  )
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

test('an indexed job gives each pod its number, in label, annotation, environment, host name and name', async (context) => {
  const it = await cluster(context)
  await it.client.create('batch/v1', 'Job', job('array', { completionMode: 'Indexed', completions: 4, parallelism: 3 }))
  await it.until('three run', async () => (await it.pods()).filter(running).length === 3)
  for (const pod of await it.pods()) {
    const index = indexOf(pod)
    assert.equal(pod.metadata.labels?.[INDEX], `${index}`)
    assert.equal(pod.spec.hostname, `array-${index}`)
    assert.match(pod.metadata.name ?? '', new RegExp(`^array-${index}-[a-z0-9]{5}$`))
    assert.equal(pod.metadata.generateName, `array-${index}-`)
    const variable = pod.spec.containers[0]?.env?.find(({ name }) => name === 'JOB_COMPLETION_INDEX')
    assert.equal(variable?.valueFrom?.fieldRef?.fieldPath, `metadata.labels['${INDEX}']`)
  }
  const { status } = await finished(it, 'array')
  assert.deepEqual([status.completedIndexes, status.succeeded], ['0-3', 4])
})

test('an indexed job grows and shrinks while it runs', async (context) => {
  const it = await cluster(context, (pod) => (indexOf(pod) === 0 ? ending(0) : {}))
  await it.client.create('batch/v1', 'Job', job('elastic', { completionMode: 'Indexed', completions: 3, parallelism: 3 }))
  await it.until('one is done', async () => (await get(it, 'elastic')).status.completedIndexes === '0')
  await change(it, 'elastic', { completions: 5, parallelism: 5 })
  await it.until('grown', async () => (await it.pods()).filter(running).length === 4)
  assert.deepEqual((await it.pods()).filter(running).map(indexOf).sort(), [1, 2, 3, 4])
  await change(it, 'elastic', { completions: 2, parallelism: 2 })
  await it.until('shrunk', async () => (await it.pods()).filter(running).length === 1)
  const { status } = await get(it, 'elastic')
  assert.deepEqual([status.completedIndexes, status.active, status.failed], ['0', 1, undefined], 'what is too much is no failure')
})

test('workers on a queue are done when one has found it empty and the others have ended', async (context) => {
  const it = await cluster(context, (pod) => ending(0, pod.metadata.name?.endsWith('a') ? SECOND : 3 * SECOND))
  await it.client.create('batch/v1', 'Job', job('queue', { parallelism: 3 }))
  const { status, spec } = await finished(it, 'queue')
  assert.equal(spec.completions, undefined)
  assert.equal(status.succeeded, 3)
  assert.equal((await it.pods()).length, 3, 'none was made after the first success')
})

test('failed pods are replaced more and more slowly, until there were too many', async (context) => {
  const it = await cluster(context, () => ending(1))
  await it.client.create('batch/v1', 'Job', job('bad', { backoffLimit: 2 }))
  const { status, metadata } = await finished(it, 'bad', 120 * SECOND)
  assert.deepEqual(conditionsOf(await get(it, 'bad')), ['FailureTarget=True BackoffLimitExceeded', 'Failed=True BackoffLimitExceeded'])
  assert.deepEqual([status.failed, status.succeeded, status.active], [3, undefined, undefined])
  assert.deepEqual(await it.eventMessages('BackoffLimitExceeded'), ['Job has reached the specified backoff limit'])
  const times = (await it.pods()).map((pod) => Date.parse(pod.metadata.creationTimestamp ?? '')).sort()
  const gaps = times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / SECOND)
  assert.deepEqual(
    gaps.map((gap) => Math.floor(gap / 5) * 5),
    [10, 20],
    `the pauses: ${gaps} of ${metadata.name}`,
  )
})

test('containers that are restarted in their pod count as failures of the job', async (context) => {
  const it = await cluster(context, () => ending(1))
  const { metadata, spec } = podTemplate('restarting')
  const template = { metadata, spec: { ...spec, restartPolicy: 'OnFailure' } }
  await it.client.create('batch/v1', 'Job', job('restarting', { backoffLimit: 2, template }))
  const done = await finished(it, 'restarting')
  assert.deepEqual(conditionsOf(done), ['FailureTarget=True BackoffLimitExceeded', 'Failed=True BackoffLimitExceeded'])
  assert.equal(done.status.failed, 1, 'the one pod that was stopped')
})

test('with a limit per index the other indexes go on when one is given up', async (context) => {
  const it = await cluster(context, (pod) => ending(indexOf(pod) === 1 ? 1 : 0))
  const spec = { completionMode: 'Indexed', completions: 4, parallelism: 4, backoffLimitPerIndex: 1 }
  await it.client.create('batch/v1', 'Job', job('some', spec))
  await it.until('the failed one waits for its successor', async () => {
    const [first] = (await it.pods()).filter((pod) => pod.status.phase === 'Failed')
    return first && tracked(first)
  })
  const done = await finished(it, 'some', 60 * SECOND)
  assert.deepEqual(conditionsOf(done), ['FailureTarget=True FailedIndexes', 'Failed=True FailedIndexes'])
  assert.deepEqual([done.status.completedIndexes, done.status.failedIndexes, done.status.failed], ['0,2,3', '1', 2])
  const failures = (await it.pods()).filter((pod) => indexOf(pod) === 1)
  const counts = failures.map((pod) => pod.metadata.annotations?.['batch.kubernetes.io/job-index-failure-count'])
  assert.deepEqual(counts.sort(), ['0', '1'])
})

test('a job is given up with its indexes when too many of them have failed', async (context) => {
  const it = await cluster(context, (pod) => (indexOf(pod) < 2 ? ending(1) : {}))
  const spec = { completionMode: 'Indexed', completions: 4, parallelism: 4, backoffLimitPerIndex: 0, maxFailedIndexes: 1 }
  await it.client.create('batch/v1', 'Job', job('many', spec))
  const done = await finished(it, 'many')
  assert.deepEqual(conditionsOf(done), ['FailureTarget=True MaxFailedIndexesExceeded', 'Failed=True MaxFailedIndexesExceeded'])
  assert.deepEqual([done.status.failedIndexes, done.status.failed, done.status.completedIndexes], ['0,1', 4, undefined])
})

test('a policy on failures ends the job, gives up the index, or looks away', async (context) => {
  const it = await cluster(context, (pod) => {
    if (pod.metadata.labels?.['app'] === 'deadly') return ending(42)
    if (pod.metadata.labels?.['app'] === 'numbered') return ending(indexOf(pod) === 0 ? 7 : 0)
    return ending(0, 20 * SECOND)
  })
  const onExit = (action: string, code: number) => ({ action, onExitCodes: { operator: 'In', values: [code] } })
  await it.client.create('batch/v1', 'Job', job('deadly', { backoffLimit: 6, podFailurePolicy: { rules: [onExit('FailJob', 42)] } }))
  const numbered = { completionMode: 'Indexed', completions: 2, parallelism: 2, backoffLimitPerIndex: 3 }
  await it.client.create('batch/v1', 'Job', job('numbered', { ...numbered, podFailurePolicy: { rules: [onExit('FailIndex', 7)] } }))
  const patience = { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }
  await it.client.create('batch/v1', 'Job', job('patient', { backoffLimit: 0, podFailurePolicy: { rules: [patience] } }))

  const deadly = await finished(it, 'deadly')
  assert.deepEqual(conditionsOf(deadly), ['FailureTarget=True PodFailurePolicy', 'Failed=True PodFailurePolicy'])
  const message = deadly.status.conditions?.[0]?.message ?? ''
  assert.match(message, /^Container main for pod default\/deadly-[a-z0-9]{5} failed with exit code 42 matching FailJob rule at index 0$/)
  const indexed = await finished(it, 'numbered')
  assert.deepEqual([indexed.status.failedIndexes, indexed.status.completedIndexes, indexed.status.failed], ['0', '1', 1])

  await it.until('the patient one runs', async () =>
    (await it.pods()).some((pod) => running(pod) && pod.metadata.labels?.['app'] === 'patient'),
  )
  const [disrupted] = (await it.pods()).filter((pod) => pod.metadata.labels?.['app'] === 'patient')
  const name = { namespace: 'default', name: disrupted?.metadata.name ?? '' }
  const status = { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }] }
  await it.client.patch('v1', 'Pod', name, { type: 'strategic', subresource: 'status', body: { status } })
  await it.client.delete('v1', 'Pod', name)
  const patient = await finished(it, 'patient', 90 * SECOND)
  assert.deepEqual([patient.status.succeeded, patient.status.failed], [1, undefined])
})

test('a job with a policy on success is done when enough of the right indexes are; the rest is stopped', async (context) => {
  const it = await cluster(context, (pod) => (indexOf(pod) === 2 ? ending(0) : {}))
  const spec = { completionMode: 'Indexed', completions: 4, parallelism: 4 }
  await it.client.create(
    'batch/v1',
    'Job',
    job('leader', { ...spec, successPolicy: { rules: [{ succeededIndexes: '0' }, { succeededIndexes: '2' }] } }),
  )
  const done = await finished(it, 'leader')
  assert.deepEqual(conditionsOf(done), ['SuccessCriteriaMet=True SuccessPolicy', 'Complete=True SuccessPolicy'])
  assert.equal(done.status.conditions?.[0]?.message, 'Matched rules at index 1')
  assert.deepEqual(
    [done.status.succeeded, done.status.completedIndexes, done.status.failed, done.status.terminating],
    [1, '2', undefined, 0],
  )
  await it.until('only the winner is left', async () => (await it.pods()).length === 1)
})

test('suspended, a job has no pods and no running clock; resumed, it begins anew', async (context) => {
  const it = await cluster(context, () => ending(0, 5 * SECOND))
  await it.client.create('batch/v1', 'Job', job('held', { completions: 2, parallelism: 2, suspend: true, activeDeadlineSeconds: 20 }))
  await it.until('held', async () => conditionsOf(await get(it, 'held')).includes('Suspended=True JobSuspended'))
  assert.equal((await get(it, 'held')).status.startTime, undefined)
  assert.deepEqual(await it.pods(), [])
  await change(it, 'held', { suspend: false })
  await it.until('two run', async () => (await it.pods()).filter(running).length === 2)
  await change(it, 'held', { suspend: true })
  await it.until('none is left', async () => (await it.pods()).length === 0)
  await it.clock.advance(60 * SECOND)
  const suspended = await get(it, 'held')
  assert.deepEqual([suspended.status.active, suspended.status.failed], [undefined, undefined], 'and none is a failure')
  await change(it, 'held', { suspend: false })
  const done = await finished(it, 'held')
  assert.deepEqual(conditionsOf(done), [
    'Suspended=False JobResumed',
    'SuccessCriteriaMet=True CompletionsReached',
    'Complete=True CompletionsReached',
  ])
  assert.deepEqual(await it.eventMessages('Suspended'), ['Job suspended'])
  assert.deepEqual(await it.eventMessages('Resumed'), ['Job resumed'])
})

test('a job that takes too long is ended with its pods', async (context) => {
  const it = await cluster(context, () => ({ stopMilliseconds: 2 * SECOND }))
  await it.client.create('batch/v1', 'Job', job('slow', { activeDeadlineSeconds: 5, parallelism: 2, completions: 2 }))
  await it.until('its end is decided', async () => conditionsOf(await get(it, 'slow')).includes('FailureTarget=True DeadlineExceeded'))
  const decided = await get(it, 'slow')
  assert.equal(decided.status.terminating, 2)
  assert.ok(!conditionsOf(decided).includes('Failed=True DeadlineExceeded'), 'not failed before its pods have ended')
  const done = await finished(it, 'slow')
  assert.deepEqual(conditionsOf(done), ['FailureTarget=True DeadlineExceeded', 'Failed=True DeadlineExceeded'])
  assert.deepEqual([done.status.failed, done.status.active, done.status.terminating], [2, undefined, 0])
})

test('a pod that is deleted is replaced at once, or when it has failed where that is asked for; it is one failure', async (context) => {
  const it = await cluster(context, () => ({ stopMilliseconds: 8 * SECOND }))
  await it.client.create('batch/v1', 'Job', job('eager', { podReplacementPolicy: 'TerminatingOrFailed' }))
  await it.client.create('batch/v1', 'Job', job('careful', { podReplacementPolicy: 'Failed' }))
  await it.until('both run', async () => (await it.pods()).filter(running).length === 2)
  for (const { metadata } of await it.pods()) await it.client.delete('v1', 'Pod', { namespace: 'default', name: metadata.name ?? '' })
  const of = async (app: string) => (await it.pods()).filter((pod) => pod.metadata.labels?.['app'] === app)
  await it.clock.advance(3 * SECOND)
  assert.equal((await of('careful')).length, 1)
  assert.equal((await get(it, 'careful')).status.terminating, 1)
  for (const name of ['eager', 'careful']) {
    await it.until(`${name} has another`, async () => (await of(name)).some(running), 60 * SECOND)
    await it.until(`${name} has one failure`, async () => (await get(it, name)).status.failed === 1)
  }
})

test('a pod that is deleted before it has a node is replaced, also where only failed ones are', async (context) => {
  const it = await cluster(context, () => ({}))
  const { metadata, spec } = podTemplate('nowhere')
  const template = { metadata, spec: { ...spec, restartPolicy: 'Never', nodeSelector: { no: 'node' } } }
  await it.client.create('batch/v1', 'Job', job('nowhere', { podReplacementPolicy: 'Failed', template }))
  await it.until('there is one', async () => (await it.pods()).length === 1)
  const [first] = await it.pods()
  await it.client.delete('v1', 'Pod', { namespace: 'default', name: first?.metadata.name ?? '' })
  const isReplaced = async () => {
    const pods = await it.pods()
    return pods.length === 1 && pods[0]?.metadata.uid !== first?.metadata.uid
  }
  await it.until('another took its place', isReplaced, 60 * SECOND)
  assert.equal((await get(it, 'nowhere')).status.failed, 1)
})

test('fewer at once: the surplus is stopped and is no failure', async (context) => {
  const it = await cluster(context, () => ({}))
  await it.client.create('batch/v1', 'Job', job('less', { completions: 9, parallelism: 4 }))
  await it.until('four run', async () => (await get(it, 'less')).status.ready === 4)
  await change(it, 'less', { parallelism: 1 })
  await it.until('one is left', async () => (await it.pods()).length === 1)
  await it.clock.settle()
  const { status } = await get(it, 'less')
  assert.deepEqual([status.active, status.ready, status.failed, status.succeeded], [1, 1, undefined, undefined])
})

test('a job of another manager is left alone', async (context) => {
  const it = await cluster(context)
  await it.client.create('batch/v1', 'Job', job('foreign', { managedBy: 'example.com/queue' }))
  await it.clock.advance(5 * SECOND)
  assert.deepEqual(await it.pods(), [])
  assert.deepEqual((await get(it, 'foreign')).status, {})
})

test('a matching orphan is adopted and tracked; a pod that stops to match is let go', async (context) => {
  const it = await cluster(context, () => ({}))
  await it.client.create('batch/v1', 'Job', job('parent', {}))
  await it.until('runs', async () => (await it.pods()).some(running))
  const [pod] = await it.pods()
  const name = { namespace: 'default', name: pod?.metadata.name ?? '' }
  await it.client.patch('v1', 'Pod', name, { type: 'merge', body: { metadata: { ownerReferences: [], finalizers: [] } } })
  await it.until('adopted', async () =>
    (await it.pods()).some((each) => each.metadata.ownerReferences?.[0]?.kind === 'Job' && tracked(each)),
  )
  assert.equal((await it.pods()).length, 1, 'and nothing else was made meanwhile')
  await it.client.patch('v1', 'Pod', name, {
    type: 'merge',
    body: { metadata: { labels: { 'batch.kubernetes.io/controller-uid': null } } },
  })
  await it.until('another in its place', async () => (await it.pods()).filter(running).length === 2)
  const left = (await it.pods()).find(({ metadata }) => metadata.name === name.name)
  assert.deepEqual([left?.metadata.ownerReferences ?? [], left?.metadata.finalizers ?? []], [[], []])
})

test('deleted in any way, a job leaves no pod that cannot go', async (context) => {
  const it = await cluster(context, () => ({}))
  for (const [name, propagationPolicy] of [
    ['bg', 'Background'],
    ['fg', 'Foreground'],
    ['orphan', 'Orphan'],
    ['silent', undefined],
  ] as const) {
    await it.client.create('batch/v1', 'Job', job(name, { parallelism: 2, completions: 2 }))
    await it.until(`${name} runs`, async () => (await it.pods()).filter(running).length === 2)
    await it.client.delete('batch/v1', 'Job', { namespace: 'default', name }, { propagationPolicy })
    await it.until(`${name} is gone`, async () => !(await it.find('batch/v1', 'Job', name)))
    if (name === 'bg' || name === 'fg') {
      await it.until(`its pods are gone`, async () => (await it.pods()).length === 0)
      continue
    }
    await it.until("its pods are nobody's", async () =>
      (await it.pods()).every((pod) => !tracked(pod) && !pod.metadata.ownerReferences?.length),
    )
    assert.equal((await it.pods()).filter(running).length, 2)
    for (const { metadata } of await it.pods()) await it.client.delete('v1', 'Pod', { namespace: 'default', name: metadata.name ?? '' })
    await it.until('gone too', async () => (await it.pods()).length === 0)
  }
})
