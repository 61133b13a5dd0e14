import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { type RealNode, startRealNode } from '../harness/kubelet-process.ts'

const JOBS = join(import.meta.dirname, '../../examples/jobs.yaml')

/** The job examples as people run them: real containers, and kubectl to look at them. */
describe('jobs on a real node', () => {
  let node: RealNode

  before(async () => {
    node = await startRealNode('10.199.88.0/24')
    await node.joined(60_000)
  })
  after(async () => {
    if (!node) return
    await node.kubectl.run(['delete', 'cronjob,job', '--all', '--timeout=60s'])
    await eventually(node.client, ['v1', 'Pod'], (pods) => pods.length === 0, { namespace: 'default', withinMilliseconds: 60_000 })
    await node.dispose()
  })

  it('an array: each pod knows its number, by environment and host name', async () => {
    const { kubectl } = node
    await kubectl.ok(['apply', '-f', JOBS])
    await kubectl.ok('wait job squares --for=condition=complete --timeout=120s')
    assert.match(await kubectl.ok('get job squares'), /NAME +STATUS +COMPLETIONS +DURATION +AGE\nsquares +Complete +5\/5 +\S+ +\S+/)
    const lines = (await kubectl.ok('logs -l app=squares --tail=-1')).split('\n').sort()
    assert.deepEqual(
      lines,
      [0, 1, 2, 3, 4].map((index) => `${index} squared is ${index * index}`),
    )
    const said = await kubectl.ok('describe job squares')
    assert.match(said, /Completion Mode: +Indexed/)
    assert.match(said, /Pods Statuses: +0 Active \(0 Ready\) \/ 5 Succeeded \/ 0 Failed/)
    assert.match(said, /Completed Indexes: +0-4/)
    assert.match(said, /Normal +Completed +.*job-controller +Job completed/)
    assert.equal(await kubectl.ok('get pods -l job-name=squares -o jsonpath={.items[*].metadata.finalizers}'), '')
  })

  it('a CronJob, run by hand', async () => {
    const { kubectl } = node
    assert.match(await kubectl.ok('get cj'), /nightly +0 2 \* \* \* +Europe\/Berlin +False +0 +<none> +\S+/)
    await kubectl.ok('create job now --from=cronjob/nightly')
    await kubectl.ok('wait job now --for=condition=complete --timeout=60s')
    assert.match(await kubectl.ok('logs job/now'), /^tidied up at /)
    assert.match(await kubectl.ok('describe cronjob nightly'), /Concurrency Policy: +Forbid[\s\S]*Starting Deadline Seconds: +600s/)
    await kubectl.ok('delete cronjob nightly --timeout=30s')
    await eventually(node.client, ['batch/v1', 'Job'], (jobs) => !jobs.some(({ metadata }) => metadata.name === 'now'), {
      namespace: 'default',
    })
  })

  it('a failing one, and one that is deleted while it runs', async () => {
    const { kubectl } = node
    const bad = { backoffLimit: 0, podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }] } }
    const pod = (script: string) => ({
      spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox:1.36', command: ['sh', '-c', script] }] },
    })
    const job = (name: string, spec: object) => JSON.stringify({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec })
    await kubectl.apply(job('deadly', { ...bad, template: pod('exit 42') }))
    await kubectl.ok('wait job deadly --for=condition=failed --timeout=60s')
    assert.match(
      await kubectl.ok('describe job deadly'),
      /Warning +PodFailurePolicy +.*failed with exit code 42 matching FailJob rule at index 0/,
    )
    await kubectl.apply(job('long', { template: pod('trap exit TERM; while :; do sleep 1; done') }))
    await eventually(node.client, ['v1', 'Pod'], (pods) => pods.some(({ status }) => status.phase === 'Running'), { namespace: 'default' })
    await kubectl.ok('delete job long --cascade=foreground --timeout=60s')
    assert.equal(await kubectl.ok('get pods -l job-name=long -o name'), '')
  })
})
