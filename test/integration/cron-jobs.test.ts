import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createControllerManager } from '../../controller-manager/create-controller-manager.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { createInformers } from '../../shared/informer/shared-informers.ts'
import type { CronJob, Job } from '../../shared/openapi/generated/batch-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { withFaults } from '../../simulation/faults/faulty-transport.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { cronJob, job } from '../harness/workloads.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** How long the longest test lives; `CRON_DAYS=7` for a week. */
const DAYS = Number(process.env['CRON_DAYS'] ?? 3)
const CONTROLLERS = ['serviceaccount', 'cronjob', 'job']
/** It asks twice a minute which kinds there are: too often for a week. */
const WITH_COLLECTION = [...CONTROLLERS, 'garbage-collector', 'ttl-after-finished']

/** Without nodes, whose heartbeats would make a week long: pods end as `end` says, a moment after they were made. */
async function cluster(
  context: TestContext,
  options: { controllers?: string[]; end?: (pod: Pod) => { phase: string; after: number } | undefined } = {},
) {
  const it = await startSimulatedCluster(context, { controllers: options.controllers ?? CONTROLLERS, nodes: 0, scheduler: false })
  const { client, clock, tools } = it
  const informers = createInformers({ ...tools, client })
  const begun = new Set<string>()
  const over = new AbortController()
  context.after(() => over.abort())
  informers.of('v1', 'Pod').onChange((_key, pod) => {
    const { uid = '', namespace, name = '' } = pod?.metadata ?? {}
    if (!pod || begun.has(uid)) return
    begun.add(uid)
    const end = options.end ? options.end(pod) : { phase: 'Succeeded', after: 10 * SECOND }
    if (!end) return
    clock.after(end.after, () => {
      const body = { status: { phase: end.phase } }
      void client.patch('v1', 'Pod', { namespace, name }, { type: 'merge', subresource: 'status', body }).catch((error: unknown) => {
        // A pod that was replaced meanwhile is gone.
        if (!hasReason(error, 'NotFound')) throw error
      })
    })
  })
  informers.start(over.signal)
  return it
}

const get = (it: SimulatedCluster, name: string) => it.get('batch/v1', 'CronJob', name)
const jobsOf = async (it: SimulatedCluster, name: string): Promise<Job[]> =>
  (await it.list('batch/v1', 'Job')).filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === name)
const change = (it: SimulatedCluster, name: string, spec: object) =>
  it.client.patch('batch/v1', 'CronJob', { namespace: 'default', name }, { type: 'merge', body: { spec } })
const activeNames = ({ status }: CronJob) => (status.active ?? []).map(({ name }) => name)
/** When a job's run was due, by the clocks of its CronJob's zone. */
const dueOf = ({ metadata }: Job) => metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'] ?? ''

/** Notes every job that is ever made: history limits take them away. */
function noteJobs(context: TestContext, it: SimulatedCluster): Map<string, Job> {
  const made = new Map<string, Job>()
  const over = new AbortController()
  context.after(() => over.abort())
  const informers = createInformers({ ...it.tools, client: it.client })
  informers.of('batch/v1', 'Job').onChange((_key, current) => {
    if (current) made.set(current.metadata.name ?? '', current)
  })
  informers.start(over.signal)
  return made
}

test('days of schedules: each run is made once, in time, and history is kept short', async (context) => {
  const it = await cluster(context, {
    end: (pod) => ({ phase: pod.metadata.labels?.['app'] === 'unlucky' ? 'Failed' : 'Succeeded', after: 10 * SECOND }),
  })
  const made = noteJobs(context, it)
  await it.client.create('batch/v1', 'CronJob', cronJob('hourly', '@hourly'))
  await it.client.create('batch/v1', 'CronJob', cronJob('workdays', '30 9 * * mon-fri', { timeZone: 'America/New_York' }))
  await it.client.create('batch/v1', 'CronJob', cronJob('unlucky', '0 */6 * * *', { failedJobsHistoryLimit: 2 }, { backoffLimit: 0 }))
  await it.clock.advance(DAYS * DAY + HOUR / 2)
  const runs = (name: string) => [...made.values()].filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === name)
  // The clock begins on Tuesday, 1 January 2030, at midnight UTC.
  assert.equal(runs('hourly').length, DAYS * 24)
  const workdays = Array.from({ length: DAYS }, (_, index) => index + 1).filter((day) => day % 7 !== 5 && day % 7 !== 6)
  assert.deepEqual(
    runs('workdays').map(dueOf),
    workdays.map((day) => `2030-01-0${day}T09:30:00-05:00`),
  )
  assert.equal(runs('unlucky').length, DAYS * 4)
  for (const each of runs('hourly')) {
    assert.ok(Date.parse(each.metadata.creationTimestamp ?? '') - Date.parse(dueOf(each)) < SECOND, `${each.metadata.name} was made late`)
  }
  assert.equal((await jobsOf(it, 'hourly')).length, 3)
  assert.deepEqual((await jobsOf(it, 'unlucky')).length, 2)
  const { status } = await get(it, 'hourly')
  assert.deepEqual(
    [status.active, status.lastScheduleTime, status.lastSuccessfulTime],
    [undefined, `2030-01-0${DAYS + 1}T00:00:00Z`, `2030-01-0${DAYS + 1}T00:00:10Z`],
  )
  assert.equal((await get(it, 'unlucky')).status.lastSuccessfulTime, undefined)
})

