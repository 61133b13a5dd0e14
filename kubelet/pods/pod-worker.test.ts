import assert from 'node:assert/strict'
import { test } from 'node:test'
import { podBench } from '../../test/harness/pod-bench.ts'
import { RuntimeError } from '../runtime/container-runtime.ts'
import { VolumeError } from '../volumes/volume.ts'

test('init containers run in order, one after the other, and hold back the app', async (context) => {
  const order: string[] = []
  const { start, phase, clock, get, conditions } = await podBench(context, ({ name }) => {
    order.push(name)
    return name === 'main' ? {} : { runsFor: 1000 }
  })
  await start('web', {
    initContainers: [
      { name: 'one', image: 'i' },
      { name: 'two', image: 'i' },
    ],
  })
  assert.deepEqual(order, ['one'])
  assert.equal(await phase('web'), 'Pending')
  assert.equal((await conditions('web'))['Initialized'], 'False')
  assert.equal((await get('web')).status.containerStatuses?.[0]?.state.waiting?.reason, 'PodInitializing')
  await clock.advance(1_000)
  assert.deepEqual(order, ['one', 'two'])
  await clock.advance(1_000)
  assert.deepEqual(order, ['one', 'two', 'main'])
  assert.equal(await phase('web'), 'Running')
  assert.equal((await conditions('web'))['Initialized'], 'True')
  const [one] = (await get('web')).status.initContainerStatuses ?? []
  assert.equal(one?.ready, true)
  assert.equal(one.state.terminated?.reason, 'Completed')
})

test('a failing init container fails a pod that is never restarted, and is retried in others', async (context) => {
  const { start, phase, get, clock } = await podBench(context, ({ name, attempt }) =>
    name === 'prepare' ? { runsFor: 0, exitCode: attempt < 2 ? 1 : 0 } : {},
  )
  const initContainers = [{ name: 'prepare', image: 'i' }]
  await start('once', { restartPolicy: 'Never', initContainers })
  await clock.advance(1)
  assert.equal(await phase('once'), 'Failed')
  await start('again', { initContainers })
  await clock.advance(1)
  assert.equal((await get('again')).status.initContainerStatuses?.[0]?.state.waiting?.reason, 'CrashLoopBackOff')
  await clock.advance(11_000)
  assert.equal(await phase('again'), 'Running')
})

test('sidecars start before the app, outlive it, and do not keep a finished pod', async (context) => {
  const { start, phase, get, clock, node } = await podBench(context, ({ name }) => (name === 'main' ? { runsFor: 5000 } : {}))
  await start('job', { restartPolicy: 'Never', initContainers: [{ name: 'proxy', image: 'p', restartPolicy: 'Always' }] })
  assert.equal(await phase('job'), 'Running')
  const [proxy] = (await get('job')).status.initContainerStatuses ?? []
  assert.ok(proxy?.ready && proxy.started)
  await clock.advance(5_000)
  assert.equal(await phase('job'), 'Succeeded')
  assert.ok([...node.state.containers.values()].every(({ status }) => status.state === 'exited'))
})

test('restart policies: Never ends as Failed or Succeeded, OnFailure retries only failures', async (context) => {
  const { start, phase, clock, main, conditions } = await podBench(context, ({ image, attempt }) => ({
    runsFor: 100,
    exitCode: image === 'bad' && attempt === 0 ? 1 : 0,
  }))
  await start('good', { restartPolicy: 'Never' })
  await start('bad', { restartPolicy: 'Never', main: { image: 'bad' } })
  await start('retried', { restartPolicy: 'OnFailure', main: { image: 'bad' } })
  await clock.advance(300)
  assert.equal(await phase('good'), 'Succeeded')
  assert.equal(await phase('bad'), 'Failed')
  assert.equal(await phase('retried'), 'Succeeded')
  assert.equal((await main('retried')).restartCount, 1)
  assert.equal((await conditions('good'))['Ready'], 'False')
})

test('a command that is not there crash-loops and says why', async (context) => {
  const { start, main, clock } = await podBench(context, () => ({ startError: 'exec: "nope": executable file not found in $PATH' }))
  await start('broken')
  await clock.advance(1_000)
  const status = await main('broken')
  assert.equal(status.state.waiting?.reason, 'CrashLoopBackOff')
  assert.equal(status.lastState.terminated?.reason, 'StartError')
  assert.equal(status.lastState.terminated.exitCode, 128)
  assert.match(status.lastState.terminated.message ?? '', /executable file not found/)
})

test('an image that does not come: ErrImagePull, back-off, and a start as soon as it is there', async (context) => {
  let there = false
  const pull = () => (there ? 0 : new RuntimeError('ErrImagePull', 'manifest unknown'))
  const { start, main, clock, phase, said } = await podBench(context, () => ({}), { runtime: { pull } })
  await start('web')
  assert.equal((await main('web')).state.waiting?.reason, 'ErrImagePull')
  await clock.advance(3_000)
  const held = await main('web')
  assert.equal(held.state.waiting?.reason, 'ImagePullBackOff')
  assert.match(held.state.waiting.message ?? '', /Back-off pulling image "app:1": ErrImagePull: manifest unknown/)
  assert.equal(await phase('web'), 'Pending')
  there = true
  await clock.advance(10_000)
  assert.equal(await phase('web'), 'Running')
  assert.ok(said.some((line) => line.startsWith('Pulled: Successfully pulled image "app:1"')))
})

test('Never uses what is there and waits for what is not', async (context) => {
  const { start, main } = await podBench(context)
  await start('web', { main: { imagePullPolicy: 'Never' } })
  assert.equal((await main('web')).state.waiting?.reason, 'ErrImageNeverPull')
  await start('odd', { main: { image: 'NOT a name' } })
  assert.equal((await main('odd')).state.waiting?.reason, 'InvalidImageName')
})

test('a missing config map is told, and the pod starts when it appears', async (context) => {
  const { start, main, client, clock, node } = await podBench(context)
  await start('web', { main: { env: [{ name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'paint', key: 'colour' } } }] } })
  const status = await main('web')
  assert.equal(status.state.waiting?.reason, 'CreateContainerConfigError')
  assert.equal(status.state.waiting.message, 'configmap "paint" not found')
  await client.create('v1', 'ConfigMap', { metadata: { name: 'paint' }, data: { colour: 'green' } }, { namespace: 'default' })
  await clock.advance(6_000)
  assert.ok((await main('web')).state.running)
  const [container] = node.state.containers.values()
  assert.ok(container?.config.env.some(({ name, value }) => name === 'COLOUR' && value === 'green'))
})

test('a volume that cannot be had delays the pod and is retried', async (context) => {
  let tries = 0
  const { start, phase, clock, said } = await podBench(context, () => ({}), {
    volumes: {
      prepare: async () => {
        if (tries++ < 3) throw new VolumeError('MountVolume.SetUp failed for volume "data" : not yet')
        return new Map()
      },
      refresh: async () => {},
      usage: async () => new Map(),
      teardown: async () => {},
    },
  })
  await start('web')
  assert.equal(await phase('web'), 'Pending')
  await clock.advance(10_000)
  assert.equal(await phase('web'), 'Running')
  assert.equal(said.filter((line) => line.startsWith('FailedMount:')).length, 3)
})

test('a liveness probe that fails restarts the container; a readiness probe takes it out', async (context) => {
  let healthy = true
  let ready = false
  const { start, main, clock, conditions, said } = await podBench(context, () => ({
    exec: ([what]) => ({ exitCode: (what === 'live' ? healthy : ready) ? 0 : 1 }),
  }))
  const probe = (what: string) => ({ exec: { command: [what] }, periodSeconds: 1, failureThreshold: 1 })
  await start('web', { terminationGracePeriodSeconds: 1, main: { livenessProbe: probe('live'), readinessProbe: probe('ready') } })
  await clock.advance(3_000)
  assert.equal((await conditions('web'))['Ready'], 'False')
  ready = true
  await clock.advance(3_000)
  assert.equal((await conditions('web'))['Ready'], 'True')
  healthy = false
  await clock.advance(2_500)
  healthy = true
  await clock.advance(12_000)
  const status = await main('web')
  assert.ok(status.restartCount >= 1)
  assert.ok(said.includes('Killing: Container main failed liveness probe, will be restarted'))
})

test('activeDeadlineSeconds ends a pod', async (context) => {
  const { start, get, clock } = await podBench(context)
  await start('short', { activeDeadlineSeconds: 30 })
  await clock.advance(31_000)
  const { status } = await get('short')
  assert.equal(status.phase, 'Failed')
  assert.equal(status.reason, 'DeadlineExceeded')
})

test('a pod that does not fit is refused with the reason', async (context) => {
  const { start, get, client, clock } = await podBench(context)
  const status = { capacity: { cpu: '1', memory: '1Gi', pods: '110' }, allocatable: { cpu: '1', memory: '1Gi', pods: '110' } }
  await client.patch('v1', 'Node', { name: 'n1' }, { type: 'merge', body: { status }, subresource: 'status' })
  await clock.settle()
  const asks = (cpu: string) => ({ main: { resources: { requests: { cpu } } } })
  await start('first', asks('700m'))
  await start('second', asks('700m'))
  const refused = (await get('second')).status
  assert.equal(refused.phase, 'Failed')
  assert.equal(refused.reason, 'OutOfcpu')
  assert.equal(refused.message, "Pod was rejected: Node didn't have enough resource: cpu, requested: 700, used: 700, capacity: 1000")
  await start('elsewhere', { nodeSelector: { disk: 'ssd' } })
  assert.equal((await get('elsewhere')).status.reason, 'NodeAffinity')
  await client.delete('v1', 'Pod', { namespace: 'default', name: 'first' })
  await clock.settle()
  await start('third', asks('700m'))
  assert.equal((await get('third')).status.phase, 'Running')
})

test('a changed image restarts that container', async (context) => {
  const { start, client, clock, main } = await podBench(context)
  await start('web')
  const body = { spec: { containers: [{ name: 'main', image: 'app:2' }] } }
  await client.patch('v1', 'Pod', { namespace: 'default', name: 'web' }, { type: 'strategic', body })
  await clock.settle()
  const status = await main('web')
  assert.equal(status.image, 'app:2')
  assert.equal(status.restartCount, 1)
})