test('what still runs when the next run is due: beside it, instead of it, or not at all', async (context) => {
  const it = await cluster(context, { end: () => ({ phase: 'Succeeded', after: 25 * MINUTE }) })
  for (const concurrencyPolicy of ['Allow', 'Forbid', 'Replace']) {
    await it.client.create('batch/v1', 'CronJob', cronJob(concurrencyPolicy.toLowerCase(), '*/10 * * * *', { concurrencyPolicy }))
  }
  await it.clock.advance(22 * MINUTE)
  const names = async (name: string) => (await jobsOf(it, name)).map((each) => dueOf(each).slice(11, 16))
  assert.deepEqual((await names('allow')).sort(), ['00:10', '00:20'])
  assert.equal(activeNames(await get(it, 'allow')).length, 2)
  assert.deepEqual(await names('forbid'), ['00:10'])
  assert.deepEqual(await names('replace'), ['00:20'])
  assert.deepEqual(await it.eventMessages('JobAlreadyActive'), [
    'Not starting job because prior execution is running and concurrency policy is Forbid',
  ])
  await it.clock.advance(14 * MINUTE)
  // 00:10 ended at 00:35: the run of 00:30 was held back, and is made when there is room for it.
  assert.deepEqual((await names('forbid')).sort(), ['00:10', '00:30'])
})

test('suspended, it makes no run; resumed, it makes the last that was missed, unless that is too late', async (context) => {
  const it = await cluster(context)
  await it.client.create('batch/v1', 'CronJob', cronJob('free', '*/10 * * * *', { suspend: true }))
  await it.client.create('batch/v1', 'CronJob', cronJob('strict', '*/10 * * * *', { suspend: true, startingDeadlineSeconds: 60 }))
  await it.clock.advance(35 * MINUTE)
  assert.deepEqual(await it.list('batch/v1', 'Job'), [])
  for (const name of ['free', 'strict']) await change(it, name, { suspend: false })
  await it.clock.settle()
  assert.deepEqual(
    (await jobsOf(it, 'free')).map((each) => dueOf(each).slice(11, 16)),
    ['00:30'],
  )
  assert.deepEqual(await jobsOf(it, 'strict'), [])
  await it.clock.advance(6 * MINUTE)
  assert.deepEqual(
    (await jobsOf(it, 'strict')).map((each) => dueOf(each).slice(11, 16)),
    ['00:40'],
  )
})

test('a new schedule says nothing about the past', async (context) => {
  const it = await cluster(context)
  await it.client.create('batch/v1', 'CronJob', cronJob('moved', '0 * * * *'))
  await it.clock.advance(90 * MINUTE)
  assert.equal((await jobsOf(it, 'moved')).length, 1)
  await change(it, 'moved', { schedule: '15 * * * *' })
  await it.clock.advance(5 * MINUTE)
  assert.equal((await jobsOf(it, 'moved')).length, 1, 'not the quarter past one that is over')
  await it.clock.advance(60 * MINUTE)
  assert.deepEqual((await jobsOf(it, 'moved')).map((each) => dueOf(each).slice(11, 16)).sort(), ['01:00', '02:15'])
})

test('a controller manager that was away makes one run of those that were missed, and says so when there were many', async (context) => {
  const it = await cluster(context, { controllers: [] })
  await it.client.create('batch/v1', 'CronJob', cronJob('every-minute', '* * * * *'))
  await it.clock.advance(3 * HOUR)
  await it.add(await createControllerManager({ ...it.controllerSettings, controllers: CONTROLLERS }, it.tools))
  await it.clock.settle()
  assert.deepEqual(
    (await jobsOf(it, 'every-minute')).map((each) => dueOf(each).slice(11, 16)),
    ['03:00'],
  )
  const [told] = await it.eventMessages('TooManyMissedTimes')
  assert.equal(told, 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew')
})

test('no run is made twice, whatever is lost on the way', async (context) => {
  const it = await cluster(context, { controllers: [], end: () => ({ phase: 'Succeeded', after: 90 * SECOND }) })
  const made = noteJobs(context, it)
  await it.client.create('batch/v1', 'CronJob', cronJob('tick', '* * * * *', { concurrencyPolicy: 'Forbid' }))
  let turn = 0
  const start = async () => {
    const faulty = withFaults(it.tools, it.transportOf('controller-manager'), ({ method, path }) => {
      turn += 1
      if (method === 'GET' || path.includes('/events')) return undefined
      return turn % 5 === 0 ? 'lost' : turn % 7 === 0 ? 'answer lost' : undefined
    })
    const manager = await createControllerManager({ ...it.controllerSettings, controllers: CONTROLLERS }, faulty)
    await manager.start()
    return manager
  }
  let most = 0
  for (let life = 0; life < 6; life++) {
    const manager = await start()
    for (let step = 0; step < 20; step++) {
      await it.clock.advance(17 * SECOND)
      const running = (await jobsOf(it, 'tick')).filter(({ status }) => !status.conditions?.some(({ type }) => type === 'Complete'))
      most = Math.max(most, running.length)
    }
    await manager.stop()
  }
  const dues = [...made.values()].map(dueOf)
  assert.equal(new Set(dues).size, dues.length)
  assert.ok(dues.length >= 10, `it made runs: ${dues.length}`)
  assert.equal(most, 1, 'never two at once')
})

test('a job made by hand from a CronJob is told of, and counts in its history; an active one that goes is missed', async (context) => {
  const it = await cluster(context, { end: () => undefined })
  await it.client.create('batch/v1', 'CronJob', cronJob('daily', '*/30 * * * *'))
  const { metadata } = await get(it, 'daily')
  const owner = { apiVersion: 'batch/v1', kind: 'CronJob', name: 'daily', uid: metadata.uid ?? '', controller: true }
  const byHand = job('by-hand')
  await it.client.create('batch/v1', 'Job', { ...byHand, metadata: { ...byHand.metadata, ownerReferences: [owner] } })
  await it.clock.settle()
  assert.deepEqual(await it.eventMessages('UnexpectedJob'), ['Saw a job that the controller did not create or forgot: by-hand'])
  assert.deepEqual(activeNames(await get(it, 'daily')), [])
  await it.clock.advance(31 * MINUTE)
  const [name = ''] = activeNames(await get(it, 'daily'))
  await it.client.delete('batch/v1', 'Job', { namespace: 'default', name }, { propagationPolicy: 'Background' })
  await it.clock.settle()
  assert.deepEqual(activeNames(await get(it, 'daily')), [])
  assert.deepEqual(await it.eventMessages('MissingJob'), [`Active job went missing: ${name}`])
})

test('jobs go some time after their end, with their pods, if they say so; the time may still be changed', async (context) => {
  const it = await cluster(context, { controllers: WITH_COLLECTION })
  for (const [name, ttlSecondsAfterFinished] of [
    ['soon', 30],
    ['later', 30],
    ['never', undefined],
  ] as const) {
    await it.client.create('batch/v1', 'Job', job(name, { ttlSecondsAfterFinished }))
  }
  await it.clock.advance(20 * SECOND)
  const later = { namespace: 'default', name: 'later' }
  await it.client.patch('batch/v1', 'Job', later, { type: 'merge', body: { spec: { ttlSecondsAfterFinished: 3_600 } } })
  await it.clock.advance(40 * SECOND)
  const names = async () => (await it.list('batch/v1', 'Job')).map(({ metadata }) => metadata.name).sort()
  assert.deepEqual(await names(), ['later', 'never'])
  assert.equal((await it.pods()).length, 2)
  await it.clock.advance(HOUR)
  assert.deepEqual(await names(), ['never'])
})
